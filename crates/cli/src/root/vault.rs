//! Opening the vault that the options name.

mod backup_key;
mod keys;
mod passphrase;

pub use backup_key::BackupKey;
pub use keys::{KeyOptions, named_key, new_key};

use super::{World, variables};
use crate::arguments::Globals;
use crate::error::{CommandError, ErrorKind};
use crate::ui::Ui;
use keyshoal_seal::Keyring;
use keyshoal_vault::{Author, Cause, KeyState, Vault, VaultError};
use std::path::PathBuf;

/// Said of what may go by itself, or once there is room.
pub const AGAIN: &str = "trying again may help";

/// Returns where the vault is, or would be.
pub fn vault_path(world: &World, globals: &Globals) -> Result<PathBuf, CommandError> {
    if let Some(named) =
        globals.vault.clone().or_else(|| world.get(variables::KEYSHOAL_VAULT).map(PathBuf::from))
    {
        return Ok(named);
    }
    let data = world.get(variables::XDG_DATA_HOME).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = data.or_else(|| Some(world.environment.home.as_ref()?.join(".local/share")));
    data.map(|data| data.join("keyshoal/vault.sqlite")).ok_or_else(|| {
        CommandError::config(
            "no directory for the vault: set XDG_DATA_HOME or HOME, or name one with --vault",
        )
    })
}

/// Tells whether there is a vault.
pub fn has_vault(world: &World, globals: &Globals) -> Result<bool, CommandError> {
    Ok(keyshoal_openclaw::files::exists(&vault_path(world, globals)?))
}

/// Opens the vault with every key of it that can be had. A passphrase is asked for where nothing else gives it.
pub fn open_vault(ui: &mut Ui, world: &World, globals: &Globals) -> Result<Vault, CommandError> {
    let path = vault_path(world, globals)?;
    let mut ring = Keyring::default();
    let mut missing = None;
    for record in Vault::keys(&path)?.iter().filter(|key| key.state != KeyState::Retired) {
        match keys::recorded_key(ui, world, globals, record) {
            Ok(key) => ring.add(key),
            Err(error) => {
                missing.get_or_insert(error);
            }
        }
    }
    match (Vault::open(&path, ring), missing) {
        (Ok(vault), None) => Ok(vault),
        (Ok(vault), Some(missing)) => {
            ui.warn(&format!("one of the vault's two keys is missing, so not everything opens: {missing}"));
            Ok(vault)
        }
        (Err(VaultError { cause: Cause::WrongKey { .. }, .. }), Some(missing)) => Err(missing),
        (Err(error), _) => Err(error.into()),
    }
}

/// Says who changes something.
pub fn author(world: &World, why: Option<&str>) -> Author {
    let user = world.get(variables::USER).map(str::to_owned);
    let user = user.unwrap_or_else(|| rustix::process::geteuid().as_raw().to_string());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Author { by: format!("{user}@{host}"), why: why.map(str::to_owned) }
}

impl From<VaultError> for CommandError {
    fn from(error: VaultError) -> Self {
        let kind = match error.cause {
            Cause::Missing
            | Cause::ReadOnly
            | Cause::ReadOnlyLog(_)
            | Cause::Open { .. }
            | Cause::WrongKey { .. }
            | Cause::Key(_) => ErrorKind::Config,
            Cause::Exists | Cause::Refused(_) | Cause::NoInstance(_) | Cause::OtherRekey { .. } => {
                ErrorKind::User
            }
            _ => ErrorKind::Io,
        };
        let retryable = error.is_retryable();
        let hint = match error.cause {
            Cause::Seal { .. } => {
                Some("keyshoal vault repair   says what of a vault is damaged, and mends it")
            }
            Cause::NoInstance(_) => Some("keyshoal vault verify   says whether the vault is damaged"),
            Cause::Header(_) => Some(
                "move the vault's file aside together with those beside it, then: keyshoal vault restore BACKUP",
            ),
            _ => None,
        };
        let mut made = Self::new(kind, error.to_string());
        made.hints.extend(hint.map(str::to_owned));
        if retryable {
            made.hints.push(AGAIN.to_owned());
        }
        made
    }
}
