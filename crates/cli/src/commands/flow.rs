//! The one way of every change of a vault: what it would make of the instance, the plan, a question, the vault, the stores and the
//! config, the gateway, the proof. No command changes an installation that has a vault in another way.

mod committing;
pub mod following;
mod held;
mod named;

use super::consent::{Agreed, Consent};
use super::report::{self, Beside};
use super::{Context, fresh, identity, restarting, shared, spelling};
use crate::arguments::ActivateArgs;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::holdings::{self, Held, Need};
use crate::root::{OpenFor, vault};
use crate::ui::Ui;
use committing::{Committing, given};
use keyshoal_core::vault::{CredentialUid, VaultAgent, VaultCredential, VaultInstance};
use keyshoal_core::{Fact, Secret};
use keyshoal_engine::look::LookOptions;
use keyshoal_engine::ports::{Change as _, Remember as _};
use keyshoal_engine::{AskPolicy, Outcome as Ended, SyncOptions, SyncReport};
use keyshoal_local::Installation;
use keyshoal_vault::{Author, Change, Preview};
pub use named::{credential_of, credentials_of, entry_of, profile_named};

/// Options of every command that changes a vault.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct FlowArgs {
    /// Show what would be done, do nothing (exit code 2 where there is something to do)
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Agree to what is proposed
    #[arg(long, short)]
    pub yes: bool,
    /// Do not ask providers
    #[arg(long)]
    pub offline: bool,
    /// Why, for the vault's history
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
    /// How the gateway is made to see it.
    #[command(flatten)]
    pub activate: ActivateArgs,
}

impl FlowArgs {
    /// Returns those of a command that shows what the vault has: it asks nobody, and changes nothing.
    pub fn to_look() -> Self {
        Self { offline: true, dry_run: true, ..Self::default() }
    }
}

/// An installation and its vault, ready to be changed.
pub struct Flow<'a> {
    /// The installation.
    pub installation: Installation,
    /// The vault, with the instance as it was read.
    pub held: Held,
    args: &'a FlowArgs,
    author: Author,
    noted: Noted,
}

/// What came of changes that touch no store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Noted {
    /// There were none, or the plan shows what came of them.
    #[default]
    Nothing,
    /// The vault has them.
    Done,
    /// A dry run would have the vault take them.
    Would,
    /// The policy of the watch says to write nothing.
    Reported,
}

/// Opens both. Refused where the installation has no vault.
pub fn begin<'a>(ui: &mut Ui, context: &Context<'_>, args: &'a FlowArgs) -> Result<Flow<'a>, CommandError> {
    let wanted = OpenFor {
        offline: args.offline,
        restart_command: args.activate.restart_command.clone(),
        vault: Need::Not,
        ..OpenFor::default()
    };
    let installation = shared::open(ui, context, wanted)?;
    if !identity::settle(ui, context, &installation)? {
        return Err(CommandError::user(
            "nothing was changed: it is not certain whose state directory this is",
        ));
    }
    let held = holdings::hold(ui, context.world, context.globals, &installation, Need::Certainly)?;
    let mut held = held.ok_or_else(|| {
        CommandError::user("this installation has no vault")
            .hint("keyshoal instance add   takes it into one")
            .hint("keyshoal instance join NAME   where its vault was restored, and has it already as NAME")
    })?;
    let author = vault::author(context.world, args.why.as_deref());
    if !args.dry_run {
        following::place(ui, &installation, &mut held, &author)?;
    }
    Ok(Flow { installation, held, args, author, noted: Noted::Nothing })
}

impl<'a> Flow<'a> {
    /// Takes both as they were opened. The vault's word counts for the installation already.
    pub fn of(installation: Installation, held: Held, args: &'a FlowArgs, author: Author) -> Self {
        Flow { installation, held, args, author, noted: Noted::Nothing }
    }

    /// Returns the instance as it was read.
    pub fn instance(&self) -> &VaultInstance {
        &self.held.instance
    }

    /// Returns who changes something.
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// Finds an agent by its id.
    pub fn agent(&self, name: &str) -> Result<&VaultAgent, CommandError> {
        let id = shared::agent(name);
        let known = &self.instance().agents;
        known.iter().find(|agent| agent.id == id).ok_or_else(|| {
            if self.installation.is_standing(&id) {
                return CommandError::user(format!(
                    "{id} stands in the config, and the vault does not know it"
                ))
                .hint(format!("keyshoal agent add {id}   takes it in as it stands; then this again"));
            }
            let names: Vec<&str> = known.iter().map(|agent| agent.id.as_str()).collect();
            CommandError::user(format!("the vault has no agent {name:?}"))
                .hint(format!("its agents are: {}", names.join(", ")))
        })
    }

    /// Returns the credentials that agents hold or may hold: those that were not dropped.
    pub fn credentials(&self) -> impl Iterator<Item = &VaultCredential> {
        credentials_of(self.instance())
    }

    /// Finds a credential as [`credential_of`] does.
    pub fn credential(
        &self,
        name: &str,
        agent: Option<&VaultAgent>,
    ) -> Result<Option<&VaultCredential>, CommandError> {
        credential_of(self.instance(), name, agent)
    }

    /// Says that there is no such credential, and what may be meant.
    pub fn no_credential(&self, name: &str, agent: Option<&VaultAgent>) -> CommandError {
        if let Some(agent) = agent {
            return CommandError::user(format!("the vault has no {name} for {} alone", agent.id))
                .hint(format!("keyshoal credential override {} {name}   gives it one", agent.id));
        }
        let named = |one: &&VaultCredential| one.profile.as_str() == name || one.provider.as_str() == name;
        let owner = self.credentials().filter(named).find_map(|one| one.agent);
        if let Some(owner) = self.instance().agents.iter().find(|agent| Some(agent.uid) == owner) {
            return CommandError::user(format!("the vault has no credential {name} that all share"))
                .hint(format!("--agent {}   names the one that {} has of its own", owner.id, owner.id))
                .hint("keyshoal credential list   shows what there is; credential set   adds one");
        }
        let known = self.credentials().flat_map(|one| [one.profile.as_str(), one.provider.as_str()]);
        let meant = spelling::nearest(name, known).map(|meant| format!(": did you mean {meant}?"));
        CommandError::user(format!("the vault has no credential {name}{}", meant.unwrap_or_default()))
            .hint("keyshoal credential list   shows what there is; credential set   adds one")
    }

    /// Opens the present value of a credential: the profile's entry.
    pub fn entry(&self, credential: CredentialUid) -> Result<Option<Secret>, CommandError> {
        entry_of(&self.held.vault, &self.instance().id, credential)
    }

    /// Refuses changes that the vault would not take, before anything is said of them.
    pub fn require(&self, changes: &[Change]) -> Result<(), CommandError> {
        self.preview(changes).map(drop)
    }

    fn preview(&self, changes: &[Change]) -> Result<Preview, CommandError> {
        keyshoal_vault::preview(self.instance(), changes, &self.author, keyshoal_local::clock::now())
            .map_err(|cause| CommandError::user(cause.to_string()))
    }

    /// Refuses to go on where somebody has changed the instance since it was read.
    fn require_unchanged(&self) -> Result<(), CommandError> {
        let (mine, now) = (self.instance().revision, self.held.vault.instance(&self.instance().id)?.revision);
        if mine == now {
            return Ok(());
        }
        let mut error = CommandError::io(format!(
            "{}: instance {} was changed meanwhile (it is at revision {now}, the change was made for {mine}); nothing was changed",
            self.held.vault.path().display(),
            self.instance().name
        ))
        .hint(vault::AGAIN);
        error.again = true;
        Err(error)
    }

    /// Makes changes, and brings the installation to what the vault then wants. Shows what was done.
    pub fn go(self, ui: &mut Ui, command: &str, changes: Vec<Change>) -> Result<Outcome, CommandError> {
        let (flow, report) = self.run(ui, command, changes)?;
        flow.show(ui, command, &report)
    }

    /// Shows what was done, in the stores and in the vault.
    pub fn show(&self, ui: &mut Ui, command: &str, report: &SyncReport) -> Result<Outcome, CommandError> {
        report::show_beside(ui, command, report, Beside { noted: self.noted, ..Beside::default() })
    }

    /// The same, without showing it. The flow that comes back knows the instance as it is then.
    pub fn run(
        mut self,
        ui: &mut Ui,
        command: &str,
        changes: Vec<Change>,
    ) -> Result<(Self, SyncReport), CommandError> {
        if self.args.yes && !self.args.dry_run && !ui.can_ask() {
            // Nobody is asked and waited for, so nothing changes under its hands from here on. What has changed since it was read is
            // found out before anybody looks.
            self.installation.reserve(command)?;
            self.require_unchanged()?;
        }
        let preview = self.preview(&changes)?;
        let mut hearing = holdings::holdings(&self.held.vault, self.instance(), Some(&preview))?;
        hearing.given = given(&preview.instance, &changes);
        let meant = !changes.is_empty();
        self.hear(&hearing, meant)?;
        let mut look = LookOptions { ask: shared::ask_policy(self.args.offline), ..LookOptions::default() };
        if self.args.offline {
            // A person gives it untested: that its provider once rejected it holds nobody back, in a preview neither.
            let prints = self.installation.held_prints();
            let given = preview.fresh.iter().filter_map(|one| prints.get(&(one.credential, one.number)));
            look.overruled = given.copied().collect();
        }
        if !self.args.dry_run {
            let overruled = look.overruled.iter().map(|print| Fact::Overruled { fingerprint: *print });
            self.installation.learn(&overruled.collect::<Vec<_>>())?;
        }
        let options = SyncOptions {
            look,
            dry_run: self.args.dry_run,
            activate: self.args.activate.activate.mode(),
            command: command.to_owned(),
            ..SyncOptions::default()
        };
        let progress = ui.progress();
        let agreed = if self.args.yes { Agreed::Proposals } else { Agreed::Nothing };
        let mut deciding = Committing {
            consent: Consent::new(ui, progress.clone(), agreed),
            flow: &self,
            changes: Some(changes),
            command,
            given: &hearing.given,
            failed: None,
        };
        let report =
            keyshoal_engine::sync(&self.installation, &options, &mut deciding, &mut shared::shown(&progress));
        let Committing { consent, changes, failed, .. } = deciding;
        consent.finish()?;
        drop(progress);
        if let Some(error) = failed {
            return Err(error);
        }
        let mut report = report?;
        // Nothing was to be asked about: the stores are as the vault wants them already.
        let agreed = matches!(report.outcome, Ended::NothingToDo | Ended::Done | Ended::Attention);
        if let Some(changes) = changes
            && agreed
            && !self.args.dry_run
        {
            self.commit(command, changes, &hearing.given)?;
        }
        self.installation.give_back();
        // An import has had its own program make them, or says why not.
        if agreed && !self.args.dry_run && command != "import" {
            report = fresh::go_on(ui, &self.installation, &self.held, report, &options, self.args.yes)?;
        }
        // What is open besides does not unmake what the vault has taken.
        self.noted = match report.outcome {
            Ended::NothingToDo | Ended::Attention if meant && self.args.dry_run => Noted::Would,
            Ended::NothingToDo | Ended::Attention if meant => Noted::Done,
            _ => Noted::Nothing,
        };
        restarting::offer(ui, &self.installation, &mut report, options.activate, &options.look)?;
        let is_right = report.after.config.is_none() && !following::is_included(&report.after.held);
        self.read_again(agreed && !self.args.dry_run && is_right)?;
        Ok((self, report))
    }
}

/// Says whether providers may be asked.
pub fn asks(args: &FlowArgs) -> bool {
    shared::ask_policy(args.offline) != AskPolicy::Offline
}
