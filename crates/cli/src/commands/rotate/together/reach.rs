//! Opening the installation of an instance of the vault, where it is on this machine.

use crate::commands::flow::{Flow, FlowArgs};
use crate::commands::{Context, shared};
use crate::root::holdings::{self, Held, Need};
use crate::root::{OpenFor, vault as opening};
use crate::ui::Ui;
use keyshoal_core::vault::VaultInstance;
use keyshoal_vault::Vault;
use std::path::PathBuf;
use std::sync::Arc;

/// Opens it, or says why it cannot be reached from here. Nobody is asked anything.
pub fn reach<'a>(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &'a FlowArgs,
    vault: &Arc<Vault>,
    instance: &VaultInstance,
) -> Result<Flow<'a>, String> {
    let state_dir = instance.state_dir.as_ref().map(PathBuf::from).ok_or("the vault knows no place of it")?;
    if !keyshoal_openclaw::files::is_dir(&state_dir) {
        return Err(format!("there is no {} on this machine", state_dir.display()));
    }
    let mut globals = context.globals.clone();
    let mut world = context.world.clone();
    // The environment may name another installation's config.
    world.environment.vars.remove("OPENCLAW_CONFIG_PATH");
    globals.config = instance.config.as_ref().map(PathBuf::from);
    globals.state_dir = Some(state_dir);
    let there = Context { world: &world, globals: &globals };
    let wanted = OpenFor {
        offline: args.offline,
        restart_command: args.activate.restart_command.clone(),
        vault: Need::Not,
        ..OpenFor::default()
    };
    let installation = shared::open(ui, &there, wanted).map_err(|error| error.message)?;
    if !installation.identity().is_certain() {
        return Err(format!("it is not certain whose state directory this is: {}", installation.identity()));
    }
    if installation.instance_id().as_ref() != Some(&instance.id) {
        return Err("another instance is in its state directory".to_owned());
    }
    if installation.vault_id().map_err(|error| error.message)?.as_deref() != Some(vault.id()) {
        return Err("this vault does not say what is right there (keyshoal instance add)".to_owned());
    }
    let hearing = holdings::holdings(vault, instance, None).map_err(|error| error.message)?;
    installation.hold(&hearing).map_err(|error| error.message)?;
    let held = Held { vault: Arc::clone(vault), instance: instance.clone() };
    let author = opening::author(context.world, args.why.as_deref());
    Ok(Flow::of(installation, held, args, author))
}
