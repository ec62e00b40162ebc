//! `keyshoal watch`: looks again whenever the installation changes.

pub(super) mod alarm;
mod events;
mod measure;
mod once;
pub(super) mod policy;
mod remember;
mod rotating;
mod service;
mod tell;

pub use service::{InstallServiceArgs, install, unit};

use super::vault::Tidier;
use super::{Context, identity, shared, signals};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::holdings::{self, Need};
use crate::root::{OpenFor, vault};
use crate::ui::{Text, Ui};
use events::Ended;
use keyshoal_engine::ports::{Clock as _, Observe as _};
use keyshoal_engine::watch::{Alarms, Report, VerifyPolicy, Watch};
use keyshoal_local::Installation;
use keyshoal_local::watch::Watcher;
use keyshoal_metrics::{ListenError, Registry, Server};
use rotating::Rotating;
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
  restart_command = \"systemctl --user restart openclaw-gateway\"   # used with activate = \"restart\" only
  gateway_token_file = \"/run/secrets/gateway-token\"               # as --gateway-token-file
  allow_device = false     # as --allow-device
  every_seconds = 60       # look at least so often

  [verify]
  every_minutes = 30       # ask the providers about what every agent sends; 0: not by the clock
  after_change = true      # and after what agents send has changed
  through_gateway = false  # also put a prompt to every agent (costs a few tokens each)

[[alert]] names whom it tells (see: keyshoal alerts --help), [metrics] where Prometheus finds its numbers; the README shows every key.

Without that file it reports. It is read again when it changes."
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

/// What a watch keeps when it begins again with another policy.
#[derive(Default)]
struct Kept {
    alarms: Alarms,
    registry: Registry,
}

/// Watches until it is told to stop.
pub fn cmd_watch(ui: &mut Ui, context: &Context<'_>, args: &WatchArgs) -> Result<Outcome, CommandError> {
    if let Some(WatchAction::InstallService(args)) = &args.action {
        return service::install(ui, context, args);
    }
    let path = policy::path(context)?;
    let mut stamp = policy::Stamp::of(&path);
    let mut policy = policy::read(&path)?;
    if args.once {
        let globals = policy.globals(context.globals);
        let context = Context { globals: &globals, ..*context };
        return once::cmd_once(ui, &context, args, (&policy, &path));
    }
    let stop = signals::stop_flag()?;
    let mut kept = Kept::default();
    loop {
        let globals = policy.globals(context.globals);
        let context = Context { globals: &globals, ..*context };
        let by_policy = policy::Watched { path: path.clone(), stamp };
        if watch(ui, &context, args, &policy, by_policy, stop.clone(), &mut kept)? == Ended::Told {
            return Ok(Outcome::Fine);
        }
        // The stamp comes first, so that no later change is missed.
        stamp = policy::Stamp::of(&path);
        match policy::read(&path) {
            Ok(changed) => policy = changed,
            Err(error) => {
                ui.error(&error);
                ui.warn("until the policy is mended nothing is repaired");
                policy.repair = false;
            }
        }
    }
}

/// Watches until it is told to stop or the policy changes.
fn watch(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &WatchArgs,
    policy: &policy::WatchPolicy,
    by_policy: policy::Watched,
    stop: signals::StopFlag,
    kept: &mut Kept,
) -> Result<Ended, CommandError> {
    let offline = args.offline || !policy.ask_providers;
    let Opened { installation, repair, mut tidier, rotating } = opened(ui, context, policy, offline)?;
    let ask = shared::ask_policy(offline);
    // Looking tells which directories there are. They are watched before the first look that counts, so that nothing falls between.
    installation.observe()?;
    let watcher = Watcher::start(&installation).map_err(|error| {
        CommandError::io(format!("the directories cannot be watched: {error}"))
            .hint("raise fs.inotify.max_user_watches, or run `keyshoal watch --once` from a timer")
    })?;
    let word = if repair { "repairing what is certain" } else { "reporting, writing nothing" };
    ui.say(&Text::of(format!("watching {} ({word}); Ctrl-C ends it", installation.state_dir().display())));
    let shared = Rc::new(events::Shared::default());
    kept.alarms.set_hysteresis(policy.hysteresis);
    let by = (policy, by_policy.path.as_path());
    let caller = alarm::Caller::new(ui, context, by, &installation, &kept.registry, &mut kept.alarms);
    let mut measures = measure::Measures::new(kept.registry.clone(), Rc::clone(&shared));
    let mut page = Page::open(ui, policy.metrics, &kept.registry);
    let mut source =
        events::Source::new(&installation, watcher, stop, by_policy, Rc::clone(&shared), rotating);
    let engine = keyshoal_engine::watch::Policy { repair, every: policy.every, ..Default::default() };
    let verify = if offline { VerifyPolicy::default() } else { policy.verify.clone() };
    let how = Watch { policy: engine, verify, ask, activate: policy.activate };
    let mut teller = tell::Teller::new(ui, shared);
    keyshoal_engine::watch::run(&installation, how, &mut kept.alarms, &mut source, &mut |report| {
        let now = installation.now();
        measures.take(&report, now);
        if let Report::Alarms { alarms, standing } = &report {
            caller.tell(teller.ui(), &installation, alarms, standing, now);
        }
        teller.tell(&report);
        if matches!(report, Report::Looked(_)) {
            // It was warned of once.
            let _ = page.serve(teller.ui());
            if let Some(tidier) = &mut tidier {
                tidier.come_by(teller.ui(), now);
            }
        }
        caller.say_failures(teller.ui());
    });
    let ended = source.ended();
    match ended {
        Ended::Told => teller.end(),
        Ended::PolicyChanged => ui.say(&Text::of("the policy has changed: beginning again with it")),
    }
    drop(page);
    caller.close(ui);
    Ok(ended)
}

/// Serves metrics where the policy says so. That they cannot be served is no reason not to watch.
struct Page<'a> {
    listen: Option<policy::Listen>,
    registry: &'a Registry,
    server: Option<Server>,
}

impl<'a> Page<'a> {
    /// Begins to serve, or says why not.
    fn open(ui: &mut Ui, listen: Option<policy::Listen>, registry: &'a Registry) -> Self {
        let mut page = Self { listen, registry, server: None };
        if let Err(error) = page.serve(ui) {
            ui.warn(&format!("metrics: {error}; it is tried again after every look"));
        }
        page
    }

    /// Begins to serve where that did not work before: whoever had the port may be gone.
    fn serve(&mut self, ui: &mut Ui) -> Result<(), ListenError> {
        let Some(listen) = self.listen.filter(|_| self.server.is_none()) else { return Ok(()) };
        let server = Server::start(listen.address, listen.allow_remote, self.registry.clone())?;
        ui.say(&Text::of(format!("metrics are at http://{}/metrics", server.address())));
        self.server = Some(server);
        Ok(())
    }
}

/// What is watched.
struct Opened {
    installation: Installation,
    /// Whether something may be repaired.
    repair: bool,
    /// What tidies the vault, where something may be written.
    tidier: Option<Tidier>,
    /// What tells which rotations are half done, where a vault is open.
    rotating: Option<Rotating>,
}

/// Opens the installation as the policy says.
fn opened(
    ui: &mut Ui,
    context: &Context<'_>,
    policy: &policy::WatchPolicy,
    offline: bool,
) -> Result<Opened, CommandError> {
    let restart_command = policy.restart_command.clone();
    let wanted = OpenFor { offline, restart_command, vault: Need::Not, ..OpenFor::default() };
    let installation = shared::open(ui, context, wanted)?;
    // Whoever repairs needs the vault's word; whoever only reports does without where nobody can be asked for its key.
    let need = if policy.repair { Need::Certainly } else { Need::IfAtHand };
    let (mut tidier, mut rotating) = (None, None);
    if let Some(held) = holdings::hold(ui, context.world, context.globals, &installation, need)? {
        rotating = Some(Rotating::of(&held));
        tidier = Some(Tidier::new(&held, vault::author(context.world, Some("watch"))));
        holdings::listen(&installation, held);
    }
    let certain = installation.identity().is_certain();
    if policy.repair && !certain && !identity::settle(ui, context, &installation)? {
        ui.warn("it only reports until that is answered");
    }
    let repair = policy.repair && installation.identity().is_certain();
    Ok(Opened { installation, repair, tidier: tidier.filter(|_| repair), rotating })
}
