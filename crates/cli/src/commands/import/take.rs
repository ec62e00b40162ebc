//! The step after the yes: the instance in the vault, the target filled, launched and verified; or nothing of it.

mod broken;
mod changed;
mod gateway;
mod launch;
mod lay;
mod moved;
pub(super) mod place;
mod program;

use super::ImportArgs;
use crate::commands::Context;
use crate::commands::flow::FlowArgs;
use crate::commands::instance::changes_of;
use crate::document::{ImportDocument, MadeDocument};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::holdings::Need;
pub use crate::root::program::Program;
use crate::root::{self, Entry, OpenFor, Target, vault};
use crate::ui::Ui;
pub use broken::Broken;
pub use gateway::Access;
use keyshoal_core::InstanceId;
use keyshoal_local::Installation;
use keyshoal_transfer::{ImportPlan, Payload};
use keyshoal_vault::{NewInstance, Vault};
pub use program::no_place_for_logins;
use std::path::PathBuf;
use std::sync::Arc;

/// What was agreed to, and with what.
pub struct Agreed<'a> {
    /// What shall be made.
    pub plan: ImportPlan,
    /// From what. The payload's files lie in its draft until they are taken from there; dropping the payload removes them.
    pub payload: Payload,
    /// How that was sealed.
    pub sealed: &'static str,
    /// Where to.
    pub state_dir: PathBuf,
    /// Whose word will count.
    pub vault: Arc<Vault>,
    /// Whether that was made for it.
    pub fresh: bool,
    /// OpenClaw's program on this machine.
    pub program: Option<Program>,
    /// How.
    pub args: &'a ImportArgs,
}

/// What was made, to be shown.
pub struct Made {
    /// Our id of it.
    pub instance: InstanceId,
    /// Its state directory.
    pub state_dir: PathBuf,
    /// Its config.
    pub config: PathBuf,
    /// The vault whose word counts.
    pub vault: PathBuf,
    /// The release of the program that was found on this machine.
    pub release: Option<String>,
    /// How clients reach its gateway.
    pub access: Access,
    /// How many files of workspaces and sessions came along.
    pub files: u64,
    /// What a person should know of how it went.
    pub notes: Vec<String>,
    /// What was written into stores.
    pub writes: usize,
    /// How many logins moved into stores.
    pub logins: usize,
    /// The logins that somebody has to sign in to, and how.
    pub sign_in: Vec<String>,
    /// What waits until OpenClaw has made its stores.
    pub waits: Vec<String>,
    /// What needs attention.
    pub findings: Vec<String>,
    /// Whether every agent has what its provider accepts; `None` where nobody was asked.
    pub proven: Option<bool>,
    /// Paths that others may read.
    pub open: Vec<PathBuf>,
    /// Whether the watch was installed.
    pub watch: bool,
    /// Where the vault was backed up.
    pub backup: Option<PathBuf>,
}

/// Finds OpenClaw's program where it is named, or on the PATH.
pub fn program(context: &Context<'_>, args: &ImportArgs) -> Result<Option<Program>, CommandError> {
    Program::find(&context.world.environment, args.openclaw.as_deref())
}

/// Makes what the plan says. Where that fails, the vault and the target are as they were.
pub fn take(ui: &mut Ui, context: &Context<'_>, agreed: Agreed<'_>) -> Result<Outcome, CommandError> {
    let globals = crate::arguments::Globals {
        state_dir: Some(agreed.state_dir.clone()),
        config: None,
        ..context.globals.clone()
    };
    let context = &Context { world: context.world, globals: &globals };
    let mut plan = agreed.plan.clone();
    let mut target = Target::make(&agreed.state_dir, lay::first_names(&plan, &agreed.state_dir))?;
    let mut added = None;
    let made = build(ui, context, &agreed, &mut plan, &mut target, &mut added);
    let mut made = match made {
        Ok(made) => made,
        Err(error) => return Err(undone(context, &agreed, target, added, error)),
    };
    target.finish()?;
    launch::offer(ui, context, &agreed, &mut made)?;
    ui.data(&render::import::made(&plan, &made));
    let document = ImportDocument::of(&plan, agreed.sealed, true).made(MadeDocument::of(&made));
    ui.document(&document)?;
    Ok(Outcome::attention_if(
        made.proven == Some(false) || !made.findings.is_empty() || !made.open.is_empty(),
    ))
}

/// Does all of it. What is in the vault then is told through `added`.
fn build(
    ui: &mut Ui,
    context: &Context<'_>,
    agreed: &Agreed<'_>,
    plan: &mut ImportPlan,
    target: &mut Target,
    added: &mut Option<InstanceId>,
) -> Result<Made, CommandError> {
    let (env, vault, program) = (&context.world.environment, &agreed.vault, agreed.program.as_ref());
    let locations = root::locations(context.world, context.globals)?;
    lay::config(target, &locations, plan)?;
    let defaults = gateway::moved_settings(&locations, env, plan)?;
    let mut notes = lay::workspaces(plan, &agreed.payload, &locations, defaults);
    notes.extend(plan.doors());
    let files = lay::files(target, plan, &agreed.payload, &locations)?;

    let release = program.map(|program| program.version.clone()).or_else(|| plan.source.release.clone());
    let opened = OpenFor { offline: agreed.args.offline, vault: Need::Not, release, ..OpenFor::default() };
    let installation: Installation = root::open(context.world, context.globals, opened)?;
    let id = installation.instance_id().ok_or_else(|| {
        CommandError::io(format!(
            "no memory could be made in {}, so no vault could know which installation it is",
            target.dir().display()
        ))
    })?;
    let now = keyshoal_local::clock::now();
    let why = format!("imported from {}", plan.source.state_dir);
    let author = vault::author(context.world, Some(&why));
    let new = NewInstance {
        id: id.clone(),
        organisation: plan.organisation.clone(),
        name: plan.name.clone(),
        state_dir: Some(locations.state_dir.display().to_string()),
        config: Some(locations.config_path.display().to_string()),
    };
    target.is_for(Entry { instance: id.clone(), vault: vault.id().to_owned(), why: why.clone() })?;
    // A refresh token stands in one place: in the store, not in the vault as well.
    let moving = plan.take_logins();
    vault.add_instance(&new, changes_of(plan.clone()), &author, now)?;
    *added = Some(id.clone());
    installation.set_vault_id(Some(vault.id()))?;

    let instance = vault.instance(&id)?;
    let release = program.map(|program| program.release);
    let access = gateway::write(&locations, env, &instance, plan, release)?;
    if moving.logins.is_empty() {
        // What is missing from now on, a sync brings as well.
        target.leave_to_sync()?;
    }
    let mut made = Made {
        instance: id,
        state_dir: locations.state_dir.clone(),
        config: locations.config_path.clone(),
        vault: vault.path().to_owned(),
        release: program.map(|program| program.version.clone()),
        access,
        files,
        notes,
        writes: 0,
        logins: 0,
        sign_in: Vec::new(),
        waits: Vec::new(),
        findings: Vec::new(),
        proven: None,
        open: Vec::new(),
        watch: false,
        backup: None,
    };
    if let Some(program) = program {
        let progress = ui.progress();
        progress.say("OpenClaw makes its stores …");
        let refused = program.refuses(&locations, plan)?;
        let not_made =
            program.has_databases().then(|| program.make_stores_of(&locations, plan)).transpose()?;
        // Whoever refuses the config makes no store of it either.
        made.findings.extend(refused.or(not_made.flatten()));
    }
    moved::move_in(&installation, &moving, target, &mut made)?;
    let how = FlowArgs { yes: true, offline: agreed.args.offline, why: Some(why), ..FlowArgs::default() };
    launch::launch(ui, agreed, (installation, instance), &how, author, &mut made)?;
    Ok(made)
}

/// Takes back what was made, and says what is left where something is.
fn undone(
    context: &Context<'_>,
    agreed: &Agreed<'_>,
    mut target: Target,
    added: Option<InstanceId>,
    error: CommandError,
) -> CommandError {
    let author = vault::author(context.world, Some("an import that failed"));
    let mut left = Vec::new();
    // Where that cannot be noted, a next import asks more than it has to.
    let _ = target.goes();
    // The vault first: while the directory is marked, whoever imports again takes the rest back.
    if let Some(id) = added
        && let Err(why) = broken::forget(&agreed.vault, &id, &author)
    {
        left.push(format!(
            "instance {} in the vault ({why}); keyshoal instance remove {} takes it out",
            agreed.plan.name, agreed.plan.name
        ));
    }
    left.extend(target.undo());
    let error = match agreed.fresh {
        true => error.hint(format!(
            "the vault {} was made for it and stays, with nothing in it: the next import goes there",
            agreed.vault.path().display()
        )),
        false => error,
    };
    match left.is_empty() {
        true => error.hint("nothing was made: what had been begun was taken back"),
        false => left.into_iter().fold(error, |error, what| error.hint(format!("left over: {what}"))),
    }
}
