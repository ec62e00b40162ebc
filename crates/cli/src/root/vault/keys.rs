//! From where a vault's key comes to the key itself.

use super::passphrase;
use crate::arguments::Globals;
use crate::error::CommandError;
use crate::root::{World, keys_dir, variables};
use crate::ui::Ui;
use keyshoal_seal::keys::{self, Passphrase};
use keyshoal_seal::{KeyEncryptionKey, KeyError, KeyFile, KeyId};
use keyshoal_vault::{KeyRecord, KeySource, KeyState, NewKey};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A program that asks for a token's button, or a service far away, has so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a vault's key comes from. One of them.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Where the key comes from")]
#[group(multiple = false)]
pub struct KeyOptions {
    /// A key file (0600); made when it is not there [default for a new vault: vault.key in the directory of keys]
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// A passphrase (Argon2id), from a prompt or a descriptor
    #[arg(long)]
    pub passphrase: bool,
    /// A systemd credential: NAME for keyshoal-NAME
    #[arg(long, value_name = "NAME")]
    pub key_credential: Option<String>,
    /// A program that prints 32 bytes in base64 or hexadecimal digits, and its arguments: a list in JSON, run without a shell
    #[arg(long, value_name = "[\"PROGRAM\",…]", value_parser = words)]
    pub key_command: Option<Words>,
}

/// A program's name and arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Vec<String>);

pub(super) fn words(text: &str) -> Result<Words, String> {
    let words: Vec<String> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| format!("it is no list of words in JSON: {error}"))?
    } else {
        vec![text.to_owned()]
    };
    match words.first() {
        Some(program) if !program.is_empty() => Ok(Words(words)),
        _ => Err("it names no program".to_owned()),
    }
}

impl KeyOptions {
    /// Tells whether none is named.
    pub fn is_empty(&self) -> bool {
        self.key_file.is_none()
            && !self.passphrase
            && self.key_credential.is_none()
            && self.key_command.is_none()
    }
}

/// Makes or fetches a key that a vault shall have from now on. A passphrase comes from the descriptor `fd`, or is typed.
pub fn new_key(
    ui: &mut Ui,
    world: &World,
    globals: &Globals,
    options: &KeyOptions,
    fd: Option<u32>,
) -> Result<NewKey, CommandError> {
    if options.passphrase {
        let how = Passphrase::recommended().map_err(wrong)?;
        let key = how.key(&passphrase::chosen(ui, fd)?).map_err(wrong)?;
        return Ok(NewKey { key: key.key_encryption_key(), source: KeySource::passphrase(&how) });
    }
    let source = match (&options.key_credential, &options.key_command, &options.key_file) {
        (Some(name), _, _) => KeySource::Credential { name: name.clone() },
        (_, Some(words), _) => KeySource::Command { argv: words.0.clone() },
        (_, _, Some(path)) => file_source(path)?,
        _ => file_source(&default_file(world, globals)?)?,
    };
    let key = match &source {
        KeySource::File { path } => {
            keys::load_or_create_at(Path::new(path), keys::VAULT).map_err(|error| {
                let is_there = matches!(error, KeyError::Malformed { .. });
                let made = wrong(error);
                match is_there {
                    true => made.hint(
                        "it was left as it is; --key-file FILE   names another place for the vault's key",
                    ),
                    false => made,
                }
            })?
        }
        source => fetch(ui, world, globals, source, "")?,
    };
    Ok(NewKey { key: key.key_encryption_key(), source })
}

/// Fetches the key of a backup: from where the options say, else from where the backup says that it came from. A program that only
/// the backup names is not run. Returns its source, where the options named it.
pub fn named_key(
    ui: &mut Ui,
    world: &World,
    globals: &Globals,
    options: &KeyOptions,
    recorded: &KeySource,
) -> Result<(KeyEncryptionKey, Option<KeySource>), CommandError> {
    let named = match options {
        KeyOptions { key_file: Some(path), .. } => Some(file_source(path)?),
        KeyOptions { key_credential: Some(name), .. } => Some(KeySource::Credential { name: name.clone() }),
        KeyOptions { key_command: Some(words), .. } => Some(KeySource::Command { argv: words.0.clone() }),
        KeyOptions { passphrase: true, .. } if !matches!(recorded, KeySource::Passphrase { .. }) => {
            return Err(CommandError::user(format!(
                "its key comes from no passphrase, but from: {recorded}"
            )));
        }
        _ => None,
    };
    if let (None, KeySource::Command { argv }) = (&named, recorded) {
        let list = serde_json::to_string(argv).unwrap_or_default();
        return Err(CommandError::user(
            "its key comes from a program, and none is run because a file says so",
        )
        .hint(format!("if you know the program, name it: --key-command '{list}'")));
    }
    let key = fetch(ui, world, globals, named.as_ref().unwrap_or(recorded), "Passphrase of the backup")?;
    Ok((key.key_encryption_key(), named))
}

/// Fetches a key that the vault has, and sees that it is that key.
pub(super) fn recorded_key(
    ui: &mut Ui,
    world: &World,
    globals: &Globals,
    record: &KeyRecord,
) -> Result<KeyEncryptionKey, CommandError> {
    let which = match record.state {
        KeyState::Retiring => "Old passphrase of the vault",
        _ => "Passphrase of the vault",
    };
    let key = fetch(ui, world, globals, &record.source, which)?.key_encryption_key();
    if key.id() == record.id {
        return Ok(key);
    }
    Err(other_key(&record.source, record.id, key.id()))
}

fn other_key(source: &KeySource, wanted: KeyId, found: KeyId) -> CommandError {
    match source {
        KeySource::Passphrase { .. } => CommandError::user("that is not the vault's passphrase"),
        source => {
            CommandError::config(format!("{source}: gives key {found}, and the vault has key {wanted}"))
                .hint("put the key back there that the vault was made with; keep the one that is there apart first, as another vault may open with it alone")
        }
    }
}

/// Fetches a key. `which` names it where a passphrase is asked for.
fn fetch(
    ui: &mut Ui,
    world: &World,
    globals: &Globals,
    source: &KeySource,
    which: &str,
) -> Result<KeyFile, CommandError> {
    let missing = |what: String| {
        CommandError::config(format!("{what}: there is no key"))
            .hint("put the vault's key there; nothing else opens what was sealed with it")
            .hint("where it is lost for good: keyshoal instance release, then move the vault's file aside and begin anew: keyshoal vault init, keyshoal instance add")
    };
    match source {
        KeySource::File { path } => {
            keys::load_at(Path::new(path)).map_err(wrong)?.ok_or_else(|| missing(path.clone()))
        }
        KeySource::Credential { name } => {
            let dir = world.get(variables::CREDENTIALS_DIRECTORY).ok_or_else(|| {
                CommandError::config(format!("systemd handed no credentials over, and the key is {source}"))
                    .hint(format!("LoadCredentialEncrypted=keyshoal-{name} in the unit, or: systemd-run -p LoadCredential=…"))
            })?;
            let key = keys::from_credentials(Path::new(dir), name).map_err(wrong)?;
            key.ok_or_else(|| missing(format!("{dir}/keyshoal-{name}")))
        }
        KeySource::Command { argv } => {
            ui.progress().say("waiting for the program that gives the vault's key …");
            keys::from_command(argv, PATIENCE).map_err(wrong)
        }
        KeySource::Passphrase { .. } => {
            let how = source.as_passphrase().map_err(wrong)?;
            let how = how.ok_or_else(|| CommandError::internal("a passphrase that is none"))?;
            how.key(&passphrase::known(ui, which, globals.passphrase_fd)?).map_err(wrong)
        }
    }
}

fn default_file(world: &World, globals: &Globals) -> Result<PathBuf, CommandError> {
    let dir = keys_dir(world, globals).or_else(|| keyshoal_local::open::default_keys_dir(&world.environment));
    let dir = dir.ok_or_else(|| {
        CommandError::config(
            "no directory for the vault's key: set XDG_CONFIG_HOME or HOME, or name a --key-file",
        )
    })?;
    Ok(dir.join(format!("{}.key", keys::VAULT)))
}

/// Remembers a file by its absolute path: the next command may be run elsewhere.
fn file_source(path: &Path) -> Result<KeySource, CommandError> {
    let absolute = std::path::absolute(path)
        .map_err(|error| CommandError::io(format!("{}: {error}", path.display())))?;
    let path = absolute.to_str().ok_or_else(|| CommandError::user("the key file's path is not UTF-8"))?;
    Ok(KeySource::File { path: path.to_owned() })
}

fn wrong(error: KeyError) -> CommandError {
    let by_hand = matches!(error, KeyError::Command { .. });
    let made = CommandError::config(error.to_string());
    match by_hand {
        true => made.hint("run it by hand: it shows what it waits for, or what it lacks"),
        false => made,
    }
}
