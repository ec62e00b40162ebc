//! An import that broke off: what it had made is taken back before another begins.

use super::place;
use crate::commands::Context;
use crate::commands::import::ImportArgs;
use crate::error::CommandError;
use crate::root::{Target, vault};
use crate::ui::{Answer, Text, Ui};
use keyshoal_core::InstanceId;
use keyshoal_vault::{Author, Vault, VaultError};

/// Takes an instance out of the vault.
pub fn forget(vault: &Vault, id: &InstanceId, author: &Author) -> Result<(), VaultError> {
    let found = vault.instance(id)?;
    vault.remove_instance(id, found.revision, author, keyshoal_local::clock::now())
}

/// Takes back what an import left that broke off in the directory where this one goes, if one did.
pub fn settle(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &ImportArgs,
    vault: Option<&Vault>,
) -> Result<(), CommandError> {
    let dir = place::wanted(&context.world.environment, context.globals.state_dir.as_deref())?;
    let Some(broken) = Target::broken(&dir)? else { return Ok(()) };
    let shown = dir.display().to_string();
    let question = format!("An import into {shown} broke off. Remove what it had made, to begin again?");
    if !args.yes && ui.ask(&[Text::of(question)], true)? != Some(Answer::Yes) {
        let left = format!("an import into {shown} broke off, and what it had made is still there");
        return Err(CommandError::user(left).hint("agree with --yes to have that removed"));
    }
    if let (Some(vault), Some(id)) = (vault, broken.noted()) {
        let author = vault::author(context.world, Some("an import that broke off"));
        if vault.instances()?.iter().any(|known| known.id == id) {
            forget(vault, &id, &author)?;
        }
    }
    match broken.undo().as_slice() {
        [] => ui.say(&Text::of(format!("what an import that broke off had made in {shown} was removed"))),
        left => {
            return Err(CommandError::io(format!(
                "what an import left cannot be removed: {}",
                left.join("; ")
            )));
        }
    }
    Ok(())
}
