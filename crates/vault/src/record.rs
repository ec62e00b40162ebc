//! One sealed record: what its value and its wrapped key are bound to.

use crate::Cause;
use keyshoal_core::Secret;
use keyshoal_seal::{Aad, DataKey, KeyEncryptionKey, Keyring, SealError, Sealed, WrappedKey};

/// Says which record it is. A value opens only as the record that it was sealed as.
#[derive(Clone, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) vault: &'a str,
    pub(crate) organisation: &'a str,
    pub(crate) instance: &'a str,
    pub(crate) kind: Kind,
    /// A credential's id, or a document's name.
    pub(crate) id: &'a str,
    pub(crate) number: i64,
    /// When it was sealed, in milliseconds.
    pub(crate) created: i64,
}

/// What kind of record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Credential,
    Document,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Document => "document",
        }
    }
}

/// What is stored of a record.
pub(crate) struct Stored {
    pub(crate) wrapped: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
}

impl Record<'_> {
    /// Names the record for people.
    pub(crate) fn name(&self) -> String {
        format!("{} {} of instance {}, version {}", self.kind.word(), self.id, self.instance, self.number)
    }

    fn aad(&self, purpose: &str) -> Aad {
        Aad::for_purpose(purpose)
            .with(self.vault.as_bytes())
            .with(self.organisation.as_bytes())
            .with(self.instance.as_bytes())
            .with(self.kind.word().as_bytes())
            .with(self.id.as_bytes())
            .with(&self.number.to_le_bytes())
            .with(&self.created.to_le_bytes())
    }

    /// What the value is bound to. The key's id is not of it: a new key leaves the value as it is.
    fn value_aad(&self) -> Aad {
        self.aad("keyshoal vault value v1")
    }

    /// What the wrapped key is bound to, beside the id of the key that wraps it.
    fn key_aad(&self) -> Aad {
        self.aad("keyshoal vault data key v1")
    }

    /// Seals a value with a data key of its own, wrapped with `by`.
    pub(crate) fn seal(&self, by: &KeyEncryptionKey, value: &Secret) -> Result<Stored, Cause> {
        let seal = || -> Result<Stored, SealError> {
            let key = DataKey::random()?;
            let sealed = key.seal_secret(value, &self.value_aad())?.to_bytes();
            Ok(Stored { wrapped: by.wrap(&key, &self.key_aad())?.to_bytes(), sealed })
        };
        seal().map_err(Cause::seal(self.name()))
    }

    /// Opens a stored value. `key` is the id that stands beside it.
    pub(crate) fn open(
        &self,
        ring: &Keyring,
        key: &[u8],
        wrapped: &[u8],
        sealed: &[u8],
    ) -> Result<Secret, Cause> {
        let open = || -> Result<Secret, SealError> {
            let wrapped = WrappedKey::from_bytes(wrapped)?;
            if wrapped.key_id().as_bytes().as_slice() != key {
                return Err(SealError::DoesNotOpen);
            }
            ring.unwrap_key(&wrapped, &self.key_aad())?
                .open_secret(&Sealed::from_bytes(sealed)?, &self.value_aad())
        };
        open().map_err(Cause::seal(self.name()))
    }

    /// Wraps the record's data key with another key.
    pub(crate) fn rewrap(
        &self,
        ring: &Keyring,
        by: &KeyEncryptionKey,
        wrapped: &[u8],
    ) -> Result<Vec<u8>, Cause> {
        let rewrap = || -> Result<Vec<u8>, SealError> {
            let key = ring.unwrap_key(&WrappedKey::from_bytes(wrapped)?, &self.key_aad())?;
            Ok(by.wrap(&key, &self.key_aad())?.to_bytes())
        };
        rewrap().map_err(Cause::seal(self.name()))
    }
}
