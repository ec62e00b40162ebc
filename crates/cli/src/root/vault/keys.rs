//! From where a vault's key comes to the key itself.

use super::fetch::{Want, fetch, wrong};
use super::passphrase;
use crate::arguments::Globals;
use crate::error::CommandError;
use crate::root::{World, keys_dir};
use crate::ui::Ui;
use keyshoal_seal::keys::{self, Passphrase};
use keyshoal_seal::{KeyEncryptionKey, KeyError};
use keyshoal_vault::{KeySource, NewKey};
use std::path::{Path, PathBuf};

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
    /// A systemd credential: NAME for keyshoal-NAME, with 32 raw bytes, the same in base64 or hexadecimal digits, or the text of a key file
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

    /// Returns the source that is named, where it is no passphrase.
    fn named(&self) -> Result<Option<KeySource>, CommandError> {
        Ok(match self {
            Self { key_file: Some(path), .. } => Some(file_source(path)?),
            Self { key_credential: Some(name), .. } => Some(KeySource::Credential { name: name.clone() }),
            Self { key_command: Some(words), .. } => Some(KeySource::Command { argv: words.0.clone() }),
            _ => None,
        })
    }

    /// Tells whether a source is named, and it is another than this one.
    pub fn name_another(&self, than: &KeySource) -> Result<bool, CommandError> {
        Ok(match self.named()? {
            Some(named) => named != *than,
            None => self.passphrase && !matches!(than, KeySource::Passphrase { .. }),
        })
    }
}

/// Makes or fetches a key that a vault shall have from now on. A passphrase comes from a descriptor, which `option` names, or is typed.
pub fn new_key(
    ui: &mut Ui,
    world: &World,
    globals: &Globals,
    options: &KeyOptions,
    (option, fd): (&str, Option<u32>),
) -> Result<NewKey, CommandError> {
    if options.passphrase {
        let how = Passphrase::recommended().map_err(wrong)?;
        let key = how.key(&passphrase::chosen(ui, option, fd)?).map_err(wrong)?;
        return Ok(NewKey { key: key.key_encryption_key(), source: KeySource::passphrase(&how) });
    }
    let source = match options.named()? {
        Some(named) => named,
        None => file_source(&default_file(world, globals)?)?,
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
        source => fetch(ui, world, source, Want::New)?,
    };
    Ok(NewKey { key: key.key_encryption_key(), source })
}

/// Fetches the key of a backup: from where the options say, else from where the backup says that it came from. A program that only
/// the backup names is not run. Returns its source, where the options named it. `wanted` is the key's id, where the backup tells it.
pub fn named_key(
    ui: &mut Ui,
    world: &World,
    globals: &Globals,
    options: &KeyOptions,
    recorded: &KeySource,
    wanted: Option<&str>,
) -> Result<(KeyEncryptionKey, Option<KeySource>), CommandError> {
    if options.passphrase && !matches!(recorded, KeySource::Passphrase { .. }) {
        return Err(CommandError::user(format!("its key comes from no passphrase, but from: {recorded}")));
    }
    let named = options.named()?;
    if let (None, KeySource::Command { argv }) = (&named, recorded) {
        let list = serde_json::to_string(argv).unwrap_or_default();
        return Err(CommandError::user(
            "its key comes from a program, and none is run because a file says so",
        )
        .hint(format!("if you know the program, name it: --key-command '{list}'")));
    }
    let source = named.as_ref().unwrap_or(recorded);
    let how = source.as_passphrase().map_err(wrong)?;
    let Some(how) = how else {
        return Ok((fetch(ui, world, source, Want::Backup)?.key_encryption_key(), named));
    };
    let given = passphrase::known(ui, "Passphrase of the backup", globals.passphrase_fd)?;
    let key = how.key(&given).map_err(wrong)?.key_encryption_key();
    if wanted.is_some_and(|wanted| wanted != key.id().to_string()) {
        return Err(CommandError::user("that is not the passphrase that the backup was sealed with")
            .hint("a backup opens with the passphrase that the vault had when it was made"));
    }
    Ok((key, named))
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
