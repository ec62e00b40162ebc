//! `keyshoal instance`: installations whose credentials, roster and bindings a vault keeps.

mod add;
mod by_hand;
mod join;
mod release;
mod remove;
mod set;

use super::Context;
use super::elsewhere;
use super::flow::{self, FlowArgs};
use crate::document::{InstanceDocument, InstancesDocument};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::holdings::Need;
use crate::root::{OpenFor, vault};
use crate::ui::Ui;
pub use add::{changes_of, hostname, plan};
use keyshoal_core::vault::VaultInstance;
use keyshoal_vault::Vault;

/// Arguments of `instance`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal vault init && keyshoal instance add      from now on the vault says what is right here
  keyshoal instance show
  keyshoal instance set --name office
  keyshoal instance set --delivery refs             no store holds a key: all refer to one private file
  keyshoal instance join office                     this installation is office of a vault that was restored
  keyshoal instance adopt                           take in what somebody has changed in the config
  keyshoal instance release                         go on without the vault; nothing is taken from the agents

An installation without a vault works as ever: what agents inherit from is right there.")]
pub struct InstanceArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: InstanceAction,
}

/// What `instance` can do.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum InstanceAction {
    /// Take this installation into the vault: roster, bindings, models, channels, credentials of all agents. Nothing of it changes
    Add {
        /// What it is called [default: the machine's name]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Whose it is
        #[arg(long, value_name = "NAME", default_value = keyshoal_vault::ORGANISATION)]
        organisation: String,
        /// Do not ask providers about values that differ
        #[arg(long)]
        offline: bool,
        /// Show what would be taken in, do nothing
        #[arg(long, short = 'n')]
        dry_run: bool,
        /// Agree to it, and keep every value in question as an override
        #[arg(long, short)]
        yes: bool,
    },
    /// Have this installation be an instance that the vault has already: the vault was restored, and the memory of the installation is lost
    Join {
        /// Its name in the vault
        name: String,
        /// Whose it is
        #[arg(long, value_name = "NAME", default_value = keyshoal_vault::ORGANISATION)]
        organisation: String,
        /// Show what the vault has of it, do nothing
        #[arg(long, short = 'n')]
        dry_run: bool,
        /// Do it without asking
        #[arg(long, short)]
        yes: bool,
    },
    /// List the instances of the vault
    List,
    /// Show everything that the vault has of this installation, by fingerprints
    Show,
    /// Change what it is called, or how its credentials reach it
    #[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["name", "delivery"])))]
    Set {
        /// What it is called
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Whether stores hold the values themselves, or references to one private file
        #[arg(long, value_enum)]
        delivery: Option<set::How>,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Take into the vault what somebody else has changed in the config: agents, models, bindings, orders
    Adopt {
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Put back into the config what the vault has, where somebody else has changed it
    Deliver {
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Have the vault say no longer what is right here. The vault keeps what it has; the agents keep what they hold
    Release {
        /// Show what it would leave behind, do nothing
        #[arg(long, short = 'n')]
        dry_run: bool,
        /// Do it without asking
        #[arg(long, short)]
        yes: bool,
    },
    /// Remove an instance from the vault, with all its values
    Remove {
        /// Its name
        name: String,
        /// Whose it is
        #[arg(long, value_name = "NAME", default_value = keyshoal_vault::ORGANISATION)]
        organisation: String,
        /// Show what would be removed, do nothing
        #[arg(long, short = 'n')]
        dry_run: bool,
        /// Do it without asking
        #[arg(long, short)]
        yes: bool,
    },
}

/// Does it.
pub fn cmd_instance(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &InstanceArgs,
) -> Result<Outcome, CommandError> {
    match &args.action {
        InstanceAction::Add { name, organisation, offline, dry_run, yes } => {
            let wanted = add::Add {
                name: name.as_deref(),
                organisation,
                offline: *offline,
                dry_run: *dry_run,
                yes: *yes,
            };
            add::add(ui, context, &wanted)
        }
        InstanceAction::Join { name, organisation, dry_run, yes } => {
            let wanted = join::Join { name, organisation, dry_run: *dry_run, yes: *yes };
            join::join(ui, context, &wanted)
        }
        InstanceAction::List => list(ui, context),
        InstanceAction::Show => show(ui, context),
        InstanceAction::Set { name, delivery, flow: how } => {
            set::set(ui, context, name.as_deref(), *delivery, how)
        }
        InstanceAction::Adopt { flow: how } => by_hand::adopt(ui, context, how),
        InstanceAction::Deliver { flow: how } => by_hand::deliver(ui, context, how),
        InstanceAction::Release { dry_run, yes } => release::release(ui, context, *dry_run, *yes),
        InstanceAction::Remove { name, organisation, dry_run, yes } => {
            let wanted = remove::Remove { name, organisation, dry_run: *dry_run, yes: *yes };
            remove::remove(ui, context, &wanted)
        }
    }
}

fn list(ui: &mut Ui, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let vault = vault::open_vault(ui, context.world, context.globals)?;
    let all = vault.instances()?;
    let mut released = Vec::new();
    for instance in &all {
        let wanted = OpenFor { offline: true, vault: Need::Not, read_only: true, ..OpenFor::default() };
        // Of what cannot be reached from here, or not be read, nothing is known.
        let there = elsewhere::installation(ui, context, wanted, instance);
        if let Ok(Ok(says)) = there.map(|there| there.vault_id())
            && says.as_deref() != Some(vault.id())
        {
            released.push(instance.id.clone());
        }
    }
    ui.data(&render::instance::instances(&all, &released));
    ui.document(&InstancesDocument::of(all).released(released))?;
    Ok(Outcome::Fine)
}

fn show(ui: &mut Ui, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let how = FlowArgs::to_look();
    let flow = flow::begin(ui, context, &how)?;
    let prints = flow.installation.held_prints();
    ui.data(&render::instance::whole(flow.instance(), &prints));
    ui.document(&InstanceDocument::of(flow.instance(), &prints))?;
    Ok(Outcome::Fine)
}

fn named(vault: &Vault, organisation: &str, name: &str) -> Result<VaultInstance, CommandError> {
    vault.instance_named(organisation, name)?.ok_or_else(|| {
        CommandError::user(format!("the vault has no instance {name} of {organisation}"))
            .hint("keyshoal instance list   shows what there is")
    })
}
