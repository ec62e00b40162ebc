//! Sealing values so that only the holder of the key can read them back, in the same place.

use crate::envelope::NONCE;
use crate::{Aad, Envelope, EnvelopeError, KeyId};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
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
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| SealError::Random(error.to_string()))?;
        let sealed = self.encrypt(&nonce, value, &Envelope::authenticated(self.id, aad.as_bytes()))?;
        Ok(Envelope { key: self.id, nonce, sealed })
    }

    /// Opens an envelope that this key sealed, bound to the same `aad`. The bytes are wiped when dropped.
    pub fn open(&self, envelope: &Envelope, aad: &Aad) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if envelope.key != self.id {
            return Err(SealError::OtherKey { sealed_with: envelope.key, have: self.id });
        }
        self.decrypt(&envelope.nonce, &envelope.sealed, &Envelope::authenticated(self.id, aad.as_bytes()))
    }

    /// Seals secret text and returns the bytes to store.
    pub fn seal_secret(&self, secret: &Secret, aad: &Aad) -> Result<Vec<u8>, SealError> {
        Ok(self.seal(secret.reveal_secret().as_bytes(), aad)?.to_bytes())
    }

    /// Opens stored bytes that hold secret text.
    pub fn open_secret(&self, stored: &[u8], aad: &Aad) -> Result<Secret, SealError> {
        let mut bytes = self.open(&Envelope::from_bytes(stored)?, aad)?;
        match String::from_utf8(std::mem::take(&mut *bytes)) {
            Ok(text) => Ok(Secret::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(SealError::NotText)
            }
        }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.bytes).into())
    }

    fn encrypt(&self, nonce: &[u8; NONCE], value: &[u8], aad: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: &XNonce = nonce.into();
        self.cipher().encrypt(nonce, Payload { msg: value, aad }).map_err(|_| SealError::TooLong)
    }

    fn decrypt(
        &self,
        nonce: &[u8; NONCE],
        sealed: &[u8],
        aad: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let nonce: &XNonce = nonce.into();
        self.cipher()
            .decrypt(nonce, Payload { msg: sealed, aad })
            .map(Zeroizing::new)
            .map_err(|_| SealError::DoesNotOpen)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn matches_the_published_vector() {
        let key: [u8; 32] = std::array::from_fn(|at| 0x80 + at as u8);
        let nonce: [u8; 24] = std::array::from_fn(|at| 0x40 + at as u8);
        let aad = hex("50515253c0c1c2c3c4c5c6c7");
        let text =
            b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                     sunscreen would be it.";
        let sealed = hex(concat!(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb",
            "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452",
            "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9",
            "21f9664c97637da9768812f615c68b13b52e",
            "c0875924c1c7987947deafd8780acf49",
        ));
        let key = SealKey::from_bytes(key);
        assert_eq!(key.encrypt(&nonce, text, &aad).unwrap(), sealed);
        assert_eq!(*key.decrypt(&nonce, &sealed, &aad).unwrap(), text);
    }
}
