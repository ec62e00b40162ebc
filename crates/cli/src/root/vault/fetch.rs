//! Fetching a key from where it comes from.

use super::passphrase::Given;
use crate::error::CommandError;
use crate::root::{World, variables};
use crate::ui::Ui;
use keyshoal_seal::keys;
use keyshoal_seal::{KeyEncryptionKey, KeyError, KeyFile, KeyId};
use keyshoal_vault::{Fetch, KeyRecord, KeySource};
use std::path::Path;
use std::time::Duration;

/// A program that asks for a token's button, or a service far away, has so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a key is fetched for: that decides what helps where it is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// A vault that has it.
    Vault,
    /// A vault that shall have it.
    New,
    /// A backup.
    Backup,
}

impl Want {
    fn hints(self, made: CommandError) -> CommandError {
        match self {
            Self::Vault => made.hint("put the vault's key there; nothing else opens what was sealed with it")
                .hint(super::LOST),
            Self::New => made.hint("put the new key there first, or name another place; nothing was changed"),
            Self::Backup => made.hint(
                "--key-file FILE (or --key-credential, --key-command)   says where the key is that opens this backup; the vault has nothing to do with it",
            ),
        }
    }
}

/// Fetches a key that the vault has, and sees that it is that key. `between`: it is one of two, as the vault is on its way to another key.
pub(super) fn recorded(
    ui: &mut Ui,
    world: &World,
    record: &KeyRecord,
    given: &mut Given,
    between: bool,
) -> Result<KeyEncryptionKey, CommandError> {
    if let Some(how) = record.source.as_passphrase().map_err(wrong)? {
        return given.key(ui, &how, record, between);
    }
    let key = fetch(ui, world, &record.source, Want::Vault)?.key_encryption_key();
    if key.id() == record.id {
        return Ok(key);
    }
    Err(other_key(&record.source, record.id, key.id()))
}

fn other_key(source: &KeySource, wanted: KeyId, found: KeyId) -> CommandError {
    CommandError::config(format!("{source}: gives key {found}, and the vault has key {wanted}"))
        .hint("put the key back there that the vault was made with; keep the one that is there apart first, as another vault may open with it alone")
}

/// Fetches a key that comes from no passphrase.
pub(super) fn fetch(
    ui: &mut Ui,
    world: &World,
    source: &KeySource,
    want: Want,
) -> Result<KeyFile, CommandError> {
    if matches!(source, KeySource::Command { .. }) {
        ui.progress().say("waiting for the program that gives the vault's key …");
    }
    unasked(world.get(variables::CREDENTIALS_DIRECTORY), source, want)
}

/// Returns what fetches keys for a vault that stays open: another process may give it a new one.
pub(super) fn fetcher(world: &World) -> Fetch {
    let credentials = world.get(variables::CREDENTIALS_DIRECTORY).map(str::to_owned);
    Box::new(move |record| match &record.source {
        KeySource::Passphrase { .. } => {
            Err("it is made of a passphrase, and nobody can be asked for that now; begin again".to_owned())
        }
        source => match unasked(credentials.as_deref(), source, Want::Vault) {
            Ok(key) => Ok(key.key_encryption_key()),
            Err(error) => Err(error.message),
        },
    })
}

/// Fetches a key without asking anybody.
fn unasked(credentials: Option<&str>, source: &KeySource, want: Want) -> Result<KeyFile, CommandError> {
    let missing = |what: String| want.hints(CommandError::config(format!("{what}: there is no key")));
    match source {
        KeySource::File { path } => {
            keys::load_at(Path::new(path)).map_err(wrong)?.ok_or_else(|| missing(path.clone()))
        }
        KeySource::Credential { name } => {
            let dir = credentials.ok_or_else(|| {
                CommandError::config(format!("systemd handed no credentials over, and the key is {source}"))
                    .hint(format!("LoadCredentialEncrypted=keyshoal-{name} in the unit, or: systemd-run -p LoadCredential=…"))
            })?;
            let key = keys::from_credentials(Path::new(dir), name).map_err(wrong)?;
            key.ok_or_else(|| missing(format!("{dir}/keyshoal-{name}")))
        }
        KeySource::Command { argv } => keys::from_command(argv, PATIENCE).map_err(wrong),
        KeySource::Passphrase { .. } => Err(CommandError::internal("a passphrase is asked for elsewhere")),
    }
}

/// Says what is wrong with a key.
pub(super) fn wrong(error: KeyError) -> CommandError {
    let by_hand = matches!(error, KeyError::Command { .. });
    let made = CommandError::config(error.to_string());
    match by_hand {
        true => made.hint("run it by hand: it shows what it waits for, or what it lacks"),
        false => made,
    }
}
