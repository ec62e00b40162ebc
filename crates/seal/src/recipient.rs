//! Sealing to a machine that has shown its public key: X25519, then HKDF-SHA256 over the shared secret with both public keys bound.

use crate::keys::{KeyError, KeyFile, derive};
use crate::stream::StreamKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use curve25519_dalek::montgomery::MontgomeryPoint;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// How a public key begins when it is written.
const PREFIX: &str = "keyshoal-recipient-1-";

/// A machine's public key: whoever has it can seal for that machine alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient([u8; 32]);

/// The secret half, derived from a key file.
#[derive(Clone)]
pub struct RecipientKey(Zeroizing<[u8; 32]>);

/// Says why a text or a point is no public key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RecipientError {
    /// It does not begin so, or has another length.
    #[error(
        "a recipient's key begins with {PREFIX} and has 48 characters after it; `keyshoal recipient show` prints it there"
    )]
    NotAKey,
    /// A slip of the fingers, or cut off.
    #[error("the recipient's key is mistyped or cut off: its last characters do not fit the others")]
    Check,
    /// A point with which everybody's secret is the same.
    #[error("the key is a point of low order, with which nothing is secret")]
    LowOrder,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for a key: {0}")]
    Random(String),
}

impl From<KeyError> for RecipientError {
    fn from(error: KeyError) -> Self {
        Self::Random(error.to_string())
    }
}

impl Recipient {
    /// Returns a short public name of it, by which the right key file is found.
    pub fn id(&self) -> [u8; 8] {
        let digest = Sha256::digest([b"keyshoal recipient id v1 ".as_slice(), &self.0].concat());
        std::array::from_fn(|at| digest[at])
    }

    /// Makes a key for one stream, and the public key that has to stand before it. `bound` is everything else that stands before it.
    pub fn fresh_stream_key(
        &self,
        salt: &[u8; 32],
        bound: &[u8],
    ) -> Result<([u8; 32], StreamKey), RecipientError> {
        let own = KeyFile::ephemeral()?.recipient_key();
        let public = own.recipient().0;
        Ok((public, own.agree(&self.0, salt, &purpose(&public, &self.0, bound))?))
    }

    fn check(&self) -> [u8; 4] {
        let digest = Sha256::digest([b"keyshoal recipient check v1 ".as_slice(), &self.0].concat());
        std::array::from_fn(|at| digest[at])
    }
}

impl RecipientKey {
    pub(crate) fn of(file: &KeyFile) -> Self {
        Self(derive(file.bytes(), b"keyshoal recipient key v1", None))
    }

    /// Returns the public half.
    pub fn recipient(&self) -> Recipient {
        Recipient(MontgomeryPoint::mul_base_clamped(*self.0).to_bytes())
    }

    /// Returns the key of the stream that was sealed for this machine with the public key `theirs`.
    pub fn stream_key(
        &self,
        theirs: &[u8; 32],
        salt: &[u8; 32],
        bound: &[u8],
    ) -> Result<StreamKey, RecipientError> {
        self.agree(theirs, salt, &purpose(theirs, &self.recipient().0, bound))
    }

    fn agree(&self, theirs: &[u8; 32], salt: &[u8; 32], purpose: &[u8]) -> Result<StreamKey, RecipientError> {
        let shared = Zeroizing::new(MontgomeryPoint(*theirs).mul_clamped(*self.0).to_bytes());
        // RFC 7748, section 6.1.
        if shared.iter().fold(0, |all, byte| all | byte) == 0 {
            return Err(RecipientError::LowOrder);
        }
        Ok(StreamKey::new(derive(&*shared, purpose, Some(salt))))
    }
}

fn purpose(ephemeral: &[u8; 32], recipient: &[u8; 32], bound: &[u8]) -> Vec<u8> {
    [b"keyshoal recipient stream v1 ".as_slice(), ephemeral, recipient, bound].concat()
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.0.as_slice(), &self.check()].concat();
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Recipient {
    type Err = RecipientError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().strip_prefix(PREFIX).ok_or(RecipientError::NotAKey)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| RecipientError::NotAKey)?;
        let (key, check) = bytes.split_first_chunk::<32>().ok_or(RecipientError::NotAKey)?;
        let key = Self(*key);
        if check.len() != 4 {
            return Err(RecipientError::NotAKey);
        }
        if check != key.check() {
            return Err(RecipientError::Check);
        }
        Ok(key)
    }
}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecipientKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> [u8; 32] {
        std::array::from_fn(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap())
    }

    /// RFC 7748, section 6.1.
    #[test]
    fn agreement_matches_the_published_vector() {
        let alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
        let bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
        let public = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
        let shared = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
        assert_eq!(RecipientKey(Zeroizing::new(alice)).recipient(), Recipient(public));
        assert_eq!(MontgomeryPoint(public).mul_clamped(bob).to_bytes(), shared);
    }

    #[test]
    fn a_point_of_low_order_is_refused() {
        let key = RecipientKey(Zeroizing::new([7; 32]));
        for point in [[0; 32], std::array::from_fn(|at| u8::from(at == 0))] {
            assert_eq!(key.stream_key(&point, &[0; 32], b"").unwrap_err(), RecipientError::LowOrder);
        }
    }
}
