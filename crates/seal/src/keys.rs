//! Where keys come from: files in the user's configuration directory, systemd credentials, passphrases, programs.

pub mod command;
pub mod credential;
pub mod file;
pub mod passphrase;
pub mod text;

use crate::fingerprint_key::hmac;
use crate::{FingerprintKey, KeyEncryptionKey, RecipientKey, SealKey};
use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

pub use command::from_command;
pub use credential::from_credentials;
pub use file::{load, load_at, load_or_create, load_or_create_at};
pub use passphrase::Passphrase;

/// The name of the key that seals values for rollback.
pub const SEAL: &str = "seal";
/// The name of the key that a vault's data keys are wrapped with.
pub const VAULT: &str = "vault";
/// The name of the key that fingerprints are made with.
pub const FINGERPRINT: &str = "fingerprint";
/// The name of the key that opens what was sealed for this machine.
pub const RECIPIENT: &str = "recipient";

/// 32 random bytes from a key source. Keys for a purpose are derived from them, so that one file never serves two by mistake.
#[derive(Clone)]
pub struct KeyFile {
    bytes: Zeroizing<[u8; 32]>,
    path: Option<PathBuf>,
}

impl KeyFile {
    /// Takes 32 random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { bytes: Zeroizing::new(bytes), path: None }
    }

    /// Makes a key that lives as long as this process.
    pub fn ephemeral() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|error| KeyError::Random(error.to_string()))?;
        Ok(Self { bytes, path: None })
    }

    pub(crate) fn at(mut self, path: &Path) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Returns the file it was read from.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns the key that seals values.
    pub fn seal_key(&self) -> SealKey {
        SealKey::from_bytes(*self.derive(b"keyshoal seal key v1", None))
    }

    /// Returns the key that wraps the data keys of a vault.
    pub fn key_encryption_key(&self) -> KeyEncryptionKey {
        KeyEncryptionKey::from_bytes(*self.derive(b"keyshoal vault key v1", None))
    }

    /// Returns the key that fingerprints of one instance are made with. `salt` is the instance's own, kept in its ledger:
    /// equal secrets of two instances have different fingerprints unless both have the same salt and key.
    pub fn fingerprint_key(&self, salt: &[u8]) -> FingerprintKey {
        FingerprintKey::from_bytes(*self.derive(b"keyshoal fingerprint key v1", Some(salt)))
    }

    /// Returns the key with which this machine opens what was sealed for it.
    pub fn recipient_key(&self) -> RecipientKey {
        RecipientKey::of(self)
    }

    fn derive(&self, purpose: &[u8], salt: Option<&[u8]>) -> Zeroizing<[u8; 32]> {
        derive(&*self.bytes, purpose, salt)
    }
}

/// HKDF-SHA256 (RFC 5869) to 32 bytes.
pub(crate) fn derive(material: &[u8], purpose: &[u8], salt: Option<&[u8]>) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(salt, material)
        .expand(purpose, &mut *key)
        .unwrap_or_else(|_| unreachable!("32 bytes are within what HKDF-SHA256 gives"));
    key
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFile({:?}, …)", self.path)
    }
}

/// Identifies a key without revealing it. Shown as 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; Self::LEN]);

impl KeyId {
    /// How many bytes an id has.
    pub const LEN: usize = 8;

    pub(crate) fn of(purpose: &[u8], key: &[u8; 32]) -> Self {
        let mac = hmac(key, &[b"keyshoal key id v1 ", purpose].concat());
        let mut id = [0; Self::LEN];
        id.copy_from_slice(&mac[..Self::LEN]);
        Self(id)
    }

    /// Wraps stored bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, for storage.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Says why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for a new key: {0}")]
    Random(String),
    /// A name that is no plain file name.
    #[error("{name:?} is no name for a key: use lower-case letters, digits and hyphens")]
    BadName {
        /// What was given.
        name: String,
    },
    /// A program that was to print a key did not.
    #[error("the program {program:?} gave no key: {why}")]
    Command {
        /// Its name.
        program: String,
        /// What went wrong, without what it printed.
        why: String,
    },
    /// Costs that no keyshoal would choose.
    #[error(
        "a passphrase shall become a key with {memory_kib} KiB, {passes} passes and {lanes} lanes, which no keyshoal asks for: the file that says so is damaged"
    )]
    Costs {
        /// Memory in KiB.
        memory_kib: u32,
        /// How many passes.
        passes: u32,
        /// How many lanes.
        lanes: u32,
    },
    /// The system refused something.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A symbolic link, a directory, a device.
    #[error("{}: is {found}, and a key must be a plain file in a plain directory; put the real one there", path.display())]
    NotPlain {
        /// Which file or directory.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// It belongs to another user.
    #[error("{}: belongs to user {owner}, and keyshoal runs as user {us}; run as that user, or move it aside", path.display())]
    OtherOwner {
        /// Which file or directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        us: u32,
    },
    /// Others may read or change it.
    #[error("{}: has mode {mode:04o}, so that other users may {may} it; if nobody did: chmod {want:03o} {}", path.display(), path.display())]
    TooOpen {
        /// Which file or directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// What others may do.
        may: &'static str,
        /// The mode it should have.
        want: u32,
    },
    /// A credential that systemd handed over holds something else than a key.
    #[error(
        "{}: is no key; a systemd credential holds 32 raw bytes, or 32 bytes in base64 or hexadecimal digits, or the text of a key file, and nothing else", path.display()
    )]
    Credential {
        /// Which file.
        path: PathBuf,
    },
    /// It holds something else than a key.
    #[error("{}: is no key file ({why}); restore it from a backup, or move it aside and lose what only it can open", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong, without what it holds.
        why: &'static str,
    },
}

impl KeyError {
    /// Tells whether the key can neither be read nor made there by this process, so that [`KeyFile::ephemeral`] is the way on
    /// for whoever only looks.
    pub fn is_not_writable(&self) -> bool {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull};
        match self {
            Self::Io { source, .. } => {
                matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem | StorageFull)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5869, case 1, cut to 32 bytes (a shorter output is a prefix of the longer one).
    #[test]
    fn derivation_matches_the_published_vector() {
        let salt: Vec<u8> = (0x00..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let key = derive(&[0x0b; 22], &info, Some(&salt));
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    }

    #[test]
    fn purposes_and_salts_give_different_keys() {
        let file = KeyFile::from_bytes([3; 32]);
        assert_ne!(file.fingerprint_key(b"one").id(), file.fingerprint_key(b"two").id());
        assert_eq!(file.fingerprint_key(b"one").id(), file.fingerprint_key(b"one").id());
        assert_ne!(file.seal_key().id(), KeyFile::from_bytes([4; 32]).seal_key().id());
    }
}
