//! Opening the installation of an instance of the vault, where it is on this machine.

use crate::commands::flow::{Flow, FlowArgs};
use crate::commands::{Context, elsewhere};
use crate::root::holdings::{self, Held, Need};
use crate::root::{OpenFor, vault as opening};
use crate::ui::Ui;
use keyshoal_core::vault::VaultInstance;
use keyshoal_vault::Vault;
use std::sync::Arc;

/// Opens it, or says why it cannot be reached from here. Nobody is asked anything.
pub fn reach<'a>(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &'a FlowArgs,
    vault: &Arc<Vault>,
    instance: &VaultInstance,
) -> Result<Flow<'a>, String> {
    let wanted = OpenFor {
        offline: args.offline,
        restart_command: args.activate.restart_command.clone(),
        vault: Need::Not,
        ..OpenFor::default()
    };
    let installation = elsewhere::installation(ui, context, wanted, instance)?;
    if installation.vault_id().map_err(|error| error.message)?.as_deref() != Some(vault.id()) {
        return Err("this vault does not say what is right there (keyshoal instance add)".to_owned());
    }
    let hearing = holdings::holdings(vault, instance, None).map_err(|error| error.message)?;
    installation.hold(&hearing).map_err(|error| error.message)?;
    let held = Held { vault: Arc::clone(vault), instance: instance.clone() };
    let author = opening::author(context.world, args.why.as_deref());
    Ok(Flow::of(installation, held, args, author))
}
