//! Backups: made, looked at, made a vault again.

use crate::commands::Context;
use crate::document::VaultDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::vault::{self, KeyOptions};
use crate::ui::{Text, Tone, Ui};
use keyshoal_seal::Keyring;
use keyshoal_vault::{BackupHeader, BackupStep, KeySource, Vault};
use std::path::Path;

pub(super) fn backup(ui: &mut Ui, context: &Context<'_>, file: &Path) -> Result<Outcome, CommandError> {
    let vault = vault::open_vault(ui, context.world, context.globals)?;
    let author = vault::author(context.world, None);
    super::tidy::forget(ui, &vault, &author);
    let progress = ui.progress();
    let mut shown = |step| {
        if let BackupStep::Sealed { done, total } = step {
            progress.say(&format!("sealing {} of {} KiB …", done / 1024, total / 1024));
        }
    };
    let header = vault.backup(file, &author, keyshoal_local::clock::now(), &mut shown);
    drop(progress);
    let header = header?;
    ui.say(&Text::toned(Tone::Good, "✓ backed up ").plain(format!(
        "to {}; it opens with key {} ({})",
        file.display(),
        header.key,
        header.source
    )));
    if let Some(old) = &header.also {
        ui.warn(&format!(
            "the vault is on its way to that key, and its old one is not at hand: the backup needs that as well ({old}); keyshoal vault rekey   ends that change"
        ));
    }
    ui.document(&VaultDocument::of("backup", vault.path()).backup(file, &header))?;
    Ok(Outcome::Fine)
}

pub(super) fn verify(
    ui: &mut Ui,
    context: &Context<'_>,
    file: &Path,
    options: &KeyOptions,
) -> Result<Outcome, CommandError> {
    let (ring, _) = keys(ui, context, file, options, Absent::Said)?;
    let progress = ui.progress();
    progress.say("opening everything …");
    let found = Vault::verify_backup(file, &ring);
    drop(progress);
    let (header, found) = found?;
    ui.data(&render::vault::verified(&found));
    ui.document(&VaultDocument::of("verify", file).backup(file, &header).verified(&found))?;
    Ok(Outcome::attention_if(!found.problems.is_empty()))
}

pub(super) fn restore(
    ui: &mut Ui,
    context: &Context<'_>,
    file: &Path,
    options: &KeyOptions,
) -> Result<Outcome, CommandError> {
    let to = vault::vault_path(context.world, context.globals)?;
    if vault::has_vault(context.world, context.globals)? {
        return Err(CommandError::user(format!(
            "{}: there is a vault, and it is never written over",
            to.display()
        ))
        .hint("name another place with --vault, or move the vault aside together with the files beside it"));
    }
    let (ring, source) = keys(ui, context, file, options, Absent::Refused)?;
    let author = vault::author(context.world, None);
    let now = keyshoal_local::clock::now();
    let (restored, header): (Vault, BackupHeader) =
        Vault::restore(file, &to, ring, source.as_ref(), &author, now)?;
    ui.say(&Text::toned(Tone::Good, "✓ restored ").plain(format!(
        "{} as it was at {}",
        to.display(),
        render::age::moment(header.made)
    )));
    let status = restored.status()?;
    ui.document(&VaultDocument::of("restore", &to).status(&status).backup(file, &header))?;
    Ok(Outcome::attention_if(status.rekey.is_some()))
}

/// What becomes of it where the old key of a backup is not at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// What opens without it is looked at.
    Said,
    /// Nothing is done.
    Refused,
}

/// Fetches the key of a backup, and the old one, too, where it was made while the vault got a new one.
pub(super) fn keys(
    ui: &mut Ui,
    context: &Context<'_>,
    file: &Path,
    options: &KeyOptions,
    absent: Absent,
) -> Result<(Keyring, Option<KeySource>), CommandError> {
    let header = Vault::backup_header(file)?;
    let (key, source) =
        vault::named_key(ui, context.world, context.globals, options, &header.source, Some(&header.key))?;
    let mut ring = Keyring::of(key);
    if let Some(old) = &header.also {
        match vault::named_key(ui, context.world, context.globals, &KeyOptions::default(), old, None) {
            Ok((old, _)) => ring.add(old),
            Err(error) if absent == Absent::Said => {
                ui.warn(&format!(
                    "the backup was made while the vault was on its way to another key, and the old one ({old}) is not at hand, so not everything opens: {}",
                    error.message
                ));
            }
            Err(error) => return Err(error),
        }
    }
    Ok((ring, source))
}
