//! `keyshoal artifacts`: what every agent gets of the vault's credentials, and how.

use super::Context;
use super::flow::{self, FlowArgs};
use super::shared;
use crate::document::ArtifactsDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::ui::Ui;
use keyshoal_core::AgentId;
use keyshoal_core::artifacts::{How, artifacts};
use keyshoal_core::judge::Sight;
use keyshoal_engine::LookOptions;

/// Arguments of `artifacts`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal artifacts --list
  keyshoal artifacts --list --agent stocks --json

emitted   it stands, or will with the next sync, in the agent's own store
inherits  in the store that the agent inherits from
pending   it waits: for a database that OpenClaw has not made, for a roster
skipped   it does not come, and the line says why")]
pub struct ArtifactsArgs {
    /// List every agent with everything that it gets
    #[arg(long)]
    pub list: bool,
    /// Only this agent (can be repeated)
    #[arg(long, value_name = "AGENT")]
    pub agent: Vec<String>,
}

/// Lists them. Nothing is written.
pub fn cmd_artifacts(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &ArtifactsArgs,
) -> Result<Outcome, CommandError> {
    let how = FlowArgs { offline: true, ..FlowArgs::default() };
    let flow = flow::begin(ui, context, &how)?;
    let look = shared::look(ui, &flow.installation, &LookOptions::default())?;
    let Some(wish) = &look.desired.wish else {
        return Err(CommandError::internal("an installation with a vault that wants nothing of it"));
    };
    let named: Vec<AgentId> = args
        .agent
        .iter()
        .map(|name| Ok(flow.agent(name)?.id.clone()))
        .collect::<Result<_, CommandError>>()?;
    let agents: Vec<AgentId> = match named.is_empty() {
        true => flow.instance().agents.iter().map(|agent| agent.id.clone()).collect(),
        false => named,
    };
    let sight = Sight::new(&look.observed, &look.desired, &look.knowledge, look.now);
    let all = artifacts(&sight, wish, &agents);
    ui.data(&render::artifacts::lines(&all));
    let waits = |how: &How| {
        matches!(how, How::Emitted { there: false } | How::Inherits { there: false } | How::Pending { .. })
    };
    let open = all.iter().flat_map(|agent| &agent.artifacts).any(|one| waits(&one.how));
    ui.document(&ArtifactsDocument::of(all))?;
    Ok(Outcome::attention_if(open))
}
