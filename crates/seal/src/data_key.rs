//! Sealing in two layers: every record has a data key of its own, and only that is sealed by the key-encryption key.
//!
//! The wrapped data key is stored beside the sealed value. A new key-encryption key means new wrapped keys, and no sealed value
//! is touched.

use crate::aead::{self, NONCE, TAG};
use crate::envelope::EnvelopeError;
use crate::seal_key::text;
use crate::{Aad, KeyId, SealError};
use keyshoal_core::Secret;
use std::fmt;
use zeroize::Zeroizing;

/// The form of a wrapped data key.
const WRAPPED: u8 = 2;
/// The form of a value that a data key sealed.
const SEALED: u8 = 3;

/// Seals one record. It lives as long as it is used, and is stored wrapped only.
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// Makes a random one.
    pub fn random() -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|error| SealError::Random(error.to_string()))?;
        Ok(Self(bytes))
    }

    /// Seals bytes, bound to `aad`.
    pub fn seal(&self, value: &[u8], aad: &Aad) -> Result<Sealed, SealError> {
        let nonce = aead::nonce()?;
        let sealed = aead::encrypt(&self.0, &nonce, value, &authenticated(SEALED, aad))?;
        Ok(Sealed { nonce, sealed })
    }

    /// Opens what this key sealed, bound to the same `aad`. The bytes are wiped when dropped.
    pub fn open(&self, sealed: &Sealed, aad: &Aad) -> Result<Zeroizing<Vec<u8>>, SealError> {
        aead::decrypt(&self.0, &sealed.nonce, &sealed.sealed, &authenticated(SEALED, aad))
    }

    /// Seals secret text.
    pub fn seal_secret(&self, secret: &Secret, aad: &Aad) -> Result<Sealed, SealError> {
        self.seal(secret.reveal_secret().as_bytes(), aad)
    }

    /// Opens secret text.
    pub fn open_secret(&self, sealed: &Sealed, aad: &Aad) -> Result<Secret, SealError> {
        text(self.open(sealed, aad)?)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// A value that a data key sealed: form (1 byte), nonce (24), ciphertext and tag (16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    nonce: [u8; NONCE],
    sealed: Vec<u8>,
}

impl Sealed {
    /// How much longer than the value it is.
    pub const OVERHEAD: usize = 1 + NONCE + TAG;

    /// Returns the bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + NONCE + self.sealed.len());
        bytes.push(SEALED);
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.sealed);
        bytes
    }

    /// Reads stored bytes. It says nothing about whether they open.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let too_short = EnvelopeError::TooShort { found: bytes.len(), least: Self::OVERHEAD };
        let Some((nonce, sealed)) = form(bytes, SEALED)?.split_first_chunk::<NONCE>() else {
            return Err(too_short);
        };
        if sealed.len() < TAG {
            return Err(too_short);
        }
        Ok(Self { nonce: *nonce, sealed: sealed.to_vec() })
    }
}

/// Wraps the data keys of records. Nothing else is ever sealed by it.
#[derive(Clone)]
pub struct KeyEncryptionKey {
    bytes: Zeroizing<[u8; 32]>,
    id: KeyId,
}

impl KeyEncryptionKey {
    /// Takes 32 bytes as the key itself. [`crate::KeyFile::key_encryption_key`] is the usual way.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let bytes = Zeroizing::new(bytes);
        Self { id: KeyId::of(b"vault", &bytes), bytes }
    }

    /// Returns the key's public id, which every wrapped key of it carries.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Wraps a data key, bound to `aad` and to this key's id.
    pub fn wrap(&self, key: &DataKey, aad: &Aad) -> Result<WrappedKey, SealError> {
        let nonce = aead::nonce()?;
        let sealed = aead::encrypt(&self.bytes, &nonce, key.bytes(), &self.authenticated(aad))?;
        let sealed = sealed.try_into().map_err(|_| SealError::DoesNotOpen)?;
        Ok(WrappedKey { key: self.id, nonce, sealed })
    }

    /// Unwraps a data key that this key wrapped, bound to the same `aad`.
    pub fn unwrap_key(&self, wrapped: &WrappedKey, aad: &Aad) -> Result<DataKey, SealError> {
        if wrapped.key != self.id {
            return Err(SealError::OtherKey { sealed_with: wrapped.key, have: self.id });
        }
        let bytes = aead::decrypt(&self.bytes, &wrapped.nonce, &wrapped.sealed, &self.authenticated(aad))?;
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(bytes.get(..32).ok_or(SealError::DoesNotOpen)?);
        Ok(DataKey(key))
    }

    fn authenticated(&self, aad: &Aad) -> Vec<u8> {
        let mut bytes = authenticated(WRAPPED, aad);
        bytes.splice(1..1, *self.id.as_bytes());
        bytes
    }
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyEncryptionKey({}, …)", self.id)
    }
}

/// A data key as it is stored: form (1 byte), id of the key that wrapped it (8), nonce (24), ciphertext (32) and tag (16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    key: KeyId,
    nonce: [u8; NONCE],
    sealed: [u8; 32 + TAG],
}

impl WrappedKey {
    /// How many bytes it has.
    pub const LEN: usize = 1 + KeyId::LEN + NONCE + 32 + TAG;

    /// Returns the id of the key that wrapped it.
    pub fn key_id(&self) -> KeyId {
        self.key
    }

    /// Returns the bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LEN);
        bytes.push(WRAPPED);
        bytes.extend_from_slice(self.key.as_bytes());
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.sealed);
        bytes
    }

    /// Reads stored bytes. It says nothing about whether they open.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let wrong = EnvelopeError::WrongLength { found: bytes.len(), wanted: Self::LEN };
        let rest = form(bytes, WRAPPED)?;
        let Some((key, rest)) = rest.split_first_chunk::<{ KeyId::LEN }>() else { return Err(wrong) };
        let Some((nonce, sealed)) = rest.split_first_chunk::<NONCE>() else { return Err(wrong) };
        let Ok(sealed) = sealed.try_into() else { return Err(wrong) };
        Ok(Self { key: KeyId::from_bytes(*key), nonce: *nonce, sealed })
    }
}

/// The key-encryption keys at hand. While a vault gets a new key there are two.
#[derive(Clone, Debug, Default)]
pub struct Keyring(Vec<KeyEncryptionKey>);

impl Keyring {
    /// Holds one key.
    pub fn of(key: KeyEncryptionKey) -> Self {
        Self(vec![key])
    }

    /// Adds a key. One that is there already changes nothing.
    pub fn add(&mut self, key: KeyEncryptionKey) {
        if self.get(key.id()).is_none() {
            self.0.push(key);
        }
    }

    /// Returns the key with this id.
    pub fn get(&self, id: KeyId) -> Option<&KeyEncryptionKey> {
        self.0.iter().find(|key| key.id == id)
    }

    /// Returns the ids of the keys.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.0.iter().map(KeyEncryptionKey::id)
    }

    /// Unwraps a data key by whichever key wrapped it.
    pub fn unwrap_key(&self, wrapped: &WrappedKey, aad: &Aad) -> Result<DataKey, SealError> {
        let key = self.get(wrapped.key).ok_or(SealError::NoKey { wrapped_with: wrapped.key })?;
        key.unwrap_key(wrapped, aad)
    }
}

impl FromIterator<KeyEncryptionKey> for Keyring {
    fn from_iter<T: IntoIterator<Item = KeyEncryptionKey>>(keys: T) -> Self {
        let mut ring = Self::default();
        keys.into_iter().for_each(|key| ring.add(key));
        ring
    }
}

fn authenticated(form: u8, aad: &Aad) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + KeyId::LEN + aad.as_bytes().len());
    bytes.push(form);
    bytes.extend_from_slice(aad.as_bytes());
    bytes
}

/// Takes the first byte away, which must say this form.
fn form(bytes: &[u8], wanted: u8) -> Result<&[u8], EnvelopeError> {
    match bytes.split_first() {
        Some((&found, rest)) if found == wanted => Ok(rest),
        Some((&form, _)) => Err(EnvelopeError::UnknownForm { form }),
        None => Err(EnvelopeError::TooShort { found: 0, least: 1 }),
    }
}
