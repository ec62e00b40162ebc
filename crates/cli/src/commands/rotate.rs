//! `keyshoal rotate`: a new value for one credential, in safe steps.

mod back;
mod book;
mod due;
mod half;
mod show;
mod together;

use super::credential::{self, ValueArgs};
use super::flow::{self, Flow, FlowArgs};
use super::{Context, shared};
use crate::document::RotateDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::{Text, Tone, Ui};
use book::{Part, VaultBook};
pub use due::Age;
pub use half::{half_done, with_others};
use keyshoal_core::vault::{VaultCredential, VaultInstance};
use keyshoal_core::{AgentId, Secret};
use keyshoal_engine::rotate::{
    Ended, RotateOptions, RotateReport, Rotation, Sizes, Stage, State, plan_waves, rotate,
};
use keyshoal_engine::{AskPolicy, LookOptions};
use std::collections::BTreeSet;

/// Arguments of `rotate`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal rotate anthropic                       stage → test → publish in waves → prove → finish
  keyshoal rotate anthropic --canary academic --percent 25 --percent 50
  keyshoal rotate anthropic --resume              go on with one that halted, or whose process ended
  keyshoal rotate anthropic --rollback            the version before becomes current again, everywhere; needs no network
  keyshoal rotate anthropic --finish              retire the version before now
  keyshoal rotate --due --max-age 90              what is older than 90 days, and what is half rotated
  keyshoal rotate anthropic --instances all       one new value for every instance of the vault that has the credential

The new value is in the vault, and tested, before any agent has it. Agents with copies of their own get it first, a few at a time; where
agents share one row or file, that is one step for all who inherit. When more agents than --error-budget are shown to fail with it, all
get the version before again. That one stays at hand until the grace time is over.

With --instances, one instance comes first, then growing parts of all of them, then the rest; each has its own waves inside. One that
fails brings all back, in one step of the vault. One that cannot be reached from here is left as it is and never counts as proven.")]
pub struct RotateArgs {
    /// The provider (anthropic) or profile (anthropic:default)
    #[arg(value_name = "PROVIDER|PROFILE", required_unless_present = "due")]
    pub name: Option<String>,
    /// This agent's override
    #[arg(long, value_name = "AGENT")]
    pub agent: Option<String>,
    /// Go on with the rotation that is under way
    #[arg(long, conflicts_with_all = ["rollback", "finish", "due"])]
    pub resume: bool,
    /// Go back to the version before
    #[arg(long, conflicts_with_all = ["finish", "due"])]
    pub rollback: bool,
    /// Retire the version before, whatever is left of the grace time
    #[arg(long, conflicts_with = "due")]
    pub finish: bool,
    /// Report what is due, and what is half rotated
    #[arg(long)]
    pub due: bool,
    /// What is older is due, in days
    #[arg(long, value_name = "DAYS", default_value_t = 90, requires = "due")]
    pub max_age: u32,
    /// Instances of the vault that get one new value together, by their names, or all
    #[arg(long, value_name = "all|NAME,…", value_delimiter = ',', conflicts_with = "agent")]
    pub instances: Vec<String>,
    /// An agent of the first wave (can be repeated) [default: the first that has a copy of its own]; with --instances, the instance that comes first
    #[arg(long, value_name = "AGENT")]
    pub canary: Vec<String>,
    /// How far a wave reaches, in percent of the agents with copies of their own, and of the instances (can be repeated) [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=99))]
    pub percent: Vec<u8>,
    /// How many agents may be shown to fail before everybody goes back
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub error_budget: usize,
    /// Put a prompt to every agent through the running gateway as well
    #[arg(long)]
    pub through_gateway: bool,
    /// How long the version before stays at hand, in hours
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub grace: u32,
    /// Where the value comes from.
    #[command(flatten)]
    pub value: ValueArgs,
    /// How it is done.
    #[command(flatten)]
    pub flow: FlowArgs,
}

/// Does it.
pub fn cmd_rotate(ui: &mut Ui, context: &Context<'_>, args: &RotateArgs) -> Result<Outcome, CommandError> {
    if !args.instances.is_empty() {
        return together::cmd(ui, context, args);
    }
    let flow = flow::begin(ui, context, &args.flow)?;
    if args.due {
        return due::report(ui, &flow.held.vault, std::slice::from_ref(flow.instance()), args.max_age);
    }
    let name = args.name.as_deref().unwrap_or_default();
    let agent = args.agent.as_ref().map(|agent| flow.agent(agent).cloned()).transpose()?;
    let credential = flow.credential(name, agent.as_ref())?.cloned();
    let credential = credential.ok_or_else(|| flow.no_credential(name, agent.as_ref()))?;
    args.canary.iter().try_for_each(|name| flow.agent(name).map(drop))?;
    let vault = &flow.held.vault;
    let open = book::open_rotation(vault, flow.instance(), &credential)?;
    let going_on = args.finish || args.resume || args.rollback;
    if let Some(open) = &open
        && let Some(whole) = book::state_of(open)?.together
    {
        // It is one with the others: none of them goes on, or back, alone.
        return match going_on {
            true => together::go_on(ui, context, args, vault, &whole.id),
            false => Err(together::under_way(&flow.instance().name, open)),
        };
    }
    if args.rollback {
        return back::back(ui, &flow, &credential, open, args);
    }
    let options = options(args);
    let part = Part::of(&flow, &credential);
    let (mut book, mut rotation) = match open {
        Some(open) if args.finish && Stage::parse(&open.stage) < Some(Stage::Proven) => {
            return Err(CommandError::user(format!(
                "the rotation of {} stands at {}: not every agent is shown to work with the new value yet",
                credential.profile, open.stage
            ))
            .hint(format!(
                "keyshoal rotate {} --resume   goes on; --rollback   gives it up",
                credential.profile
            )));
        }
        Some(open) if going_on => one(VaultBook::resume(vault, flow.author(), vec![(part, open)])?)?,
        Some(open) if Stage::parse(&open.stage) == Some(Stage::Proven) => {
            return staged(ui, &flow, &credential, Some(open), args, &options);
        }
        Some(open) => return Err(together::under_way(credential.profile.as_str(), &open)),
        None if going_on => {
            return Err(CommandError::user(format!("no rotation of {} is under way", credential.profile))
                .hint(format!("keyshoal rotate {}   begins one", credential.profile)));
        }
        None => return staged(ui, &flow, &credential, None, args, &options),
    };
    if args.flow.dry_run {
        let left = rotation.state.waves.get(rotation.state.done..).unwrap_or_default();
        show::plan(&credential, left).iter().for_each(|line| ui.say(line));
        ui.document(&RotateDocument::planned(&credential.profile, left))?;
        return Ok(Outcome::Attention);
    }
    let options = if args.finish { RotateOptions { grace: 0, ..options } } else { options };
    let (report, ended) = go(ui, &flow, &mut book, &mut rotation, &options)?;
    shown(ui, &rotation, &report, &ended)
}

/// Takes the only rotation of a book.
fn one((book, rotations): (VaultBook<'_>, Vec<Rotation>)) -> Result<(VaultBook<'_>, Rotation), CommandError> {
    let rotation = rotations.into_iter().next();
    Ok((book, rotation.ok_or_else(|| CommandError::internal("the vault's book of rotations is empty"))?))
}

/// Stages a new value and goes on from there. What a rotation before it keeps at hand is retired only for a value that is accepted.
fn staged(
    ui: &mut Ui,
    flow: &Flow<'_>,
    credential: &VaultCredential,
    before: Option<keyshoal_vault::Rotation>,
    args: &RotateArgs,
    options: &RotateOptions,
) -> Result<Outcome, CommandError> {
    let secret = credential::value::read(ui, &args.value, credential.profile.as_str())?;
    let held = flow.entry(credential.uid)?;
    let value =
        credential::entry::with_secret(held.as_ref(), &credential.provider, &credential.kind, &secret)?;
    let offline = LookOptions { ask: AskPolicy::Offline, ..LookOptions::default() };
    let look = shared::look(ui, &flow.installation, &offline)?;
    let planned = match credential.agent {
        Some(_) => Vec::new(),
        None => plan_waves(&look, &credential.profile, &options.sizes),
    };
    for line in show::plan(credential, &planned) {
        ui.say(&line);
    }
    if before.is_some() {
        ui.say(&Text::of("  the value before the present one is retired then, and is no way back any more"));
    }
    if args.flow.dry_run {
        ui.document(&RotateDocument::planned(&credential.profile, &planned))?;
        return Ok(Outcome::Attention);
    }
    if let Some(outcome) = shared::agree(ui, "rotate?", args.flow.yes)? {
        if outcome == Outcome::Attention {
            ui.document(&RotateDocument::planned(&credential.profile, &planned))?;
        }
        return Ok(outcome);
    }
    let closed;
    let mut part = Part::of(flow, credential);
    if let Some(open) = before {
        closed = close(ui, flow, credential, open, &secret, options)?;
        let now = closed.credentials.iter().find(|one| one.uid == credential.uid);
        part.credential = now.ok_or_else(|| flow.no_credential(credential.profile.as_str(), None))?;
        part.instance = &closed;
    }
    let part = (part, State::default(), value);
    let (mut book, mut rotation) = one(VaultBook::begin(&flow.held.vault, flow.author(), vec![part])?)?;
    let options = RotateOptions { seen: Some(look.observed), ..options.clone() };
    let (report, ended) = go(ui, flow, &mut book, &mut rotation, &options)?;
    shown(ui, &rotation, &report, &ended)
}

/// Closes a rotation that has come through, for a value that its provider accepts. Returns the instance as it is then.
fn close(
    ui: &mut Ui,
    flow: &Flow<'_>,
    credential: &VaultCredential,
    open: keyshoal_vault::Rotation,
    secret: &Secret,
    options: &RotateOptions,
) -> Result<VaultInstance, CommandError> {
    let agent = flow.instance().agents.iter().find(|agent| Some(agent.uid) == credential.agent);
    let (provider, kind) = (&credential.provider, &credential.kind);
    credential::value::try_it(ui, flow, secret, provider, kind, agent, !options.offline)?;
    let part = Part::of(flow, credential);
    let (mut book, mut rotation) =
        one(VaultBook::resume(&flow.held.vault, flow.author(), vec![(part, open)])?)?;
    go(ui, flow, &mut book, &mut rotation, &RotateOptions { grace: 0, ..options.clone() })?;
    Ok(flow.held.vault.instance(&flow.instance().id)?)
}

fn options(args: &RotateArgs) -> RotateOptions {
    let canaries: BTreeSet<AgentId> = args.canary.iter().map(|name| shared::agent(name)).collect();
    let percent = if args.percent.is_empty() { Sizes::default().percent } else { args.percent.clone() };
    RotateOptions {
        sizes: Sizes { canaries, percent },
        error_budget: args.error_budget,
        offline: args.flow.offline,
        through_gateway: args.through_gateway,
        grace: i64::from(args.grace) * 3600,
        activate: args.flow.activate.activate.mode(),
        seen: None,
        together: false,
    }
}

fn go(
    ui: &mut Ui,
    flow: &Flow<'_>,
    book: &mut VaultBook<'_>,
    rotation: &mut Rotation,
    options: &RotateOptions,
) -> Result<(RotateReport, Ended), CommandError> {
    let progress = ui.progress();
    let mut lines = Vec::new();
    let done = rotate(&flow.installation, book, rotation, options, &mut |event| {
        show::event(&progress, &mut lines, &event);
    });
    drop(progress);
    lines.iter().for_each(|line| ui.say(line));
    if matches!(done, Ok((_, Ended::Finished))) {
        super::vault::by_the_way(ui, &flow.held.vault, flow.author());
    }
    done.map_err(|error| {
        let made = CommandError::from(error);
        if matches!(rotation.stage, Stage::Finished | Stage::RolledBack) {
            return made;
        }
        let whose = rotation.agent.as_ref().map(|agent| format!(" --agent {agent}")).unwrap_or_default();
        made.hint(format!(
            "the rotation stands at {}: keyshoal rotate {}{whose} --resume   goes on, --rollback   gives it up",
            rotation.stage.as_str().replace('_', " "),
            rotation.profile
        ))
    })
}

fn shown(
    ui: &mut Ui,
    rotation: &Rotation,
    report: &RotateReport,
    ended: &Ended,
) -> Result<Outcome, CommandError> {
    ui.data(&show::report(rotation, report, ended));
    ui.document(&RotateDocument::of(rotation, report, ended))?;
    let fine = match ended {
        Ended::Finished | Ended::Grace { .. } | Ended::Proven => report.failures.is_empty(),
        Ended::RolledBack { asked, clean, .. } => *asked && *clean,
        Ended::Unproven | Ended::Elsewhere { .. } | Ended::Failing { .. } | Ended::Halted { .. } => false,
    };
    if let Ended::Halted { why } = ended {
        let line = Text::toned(Tone::Doubt, "? halted: ").plain(why.clone());
        let profile = &rotation.profile;
        ui.say(
            &line.plain(format!("; keyshoal rotate {profile} --resume   goes on, --rollback   gives it up")),
        );
    }
    Ok(Outcome::attention_if(!fine))
}
