//! `keyshoal artifacts`: what every agent gets of the vault's credentials, and how.

use super::Context;
use super::flow::{self, FlowArgs};
use super::shared;
use crate::document::ArtifactsDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root;
use crate::ui::Text;
use crate::ui::Ui;
use keyshoal_core::AgentId;
use keyshoal_core::artifacts::{AgentArtifacts, How, artifacts};
use keyshoal_core::judge::Sight;
use keyshoal_core::vault::VersionState;
use keyshoal_engine::LookOptions;
use keyshoal_engine::ports::Observe as _;
use keyshoal_openclaw::artifacts::build_auth_artifacts;
use std::path::{Path, PathBuf};

/// Arguments of `artifacts`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal artifacts --list
  keyshoal artifacts --list --agent stocks --json
  keyshoal artifacts --to ./made         the document of every enabled agent, for whoever puts them in place

emitted   it stands, or will with the next sync, in the agent's own store
inherits  in the store that the agent inherits from
pending   it waits: for a database that OpenClaw has not made (that alone needs nobody), for a roster, for a person, for a sync
skipped   it does not come, and the line says why

Who stands in the config and is not in the vault comes last, and needs attention: such an agent has what all share.")]
pub struct ArtifactsArgs {
    /// List every agent with everything that it gets
    #[arg(long)]
    pub list: bool,
    /// Only this agent (can be repeated)
    #[arg(long, value_name = "AGENT")]
    pub agent: Vec<String>,
    /// Write each enabled agent's document of this installation's layout, with its values, to DIR/AGENT/ (0600); DIR must not exist
    #[arg(long, value_name = "DIR", conflicts_with_all = ["list", "agent"])]
    pub to: Option<PathBuf>,
}

/// Lists them. Nothing is written.
pub fn cmd_artifacts(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &ArtifactsArgs,
) -> Result<Outcome, CommandError> {
    let how = FlowArgs::to_look();
    let flow = flow::begin(ui, context, &how)?;
    if let Some(to) = &args.to {
        return write(ui, &flow, to);
    }
    let look = shared::look(ui, &flow.installation, &LookOptions::default())?;
    let Some(wish) = &look.desired.wish else {
        return Err(CommandError::internal("an installation with a vault that wants nothing of it"));
    };
    let named: Vec<AgentId> = args
        .agent
        .iter()
        .map(|name| Ok(flow.agent(name)?.id.clone()))
        .collect::<Result<_, CommandError>>()?;
    let everybody = named.is_empty();
    let agents: Vec<AgentId> = match everybody {
        true => flow.instance().agents.iter().map(|agent| agent.id.clone()).collect(),
        false => named,
    };
    // Who stands in the config alone gets what all share.
    let strangers = if everybody { flow.installation.strangers() } else { Vec::new() };
    let sight = Sight::new(&look.observed, &look.desired, &look.knowledge, look.now);
    let mut all = artifacts(&sight, &look.judgement, wish, &agents);
    let alone = artifacts(&sight, &look.judgement, wish, &strangers).into_iter();
    all.extend(alone.map(|one| AgentArtifacts { in_vault: false, ..one }));
    ui.data(&render::artifacts::lines(&all));
    let waits = |how: &How| match how {
        How::Emitted { there } | How::Inherits { there } => !there,
        How::Pending { by_itself, .. } => !by_itself,
        How::Skipped { .. } => false,
    };
    let open = all.iter().flat_map(|agent| &agent.artifacts).any(|one| waits(&one.how));
    if let [first, ..] = strangers.as_slice() {
        let ways = match flow.installation.undecided() {
            // As long as nobody has said which, an adopt refuses.
            Some(undecided) => {
                format!("{} is gone from it: {}", undecided.gone, undecided.ways().join("; "))
            }
            None => format!(
                "keyshoal agent add {first}   takes {first} in as it stands, keyshoal instance adopt   all of them"
            ),
        };
        ui.warn(&format!("the vault does not know everybody of the config: {ways}"));
    }
    let open = open || !strangers.is_empty();
    ui.document(&ArtifactsDocument::of(all))?;
    Ok(Outcome::attention_if(open))
}

/// Writes the documents of every enabled agent into a new directory.
fn write(ui: &mut Ui, flow: &flow::Flow<'_>, to: &Path) -> Result<Outcome, CommandError> {
    let layout = flow.installation.observe()?.instance.layout;
    let values = flow.held.vault.values(&flow.instance().id)?;
    let current = values.into_iter().filter(|value| value.state == VersionState::Current);
    let values = current.map(|value| (value.credential, value.value)).collect();
    let made = build_auth_artifacts(layout, flow.instance(), &values, keyshoal_local::clock::now())
        .map_err(|error| CommandError::user(error.to_string()))?;
    root::make_new_dir(to)?;
    for one in &made {
        let dir = to.join(one.agent.as_str());
        root::make_new_dir(&dir)?;
        let documents = [
            ("auth-profiles.json", Some(&one.artifact.store)),
            ("auth-state.json", one.artifact.state.as_ref()),
        ];
        for (name, text) in documents.into_iter().filter_map(|(name, text)| Some((name, text?))) {
            root::write_new(&dir.join(name), text.reveal_secret().as_bytes())?;
        }
        for (profile, why) in &one.left_out {
            ui.warn(&format!("{}: {profile} is left out: {why}", one.agent));
        }
        ui.say(&Text::of(format!(
            "{}: {}",
            one.agent,
            crate::render::words::count(one.profiles.len(), "profile")
        )));
    }
    ui.warn(&format!("{} holds keys in the clear: remove it when they are in place", to.display()));
    ui.document(&ArtifactsDocument::of(Vec::new()))?;
    Ok(Outcome::Fine)
}
