//! `keyshoal vault rekey`: another key, while the vault is in use.

use crate::commands::Context;
use crate::document::VaultDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::vault::{self, KeyOptions};
use crate::ui::{Text, Tone, Ui};
use keyshoal_vault::{NewKey, RekeyStep, Vault};

pub(super) fn rekey(
    ui: &mut Ui,
    context: &Context<'_>,
    options: &KeyOptions,
    new_passphrase_fd: Option<u32>,
) -> Result<Outcome, CommandError> {
    let mut vault = vault::open_between(ui, context.world, context.globals, new_passphrase_fd)?;
    let new = match interrupted(&vault)? {
        Some(key) => {
            if options.name_another(&key.source)? {
                return Err(CommandError::user(format!(
                    "this vault is on its way to key {} ({}), and is not there yet; nothing was changed",
                    key.key.id(),
                    key.source
                ))
                .hint("keyshoal vault rekey   ends that; then give the vault the key that you have named"));
            }
            ui.say(&Text::of(format!("going on with the change to key {} ({})", key.key.id(), key.source)));
            key
        }
        None if options.is_empty() => {
            return Err(CommandError::usage("say where the new key shall come from").hint(
                "keyshoal vault rekey --key-file FILE (or --passphrase, --key-credential, --key-command)",
            ));
        }
        None => {
            let from = ("--new-passphrase-fd", new_passphrase_fd);
            vault::new_key(ui, context.world, context.globals, options, from)?
        }
    };
    let progress = ui.progress();
    let mut shown = |step| {
        if let RekeyStep::Wrapped { done, total } = step {
            progress.say(&format!("{done} of {total} records have the new key …"));
        }
    };
    let author = vault::author(context.world, None);
    let done = vault.rekey(&new, &author, keyshoal_local::clock::now(), &mut shown);
    drop(progress);
    let done = done?;
    ui.say(&Text::toned(Tone::Good, "✓ another key: ").plain(format!(
        "{} ({}); key {} is retired and opens older backups only",
        done.to, new.source, done.from
    )));
    ui.document(&VaultDocument::of("rekey", vault.path()).status(&vault.status()?).rekeyed(&done))?;
    Ok(Outcome::Fine)
}

/// Returns the new key of a change that was interrupted: the vault was opened with it.
fn interrupted(vault: &Vault) -> Result<Option<NewKey>, CommandError> {
    let status = vault.status()?;
    let Some(open) = status.rekey else { return Ok(None) };
    let record = status.keys.into_iter().find(|key| key.id == open.to);
    let key = vault.key(open.to).zip(record).map(|(key, record)| NewKey { key, source: record.source });
    key.map(Some).ok_or_else(|| {
        CommandError::config(format!(
            "the change to key {} was interrupted, and that key is not at hand",
            open.to
        ))
        .hint("`keyshoal vault status` says where it comes from; --new-passphrase-fd gives a new passphrase")
    })
}
