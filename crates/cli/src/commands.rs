//! One file per command.

pub mod agent;
pub mod alerts;
pub mod artifacts;
pub mod binding;
pub mod bundle;
pub mod completions;
mod consent;
pub mod credential;
pub mod demo;
pub mod diff;
pub mod doctor;
mod elsewhere;
pub mod explain;
pub mod export;
mod flow;
mod fresh;
pub mod history;
mod identity;
pub mod import;
pub mod instance;
pub mod keep;
pub mod man;
mod marks;
pub mod model;
pub mod quarantine;
pub mod recipient;
pub mod recover;
pub mod replace;
mod report;
pub mod restart;
mod restarting;
mod restored;
pub mod rollback;
pub mod rotate;
pub mod route;
pub mod scrub;
pub mod set;
mod shape;
mod shared;
mod signals;
mod spelling;
pub mod status;
pub mod sync;
pub mod trace;
pub mod vault;
pub mod verify;
pub mod watch;

use crate::arguments::{Cli, Command};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::World;
use crate::ui::{Text, Ui};
use std::time::{Duration, Instant};

/// What every command is handed.
pub struct Context<'a> {
    /// The process's environment.
    pub world: &'a World,
    /// Options for every command.
    pub globals: &'a crate::arguments::Globals,
}

/// Runs the command that was asked for. Where somebody else has changed the vault under its hands, it is done anew from the start, for as
/// long as it may wait for others: nothing of it is done then, and what it makes of what it reads may be something else now.
pub fn run(ui: &mut Ui, world: &World, cli: &Cli) -> Result<Outcome, CommandError> {
    let context = Context { world, globals: &cli.globals };
    let (begun, wait) = (Instant::now(), Duration::from_secs(cli.globals.wait));
    // A passphrase that came by a descriptor does not come twice.
    let may_again = cli.globals.passphrase_fd.is_none() && !matches!(cli.command, Some(Command::Import(_)));
    loop {
        match once(ui, &context, cli) {
            Err(error) if error.again && may_again && begun.elapsed() < wait => {
                ui.say(&Text::of("· somebody else has changed the vault meanwhile: once more"));
            }
            ended => return ended,
        }
    }
}

fn once(ui: &mut Ui, context: &Context<'_>, cli: &Cli) -> Result<Outcome, CommandError> {
    match &cli.command {
        None => status::cmd_status(ui, context, &status::StatusArgs::default()),
        Some(Command::Status(args)) => status::cmd_status(ui, context, args),
        Some(Command::Diff(args)) => diff::cmd_diff(ui, context, args),
        Some(Command::Explain(args)) => explain::cmd_explain(ui, context, args),
        Some(Command::Doctor(args)) => doctor::cmd_doctor(ui, context, args),
        Some(Command::Quarantine(args)) => quarantine::cmd_quarantine(ui, context, args),
        Some(Command::Scrub(args)) => scrub::cmd_scrub(ui, context, args),
        Some(Command::Sync(args)) => sync::cmd_sync(ui, context, args),
        Some(Command::Trace(args)) => trace::cmd_trace(ui, context, args),
        Some(Command::Verify(args)) => verify::cmd_verify(ui, context, args),
        Some(Command::Set(args)) => set::cmd_set(ui, context, args),
        Some(Command::Watch(args)) => watch::cmd_watch(ui, context, args),
        Some(Command::Alerts(args)) => alerts::cmd_alerts(ui, context, args),
        Some(Command::Restart(args)) => restart::cmd_restart(ui, context, args),
        Some(Command::Keep(args)) => keep::cmd_keep(ui, context, args),
        Some(Command::Replace(args)) => replace::cmd_replace(ui, context, args),
        Some(Command::Route(args)) => route::cmd_route(ui, context, args),
        Some(Command::History(args)) => history::cmd_history(ui, context, args),
        Some(Command::Rollback(args)) => rollback::cmd_rollback(ui, context, args),
        Some(Command::Recover(args)) => recover::cmd_recover(ui, context, args),
        Some(Command::Export(args)) => export::cmd_export(ui, context, args),
        Some(Command::Import(args)) => import::cmd_import(ui, context, args),
        Some(Command::Recipient(args)) => recipient::cmd_recipient(ui, context, args),
        Some(Command::Bundle(args)) => bundle::cmd_bundle(ui, context, args),
        Some(Command::Agent(args)) => agent::cmd_agent(ui, context, args),
        Some(Command::Credential(args)) => credential::cmd_credential(ui, context, args),
        Some(Command::Model(args)) => model::cmd_model(ui, context, args),
        Some(Command::Binding(args)) => binding::cmd_binding(ui, context, args),
        Some(Command::Instance(args)) => instance::cmd_instance(ui, context, args),
        Some(Command::Artifacts(args)) => artifacts::cmd_artifacts(ui, context, args),
        Some(Command::Rotate(args)) => rotate::cmd_rotate(ui, context, args),
        Some(Command::Vault(args)) => vault::cmd_vault(ui, context, args),
        Some(Command::Demo(args)) => demo::cmd_demo(ui, context, args),
        Some(Command::Completions(args)) => completions::cmd_completions(ui, args),
        Some(Command::Man(args)) => man::cmd_man(ui, args),
    }
}
