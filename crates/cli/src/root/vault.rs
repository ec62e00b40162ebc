//! Opening the vault that the options name.

mod backup_key;
mod fetch;
mod keys;
mod passphrase;

pub use backup_key::BackupKey;
pub use keys::{KeyOptions, named_key, new_key};
use passphrase::Given;

use super::{World, variables};
use crate::arguments::Globals;
use crate::error::{CommandError, ErrorKind};
use crate::ui::Ui;
use keyshoal_seal::Keyring;
use keyshoal_vault::{Author, Cause, KeyRecord, KeyState, Vault, VaultError};
use std::path::{Path, PathBuf};

/// The way on where a vault's key is gone.
const LOST: &str = "where it is lost for good: keyshoal instance release, then move the vault's file aside and begin anew: keyshoal vault init, keyshoal instance add";
/// The ways out where a key of the vault is not at hand.
pub const KEY_ABSENT: [&str; 2] = [
    "have that key at hand where it comes from, and run this again; keyshoal vault rekey   ends a change of the key that was broken off",
    LOST,
];

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
    open(ui, world, globals, None, false)
}

/// The same; a person is told where the command can do without it.
pub fn open_asking(
    ui: &mut Ui,
    world: &World,
    globals: &Globals,
    can_do_without: bool,
) -> Result<Vault, CommandError> {
    open(ui, world, globals, None, can_do_without)
}

/// As [`open_vault`]. Where the vault is on its way to another key, the new passphrase may come from a descriptor of its own.
pub fn open_between(
    ui: &mut Ui,
    world: &World,
    globals: &Globals,
    new_fd: Option<u32>,
) -> Result<Vault, CommandError> {
    open(ui, world, globals, new_fd, false)
}

fn open(
    ui: &mut Ui,
    world: &World,
    globals: &Globals,
    new_fd: Option<u32>,
    can_do_without: bool,
) -> Result<Vault, CommandError> {
    let path = vault_path(world, globals)?;
    let mut records = live_keys(&path)?;
    let new_fd = new_fd.filter(|_| records.len() > 1);
    let mut given = Given::by(globals.passphrase_fd.into_iter().chain(new_fd), can_do_without);
    loop {
        let mut ring = Keyring::default();
        let mut missing = None;
        for record in &records {
            match fetch::recorded(ui, world, record, &mut given, records.len() > 1) {
                Ok(key) => ring.add(key),
                Err(error) => {
                    missing.get_or_insert(error);
                }
            }
        }
        match (Vault::open(&path, ring), missing) {
            (Ok(vault), missing) => {
                if let Some(missing) = missing {
                    ui.warn(&format!(
                        "one of the vault's two keys is missing, so not everything opens: {missing}"
                    ));
                }
                return Ok(vault.fetching(fetch::fetcher(world)));
            }
            (Err(error), missing) => {
                let wrong_key = matches!(error.cause, Cause::WrongKey { .. });
                let now = live_keys(&path)?;
                if wrong_key && now != records {
                    // It was given another key while the ones that it had were fetched.
                    records = now;
                    continue;
                }
                return Err(missing.filter(|_| wrong_key).unwrap_or_else(|| error.into()));
            }
        }
    }
}

/// Returns the keys that something of a vault may be wrapped with.
fn live_keys(path: &Path) -> Result<Vec<KeyRecord>, VaultError> {
    let mut records = Vault::keys(path)?;
    records.retain(|key| key.state != KeyState::Retired);
    Ok(records)
}

/// Returns what is said where nobody gave the passphrase.
pub fn not_given() -> CommandError {
    CommandError::user(passphrase::NOT_GIVEN)
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
            | Cause::Gone
            | Cause::Another
            | Cause::ReadOnly
            | Cause::ReadOnlyLog(_)
            | Cause::Open { .. }
            | Cause::WrongKey { .. }
            | Cause::KeyAbsent { .. }
            | Cause::Key(_) => ErrorKind::Config,
            Cause::Exists
            | Cause::LeftBeside(_)
            | Cause::Refused(_)
            | Cause::NoInstance(_)
            | Cause::OtherRekey { .. } => ErrorKind::User,
            _ => ErrorKind::Io,
        };
        let retryable = error.is_retryable();
        let hints: &[&str] = match error.cause {
            Cause::KeyAbsent { .. } => &KEY_ABSENT,
            Cause::Seal { .. } => &["keyshoal vault repair   says what of a vault is damaged, and mends it"],
            Cause::Gone => &["keyshoal vault restore BACKUP   makes it of a backup where it was"],
            Cause::NoInstance(_) => &["keyshoal vault verify   says whether the vault is damaged"],
            Cause::Header(_) => &[
                "move the vault's file aside together with those beside it, then: keyshoal vault restore BACKUP",
            ],
            _ => &[],
        };
        let mut made = Self::new(kind, error.to_string());
        made.again = matches!(error.cause, Cause::Conflict { .. });
        made.hints.extend(hints.iter().map(|hint| (*hint).to_owned()));
        if retryable {
            made.hints.push(AGAIN.to_owned());
        }
        made
    }
}
