//! Where a vault's key comes from, as the vault itself remembers it: never the key.

use keyshoal_core::Timestamp;
use keyshoal_seal::keys::Passphrase;
use keyshoal_seal::{KeyEncryptionKey, KeyError, KeyId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Says where a key comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum KeySource {
    /// A key file.
    File {
        /// Its absolute path.
        path: String,
    },
    /// A passphrase, by Argon2id.
    Passphrase {
        /// 16 bytes as hexadecimal digits.
        salt: String,
        /// Memory in KiB.
        memory_kib: u32,
        /// How many passes.
        passes: u32,
        /// How many lanes.
        lanes: u32,
    },
    /// A systemd credential.
    Credential {
        /// Its name, without what comes before it (`vault` for `keyshoal-vault`).
        name: String,
    },
    /// A program that prints the key.
    Command {
        /// Its name and arguments.
        argv: Vec<String>,
    },
}

impl KeySource {
    /// Remembers how a passphrase became a key.
    pub fn passphrase(how: &Passphrase) -> Self {
        let (memory_kib, passes, lanes) = how.costs();
        let salt = how.salt().iter().map(|byte| format!("{byte:02x}")).collect();
        Self::Passphrase { salt, memory_kib, passes, lanes }
    }

    /// Tells how a passphrase becomes the key; `None` where the key comes from something else.
    pub fn as_passphrase(&self) -> Result<Option<Passphrase>, KeyError> {
        let Self::Passphrase { salt, memory_kib, passes, lanes } = self else { return Ok(None) };
        let digits =
            salt.as_bytes().as_chunks::<2>().0.iter().map(|pair| {
                std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
            });
        let costs = KeyError::Costs { memory_kib: *memory_kib, passes: *passes, lanes: *lanes };
        let bytes =
            digits.collect::<Option<Vec<u8>>>().and_then(|bytes| bytes.try_into().ok()).ok_or(costs)?;
        Passphrase::new(bytes, *memory_kib, *passes, *lanes).map(Some)
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path } => write!(f, "key file {path}"),
            Self::Passphrase { memory_kib, passes, lanes, .. } => {
                write!(f, "passphrase (Argon2id, {} MiB, {passes} passes, {lanes} lanes)", memory_kib / 1024)
            }
            Self::Credential { name } => write!(f, "systemd credential keyshoal-{name}"),
            // Two keys may come from one program with other arguments.
            Self::Command { argv } => {
                f.write_str("command")?;
                argv.iter().try_for_each(|word| {
                    f.write_str(" ")?;
                    f.write_str(if is_plain(word) { word } else { "…" })
                })
            }
        }
    }
}

/// Tells whether a word may be shown to everybody: a short one or a path. A long one could be a key itself, and one with blanks a script.
fn is_plain(word: &str) -> bool {
    const LIKE_A_KEY: usize = 24;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    let shown = word.chars().all(|letter| plain(letter) || "=:,@%+".contains(letter));
    let path = word.starts_with('/') && word.chars().all(plain);
    shown && (word.len() < LIKE_A_KEY || path && word.split('/').all(|part| part.len() < LIKE_A_KEY))
}

/// A key and where it comes from.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The key.
    pub key: KeyEncryptionKey,
    /// What the vault remembers of it.
    pub source: KeySource,
}

/// What a vault knows of one of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its id.
    pub id: KeyId,
    /// Where it comes from.
    pub source: KeySource,
    /// Whether it still counts.
    pub state: KeyState,
    /// When it became one of the vault's.
    pub added: Timestamp,
    /// When it got its present state.
    pub since: Timestamp,
}

/// Whether a key still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// New records are wrapped with it.
    Active,
    /// Some records are still wrapped with it.
    Retiring,
    /// Nothing in the vault opens with it any more; backups may.
    Retired,
}

impl KeyState {
    pub(crate) const ALL: [(Self, &str); 3] =
        [(Self::Active, "active"), (Self::Retiring, "retiring"), (Self::Retired, "retired")];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_apart_by_their_arguments_and_show_no_key() {
        let shown = |words: &[&str]| {
            KeySource::Command { argv: words.iter().map(|&word| word.into()).collect() }.to_string()
        };
        assert_eq!(
            shown(&["cat", "/home/me/.config/keyshoal/one"]),
            "command cat /home/me/.config/keyshoal/one"
        );
        assert_eq!(shown(&["pass", "show", "keyshoal/two"]), "command pass show keyshoal/two");
        let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
        assert_eq!(shown(&["echo", key]), "command echo …");
        assert_eq!(shown(&["sh", "-c", "printf %064d 1"]), "command sh -c …");
    }
}
