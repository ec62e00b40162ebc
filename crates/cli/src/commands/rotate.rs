//! `keyshoal rotate`: a new value for one credential, in safe steps.

mod book;
mod due;
mod show;

use super::credential::{self, ValueArgs};
use super::flow::{self, Flow, FlowArgs};
use super::{Context, shared};
use crate::document::RotateDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::{Answer, Text, Tone, Ui};
use book::VaultBook;
pub use due::Age;
use keyshoal_core::AgentId;
use keyshoal_core::vault::{VaultCredential, VersionState};
use keyshoal_engine::rotate::{
    Ended, RotateOptions, RotateReport, Sizes, Stage, plan_waves, roll_back, rotate,
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

The new value is in the vault, and tested, before any agent has it. Agents with copies of their own get it first, a few at a time; where
agents share one row or file, that is one step for all who inherit. When more agents than --error-budget are shown to fail with it, all
get the version before again. That one stays at hand until the grace time is over.")]
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
    /// An agent of the first wave (can be repeated) [default: the first that has a copy of its own]
    #[arg(long, value_name = "AGENT")]
    pub canary: Vec<String>,
    /// How far a wave reaches, in percent of the agents with copies of their own (can be repeated) [default: 50]
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
    let flow = flow::begin(ui, context, &args.flow)?;
    if args.due {
        return due::report(ui, &flow, args.max_age);
    }
    let name = args.name.as_deref().unwrap_or_default();
    let agent = args.agent.as_ref().map(|agent| flow.agent(agent).cloned()).transpose()?;
    let credential = flow.credential(name, agent.as_ref())?.cloned().ok_or_else(|| {
        CommandError::user(format!("the vault has no credential {name}"))
            .hint("keyshoal credential list   shows what there is; credential set   adds one")
    })?;
    let open = book::open_rotation(&flow, &credential)?;
    if args.rollback {
        return back(ui, &flow, &credential, open, args);
    }
    let options = options(args);
    let (mut book, mut rotation) = match open {
        Some(open) if args.finish || args.resume => VaultBook::resume(&flow, &credential, open)?,
        Some(open) => match Stage::parse(&open.stage) {
            // The one before has come through; this closes it.
            Some(Stage::Proven) => {
                let (mut book, mut rotation) = VaultBook::resume(&flow, &credential, open)?;
                let now = RotateOptions { grace: 0, ..options.clone() };
                go(ui, &flow, &mut book, &mut rotation, &now)?;
                drop(book);
                return begin(ui, context, args);
            }
            _ => {
                return Err(CommandError::user(format!(
                    "a rotation of {} is under way ({})",
                    credential.profile, open.stage
                ))
                .hint(format!(
                    "keyshoal rotate {} --resume   goes on with it; --rollback   gives it up",
                    credential.profile
                )));
            }
        },
        None if args.finish || args.resume => {
            return Err(CommandError::user(format!("no rotation of {} is under way", credential.profile))
                .hint(format!("keyshoal rotate {}   begins one", credential.profile)));
        }
        None => return staged(ui, flow, &credential, args, &options),
    };
    let options = if args.finish { RotateOptions { grace: 0, ..options } } else { options };
    let (report, ended) = go(ui, &flow, &mut book, &mut rotation, &options)?;
    shown(ui, &rotation, &report, &ended)
}

/// Begins again, once what was in the way is closed.
fn begin(ui: &mut Ui, context: &Context<'_>, args: &RotateArgs) -> Result<Outcome, CommandError> {
    cmd_rotate(ui, context, args)
}

/// Stages a new value and goes on from there.
fn staged(
    ui: &mut Ui,
    flow: Flow<'_>,
    credential: &VaultCredential,
    args: &RotateArgs,
    options: &RotateOptions,
) -> Result<Outcome, CommandError> {
    let secret = credential::value::read(ui, &args.value, credential.profile.as_str())?;
    let before = flow.entry(credential.uid)?;
    let value =
        credential::entry::with_secret(before.as_ref(), &credential.provider, &credential.kind, &secret)?;
    let planned = {
        let look = LookOptions { ask: AskPolicy::Offline, ..LookOptions::default() };
        let look = shared::look(ui, &flow.installation, &look)?;
        match credential.agent {
            Some(_) => Vec::new(),
            None => plan_waves(&look, &credential.profile, &options.sizes),
        }
    };
    for line in show::plan(credential, &planned) {
        ui.say(&line);
    }
    if args.flow.dry_run {
        ui.document(&RotateDocument::planned(&credential.profile, &planned))?;
        return Ok(Outcome::Attention);
    }
    if !args.flow.yes {
        match ui.ask(&[Text::of("rotate?")], true)? {
            Some(Answer::Yes) => {}
            Some(Answer::No) => {
                ui.say(&Text::of("nothing was changed"));
                return Ok(Outcome::Fine);
            }
            None => {
                ui.say(&Text::of("nothing was changed: nobody is there to ask. Agree with --yes"));
                ui.document(&RotateDocument::planned(&credential.profile, &planned))?;
                return Ok(Outcome::Attention);
            }
        }
    }
    let (mut book, mut rotation) = VaultBook::begin(&flow, credential, value)?;
    let (report, ended) = go(ui, &flow, &mut book, &mut rotation, options)?;
    shown(ui, &rotation, &report, &ended)
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
    }
}

fn go(
    ui: &mut Ui,
    flow: &Flow<'_>,
    book: &mut VaultBook<'_, '_>,
    rotation: &mut keyshoal_engine::rotate::Rotation,
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
    done.map_err(Into::into)
}

fn back(
    ui: &mut Ui,
    flow: &Flow<'_>,
    credential: &VaultCredential,
    open: Option<keyshoal_vault::Rotation>,
    args: &RotateArgs,
) -> Result<Outcome, CommandError> {
    let (mut book, mut rotation) = match open {
        Some(open) => VaultBook::resume(flow, credential, open)?,
        None if credential.versions.iter().any(|one| one.state == VersionState::Previous) => {
            VaultBook::reopen(flow, credential)?
        }
        None => {
            return Err(CommandError::user(format!(
                "{} has no version to go back to: the one before is retired, or there was none",
                credential.profile
            ))
            .hint("keyshoal credential show   lists the versions; give an earlier value again with keyshoal rotate"));
        }
    };
    if let Some(why) = book::death_of_old(flow, &rotation)? {
        ui.warn(&format!("the agents would fail with the value before: {why}"));
        if !args.flow.yes && ui.ask(&[Text::of("go back to it all the same?")], false)? != Some(Answer::Yes) {
            ui.say(&Text::of("nothing was changed"));
            return Ok(Outcome::Attention);
        }
    }
    if args.flow.dry_run {
        let to = rotation.old.map_or("the value before".to_owned(), |old| old.to_string());
        ui.data(&[Text::of(format!("would bring {} back to {to} everywhere", credential.profile))]);
        ui.document(&RotateDocument::planned(&credential.profile, &[]))?;
        return Ok(Outcome::Attention);
    }
    let options = RotateOptions { offline: true, ..options(args) };
    let progress = ui.progress();
    let mut lines = Vec::new();
    let done = roll_back(&flow.installation, &mut book, &mut rotation, &options, &mut |event| {
        show::event(&progress, &mut lines, &event);
    });
    drop(progress);
    lines.iter().for_each(|line| ui.say(line));
    let (report, ended) = done?;
    shown(ui, &rotation, &report, &ended)
}

fn shown(
    ui: &mut Ui,
    rotation: &keyshoal_engine::rotate::Rotation,
    report: &RotateReport,
    ended: &Ended,
) -> Result<Outcome, CommandError> {
    ui.data(&show::report(rotation, report, ended));
    ui.document(&RotateDocument::of(rotation, report, ended))?;
    let fine = match ended {
        Ended::Finished | Ended::Grace { .. } => report.failures.is_empty(),
        Ended::RolledBack { asked, clean, .. } => *asked && *clean,
        Ended::Unproven | Ended::Halted { .. } => false,
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
