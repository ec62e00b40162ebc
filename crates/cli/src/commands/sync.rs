//! `keyshoal sync`: makes every agent hold the right credentials.

use super::consent::{Agreed, Consent};
use super::flow::following;
use super::report::{self, Beside, Import};
use super::rotate::half_done;
use super::{Context, fresh, identity, restarting, shared};
use crate::arguments::{ActivateArgs, ScopeArgs};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::holdings::{self, Held, Need};
use crate::root::{self, OpenFor, Target, UnfinishedImport, vault};
use crate::ui::Ui;
use keyshoal_engine::ports::Change as _;
use keyshoal_engine::{Outcome as Ended, SyncOptions, SyncReport};
use keyshoal_local::Installation;

/// Arguments of `sync`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal sync                          plan, one question per provider, apply, verify
  keyshoal sync --dry-run                only the plan
  keyshoal sync --yes --provider openai  no question, one provider
  keyshoal sync --from stocks            the values of agent stocks are the right ones

Without a terminal and without --yes nothing is written: what would be asked is printed, and the exit code is 2.
--yes replaces what is dead, keeps what its provider accepts, and leaves the rest alone. A rotation that is half done is named, with
exit code 2: keyshoal rotate PROFILE --resume goes on with it, --rollback gives it up. An import that broke off is named likewise; one that
had only stores left to write is ended.")]
pub struct SyncArgs {
    /// What to limit it to.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Show what would be done, do nothing (exit code 2 where there is something to do)
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Agree to what is proposed
    #[arg(long, short)]
    pub yes: bool,
    /// Ask every changed agent through the gateway afterwards (a real completion each)
    #[arg(long)]
    pub ask_agents: bool,
    /// How the gateway is made to see it.
    #[command(flatten)]
    pub activate: ActivateArgs,
}

/// Goes the whole way.
pub fn cmd_sync(ui: &mut Ui, context: &Context<'_>, args: &SyncArgs) -> Result<Outcome, CommandError> {
    let wanted = OpenFor {
        offline: args.scope.offline,
        read_only: false,
        restart_command: args.activate.restart_command.clone(),
        ask_agents: args.ask_agents,
        vault: Need::Certainly,
        release: None,
    };
    let (installation, mut held) = shared::open_held(ui, context, wanted)?;
    if !args.dry_run && !identity::settle(ui, context, &installation)? {
        return Ok(Outcome::Attention);
    }
    if held.as_ref().is_some_and(|held| installation.instance_id().as_ref() != Some(&held.instance.id)) {
        installation.let_go();
        held = None;
        ui.warn("this is an instance of its own from now on, which no vault knows: keyshoal instance add --name NAME   takes it into one");
    }
    let author = vault::author(context.world, None);
    if let Some(held) = held.as_mut().filter(|_| !args.dry_run) {
        following::place(ui, &installation, held, &author)?;
    }
    let outcome = go(ui, context, &installation, held.as_ref(), args)?;
    if let Some(held) = held.filter(|_| !args.dry_run) {
        // What the vault misses of the config it takes the next time.
        let _ = following::follow(&installation, &held.vault, &held.instance.id, &author);
        super::vault::tidy(ui, &held.vault, &held.instance.id, &author);
    }
    Ok(outcome)
}

/// The same, of an installation that is open.
pub fn go(
    ui: &mut Ui,
    context: &Context<'_>,
    installation: &Installation,
    held: Option<&Held>,
    args: &SyncArgs,
) -> Result<Outcome, CommandError> {
    let options = SyncOptions {
        dry_run: args.dry_run,
        activate: args.activate.activate.mode(),
        command: "sync".to_owned(),
        ..args.scope.sync_options()
    };
    if args.scope.is_limited() {
        let look = keyshoal_engine::LookOptions::default();
        args.scope.check(&shared::look(ui, installation, &look)?)?;
    }
    if args.yes && !args.dry_run && !ui.can_ask() {
        // Nobody is asked and waited for: what the vault wants, and how far its rotations are, stays so until the stores have it.
        installation.reserve("sync")?;
        if let Some(held) = held {
            let now = held.vault.instance(&held.instance.id)?;
            installation.hold(&holdings::holdings(&held.vault, &now, None)?)?;
        }
    }
    let progress = ui.progress();
    let agreed = if args.yes { Agreed::Proposals } else { Agreed::Nothing };
    let mut consent = Consent::new(ui, progress.clone(), agreed);
    let report = keyshoal_engine::sync(installation, &options, &mut consent, &mut shared::shown(&progress));
    consent.finish()?;
    drop(progress);
    installation.give_back();
    let mut report = report?;
    if let Some(held) = held.filter(|_| !args.dry_run) {
        report = fresh::go_on(ui, installation, held, report, &options, args.yes)?;
    }
    restarting::offer(ui, installation, &mut report, options.activate, &options.look)?;
    let rotations = held.map(half_done).transpose()?;
    let import = Some(import(ui, context, (installation, held), args, &report));
    report::show_beside(ui, "sync", &report, Beside { rotations, import, ..Beside::default() })
}

/// Ends an import that broke off where nothing was left of it but what a sync brings, and all of that is here now.
fn import(
    ui: &mut Ui,
    context: &Context<'_>,
    (installation, held): (&Installation, Option<&Held>),
    args: &SyncArgs,
    report: &SyncReport,
) -> Import {
    let found = Import::of(installation.state_dir());
    let everything = !args.dry_run && !args.scope.is_limited();
    let is_here = everything && matches!(report.outcome, Ended::NothingToDo | Ended::Done);
    if found != Import::Unfinished(UnfinishedImport::LeftToSync) || !is_here {
        return found;
    }
    // What it had read of its payload goes as well: it holds secrets.
    let ended = Target::end(installation.state_dir(), held.map(|held| &held.instance.id))
        .and_then(|ended| root::Drafts::of(context.world, context.globals).map(|_| ended));
    match ended {
        Ok(true) => Import::Ended,
        Ok(false) => Import::of(installation.state_dir()),
        Err(error) => {
            ui.warn(&format!("the import that broke off could not be ended: {}", error.message));
            found
        }
    }
}
