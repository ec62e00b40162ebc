//! `keyshoal trace`: what a command of the person's own did to the stores, and whom it missed.

use super::{Context, shared};
use crate::document::TraceDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::{self, Handed, OpenFor};
use crate::ui::Ui;
use keyshoal_core::changes::{Change, changes};
use keyshoal_core::{Finding, Severity};
use keyshoal_engine::LookOptions;
use std::collections::BTreeSet;

/// Arguments of `trace`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal trace -- openclaw models auth paste-token --provider anthropic
  keyshoal trace -- openclaw configure

The command runs as it would without keyshoal, on this terminal; where --state-dir or --config names an installation, it is told of that
one (OPENCLAW_STATE_DIR, OPENCLAW_CONFIG_PATH). Afterwards it is told which stores it changed, which agents
it missed, and what it did to order, type and cooldowns. The exit code is 1 when the command failed, 2 when it missed somebody.")]
pub struct TraceArgs {
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// What was found.
pub struct Trace {
    /// The command's exit code.
    pub code: i32,
    /// The state directory that was looked at.
    pub state_dir: String,
    /// The command was told of it (`OPENCLAW_STATE_DIR`).
    pub handed: bool,
    /// The environment names it.
    pub by_environment: bool,
    /// What changed.
    pub changes: Vec<Change>,
    /// What needs attention now and did not before.
    pub missed: Vec<Finding>,
}

/// Looks, runs, looks again, and tells the difference.
pub fn cmd_trace(ui: &mut Ui, context: &Context<'_>, args: &TraceArgs) -> Result<Outcome, CommandError> {
    let installation = shared::open(ui, context, OpenFor { offline: true, ..OpenFor::default() })?;
    let before = shared::look(ui, &installation, &LookOptions::default())?;
    ui.flush();
    let found = root::locations(context.world, context.globals)?;
    let handed = Handed::of(context.world, context.globals, &found);
    let code = root::run_child(&args.command, &handed)?;
    let after = shared::look(ui, &installation, &LookOptions::default())?;
    let key = |one: &Finding| (one.agent.clone(), one.profile.clone(), one.provider.clone(), one.finding);
    let known: BTreeSet<_> = before.judgement.findings.iter().map(key).collect();
    let missed = after.judgement.findings.iter();
    let missed = missed.filter(|one| one.severity == Severity::Attention && !known.contains(&key(one)));
    let trace = Trace {
        code,
        state_dir: after.observed.instance.state_dir.clone(),
        handed: !handed.set.is_empty(),
        by_environment: context.world.environment.get("OPENCLAW_STATE_DIR").is_some(),
        changes: changes(&before.observed, &after.observed),
        missed: missed.cloned().collect(),
    };
    ui.data(&render::trace::lines(&trace, &after.observed, ui.width()));
    ui.document(&TraceDocument::of(&trace))?;
    if code != 0 {
        return Err(CommandError::user(format!("the command ended with exit code {code}")));
    }
    Ok(Outcome::attention_if(!trace.missed.is_empty()))
}
