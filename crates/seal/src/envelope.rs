//! The stored form of a sealed value.

use crate::KeyId;
use crate::aead::{NONCE, TAG};

/// Sealed by a seal key itself. The other forms are those of [`crate::data_key`].
const DIRECT: u8 = 1;
const HEADER: usize = 1 + KeyId::LEN + NONCE;

/// A sealed value: form (1 byte), key id (8), nonce (24), ciphertext and tag (16).
///
/// The first byte says the form: what one form wrote never opens as another. Form and key id are authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub(crate) key: KeyId,
    pub(crate) nonce: [u8; NONCE],
    pub(crate) sealed: Vec<u8>,
}

/// Says why bytes are no envelope.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EnvelopeError {
    /// Cut off or never one.
    #[error("a sealed value is {found} bytes long, and can not be shorter than {least}: it is damaged")]
    TooShort {
        /// What was found.
        found: usize,
        /// The least that there must be.
        least: usize,
    },
    /// Cut off, or longer than it can be.
    #[error("a wrapped key is {found} bytes long, and must be {wanted}: it is damaged")]
    WrongLength {
        /// What was found.
        found: usize,
        /// What there must be.
        wanted: usize,
    },
    /// Another form.
    #[error(
        "a sealed value has form {form}, which this version does not know: it is damaged, or a newer keyshoal wrote it"
    )]
    UnknownForm {
        /// The first byte.
        form: u8,
    },
}

impl Envelope {
    /// Returns the bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.sealed.len());
        bytes.push(DIRECT);
        bytes.extend_from_slice(self.key.as_bytes());
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.sealed);
        bytes
    }

    /// Reads stored bytes. It says nothing about whether they open.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let least = HEADER + TAG;
        match bytes.first() {
            Some(&DIRECT) => {}
            Some(&form) => return Err(EnvelopeError::UnknownForm { form }),
            None => return Err(EnvelopeError::TooShort { found: 0, least }),
        }
        let too_short = EnvelopeError::TooShort { found: bytes.len(), least };
        let rest = &bytes[1..];
        let Some((key, rest)) = rest.split_first_chunk::<{ KeyId::LEN }>() else { return Err(too_short) };
        let Some((nonce, sealed)) = rest.split_first_chunk::<NONCE>() else { return Err(too_short) };
        if sealed.len() < TAG {
            return Err(too_short);
        }
        Ok(Self { key: KeyId::from_bytes(*key), nonce: *nonce, sealed: sealed.to_vec() })
    }

    /// Returns the id of the key that sealed it.
    pub fn key_id(&self) -> KeyId {
        self.key
    }

    /// Returns what is authenticated beside the value: form, key id, then the caller's associated data.
    pub(crate) fn authenticated(key: KeyId, aad: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + KeyId::LEN + aad.len());
        bytes.push(DIRECT);
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(aad);
        bytes
    }
}
