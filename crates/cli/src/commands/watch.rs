//! `keyshoal watch`: looks again whenever the installation changes.

mod events;
mod once;
mod policy;
mod service;
mod tell;

pub use service::{InstallServiceArgs, unit};

use super::{Context, identity, shared, signals};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::OpenFor;
use crate::ui::{Text, Ui};
use keyshoal_engine::ports::Observe as _;
use keyshoal_local::watch::Watcher;
use std::cell::Cell;
use std::rc::Rc;

/// Arguments of `watch`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  keyshoal watch                         in a terminal; ends with Ctrl-C
  keyshoal watch install-service         as a systemd user service; asks what it may do
  keyshoal watch --once --json           one round, for cron

What it may do is in keyshoal.toml, beside the keys (by default ~/.config/keyshoal/keyshoal.toml):

  [watch]
  policy = \"report\"        # or \"repair\": do what a sync without questions would do
  ask_providers = true     # ask about values that differ
  activate = \"auto\"        # or reload, restart, none
  every_seconds = 60       # look at least so often

Without that file it reports."
)]
pub struct WatchArgs {
    /// One round, then end
    #[arg(long)]
    pub once: bool,
    /// Do not ask providers
    #[arg(long)]
    pub offline: bool,
    /// What to do instead of watching.
    #[command(subcommand)]
    pub action: Option<WatchAction>,
}

/// What `watch` can do besides watching.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum WatchAction {
    /// Write the systemd user unit and the policy
    InstallService(InstallServiceArgs),
}

/// Watches until it is told to stop.
pub fn cmd_watch(ui: &mut Ui, context: &Context<'_>, args: &WatchArgs) -> Result<Outcome, CommandError> {
    if let Some(WatchAction::InstallService(args)) = &args.action {
        return service::install(ui, context, args);
    }
    let policy = policy::read(context)?;
    let offline = args.offline || !policy.ask_providers;
    let installation = shared::open(ui, context, OpenFor { offline, ..OpenFor::default() })?;
    let certain = installation.identity().is_certain();
    if policy.repair && !certain && !identity::settle(ui, context, &installation)? {
        ui.warn("it only reports until that is answered");
    }
    let repair = policy.repair && installation.identity().is_certain();
    let ask = shared::ask_policy(offline);
    if args.once {
        return once::round(ui, &installation, repair, ask, policy.activate);
    }
    let stop = signals::stop_flag()?;
    // Looking tells which directories there are. They are watched before the first look that counts, so that nothing falls between.
    installation.observe()?;
    let mut watcher = Watcher::start(&installation).map_err(|error| {
        CommandError::io(format!("the directories cannot be watched: {error}"))
            .hint("raise fs.inotify.max_user_watches, or run `keyshoal watch --once` from a timer")
    })?;
    watcher.follow(&installation);
    let word = if repair { "repairing what is certain" } else { "reporting, writing nothing" };
    ui.say(&Text::of(format!("watching {} ({word}); Ctrl-C ends it", installation.state_dir().display())));
    let looked = Rc::new(Cell::new(false));
    let mut source = events::Source::new(&installation, watcher, stop, Rc::clone(&looked));
    let engine = keyshoal_engine::watch::Policy { repair, every: policy.every, ..Default::default() };
    let mut teller = tell::Teller::new(ui, looked);
    keyshoal_engine::watch::run(&installation, engine, ask, policy.activate, &mut source, &mut |report| {
        teller.tell(&report);
    });
    teller.end();
    Ok(Outcome::Fine)
}
