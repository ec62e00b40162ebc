//! Sealing values so that only the holder of the key can read them back, in the same place.

use crate::{Aad, Envelope, EnvelopeError, KeyId, aead};
use keyshoal_core::Secret;
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Seals and opens values by XChaCha20-Poly1305 with a random nonce for each.
#[derive(Clone)]
pub struct SealKey {
    bytes: Zeroizing<[u8; 32]>,
    id: KeyId,
}

/// Says why a value cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for a nonce: {0}")]
    Random(String),
    /// The value is too long for one envelope.
    #[error("the value is too long to be sealed")]
    TooLong,
    /// Another key sealed it.
    #[error(
        "the value was sealed with key {sealed_with}, and the key at hand is {have}: use the key file that was there when it was written"
    )]
    OtherKey {
        /// The key that sealed it.
        sealed_with: KeyId,
        /// The key that was tried.
        have: KeyId,
    },
    /// It was changed, or belongs somewhere else.
    #[error("the sealed value does not open: it was changed, or it belongs to another place")]
    DoesNotOpen,
    /// It opened and is no text.
    #[error("the sealed value opened and is not text, so it is not what was expected here")]
    NotText,
    /// No key at hand wrapped its data key.
    #[error("the value is sealed under key {wrapped_with}, which is not at hand: give that key, too")]
    NoKey {
        /// The key that is missing.
        wrapped_with: KeyId,
    },
    /// It is no envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

impl SealKey {
    /// Takes 32 random bytes as the key itself. [`crate::KeyFile::seal_key`] is the usual way.
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let id = KeyId::of(b"seal", &bytes);
        let key = Self { bytes: Zeroizing::new(bytes), id };
        bytes.zeroize();
        key
    }

    /// Returns the key's public id, which every envelope of it carries.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Seals bytes, bound to `aad`.
    pub fn seal(&self, value: &[u8], aad: &Aad) -> Result<Envelope, SealError> {
        let nonce = aead::nonce()?;
        let sealed =
            aead::encrypt(&self.bytes, &nonce, value, &Envelope::authenticated(self.id, aad.as_bytes()))?;
        Ok(Envelope { key: self.id, nonce, sealed })
    }

    /// Opens an envelope that this key sealed, bound to the same `aad`. The bytes are wiped when dropped.
    pub fn open(&self, envelope: &Envelope, aad: &Aad) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if envelope.key != self.id {
            return Err(SealError::OtherKey { sealed_with: envelope.key, have: self.id });
        }
        let aad = Envelope::authenticated(self.id, aad.as_bytes());
        aead::decrypt(&self.bytes, &envelope.nonce, &envelope.sealed, &aad)
    }

    /// Seals secret text and returns the bytes to store.
    pub fn seal_secret(&self, secret: &Secret, aad: &Aad) -> Result<Vec<u8>, SealError> {
        Ok(self.seal(secret.reveal_secret().as_bytes(), aad)?.to_bytes())
    }

    /// Opens stored bytes that hold secret text.
    pub fn open_secret(&self, stored: &[u8], aad: &Aad) -> Result<Secret, SealError> {
        text(self.open(&Envelope::from_bytes(stored)?, aad)?)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

/// Takes opened bytes as text, without leaving a copy of them.
pub(crate) fn text(mut bytes: Zeroizing<Vec<u8>>) -> Result<Secret, SealError> {
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Secret::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(SealError::NotText)
        }
    }
}
