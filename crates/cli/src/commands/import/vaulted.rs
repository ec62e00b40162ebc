//! The vault that an import goes into: the one that is there, or a new one.

use super::ImportArgs;
use crate::commands::Context;
use crate::error::CommandError;
use crate::root::vault::{self, KeyOptions};
use crate::ui::{Text, Tone, Ui};
use keyshoal_vault::Vault;

/// Opens the vault; nothing where there is none. One that does not open is an error, unless the plan is only to be seen.
pub fn open(ui: &mut Ui, context: &Context<'_>, args: &ImportArgs) -> Result<Option<Vault>, CommandError> {
    if !vault::has_vault(context.world, context.globals)? {
        return Ok(None);
    }
    match vault::open_vault(ui, context.world, context.globals) {
        Ok(vault) => Ok(Some(vault)),
        Err(error) if args.dry_run => {
            ui.warn(&format!("what the vault has already is not known: {}", error.message));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Says where a new vault would be.
pub fn offer(context: &Context<'_>) -> Result<Text, CommandError> {
    let path = vault::vault_path(context.world, context.globals)?;
    Ok(Text::of(format!(
        "There is no vault yet: it is made at {}, with a key file in the directory of keys.",
        path.display()
    )))
}

/// Makes a vault with a key file.
pub fn make(ui: &mut Ui, context: &Context<'_>) -> Result<Vault, CommandError> {
    let path = vault::vault_path(context.world, context.globals)?;
    let key = vault::new_key(
        ui,
        context.world,
        context.globals,
        &KeyOptions::default(),
        ("--passphrase-fd", None),
    )?;
    let author = vault::author(context.world, Some("for an import"));
    let made = Vault::create(&path, &key, &author, keyshoal_local::clock::now())?;
    ui.say(&Text::toned(Tone::Good, "✓ made ").plain(format!(
        "the vault {}; its key: {}",
        path.display(),
        key.source
    )));
    ui.say(&Text::of("  keep a copy of the key apart from the backups: nothing else opens the vault"));
    Ok(made)
}
