//! The two keys that a ledger works with.

use keyshoal_seal::keys::{FINGERPRINT, SEAL, from_credentials, load_or_create};
use keyshoal_seal::{KeyError, KeyFile};
use std::path::Path;

/// The two keys that a ledger works with. They lie outside of the state directory.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Seals the journal's images.
    pub seal: KeyFile,
    /// Fingerprints are made with a key derived from this one and the ledger's own salt: see [`crate::Ledger::fingerprints`].
    pub fingerprint: KeyFile,
}

impl Keys {
    /// Reads both keys from systemd credentials where they are given (`credentials`: the value of
    /// `$CREDENTIALS_DIRECTORY`), else from `dir`, where what is missing is made.
    pub fn load_or_create(dir: &Path, credentials: Option<&Path>) -> Result<Self, KeyError> {
        let one = |name| match credentials.map(|dir| from_credentials(dir, name)).transpose()?.flatten() {
            Some(key) => Ok(key),
            None => load_or_create(dir, name),
        };
        Ok(Self { seal: one(SEAL)?, fingerprint: one(FINGERPRINT)? })
    }

    /// Makes keys that live as long as this process.
    pub fn ephemeral() -> Result<Self, KeyError> {
        Ok(Self { seal: KeyFile::ephemeral()?, fingerprint: KeyFile::ephemeral()? })
    }
}
