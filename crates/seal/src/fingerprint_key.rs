//! Keyed fingerprints: the same secret gives the same fingerprint, and without the key nobody can try guesses.

use crate::{KeyId, aad::push_part};
use hmac::{Hmac, KeyInit, Mac};
use keyshoal_core::{Fingerprint, Fingerprints};
use sha2::Sha256;
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Makes fingerprints by HMAC-SHA256, cut to its first 16 bytes.
///
/// The message is every part with its length (8 bytes, little endian) before it.
#[derive(Clone)]
pub struct FingerprintKey {
    bytes: Zeroizing<[u8; 32]>,
    id: KeyId,
}

impl FingerprintKey {
    /// Takes 32 random bytes as the key itself. [`crate::KeyFile::fingerprint_key`] is the usual way.
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let id = KeyId::of(b"fingerprint", &bytes);
        let key = Self { bytes: Zeroizing::new(bytes), id };
        bytes.zeroize();
        key
    }

    /// Returns the key's public id. Fingerprints can be compared only where it is the same.
    pub fn id(&self) -> KeyId {
        self.id
    }
}

impl Fingerprints for FingerprintKey {
    fn of(&self, parts: &[&str]) -> Fingerprint {
        let mut message = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum()));
        for part in parts {
            push_part(&mut message, part.as_bytes());
        }
        let mac = hmac(&*self.bytes, &message);
        let mut first = [0; 16];
        first.copy_from_slice(&mac[..16]);
        Fingerprint::from_bytes(first)
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(…)")
    }
}

/// Computes HMAC-SHA256.
pub fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // A key of any length is fine for HMAC; the block-sized constructor takes it without a way to fail.
    let mut block = Zeroizing::new([0_u8; 64]);
    if key.len() > block.len() {
        use sha2::Digest;
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// RFC 4231, cases 1, 2 and 6.
    #[test]
    fn hmac_matches_the_published_vectors() {
        assert_eq!(
            hex(&hmac(&[0x0b; 20], b"Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(&hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(&hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    proptest! {
        /// The same text divided otherwise is another thing, and so is the same text under another key.
        #[test]
        fn divisions_and_keys_are_told_apart(
            one in prop::collection::vec(".{0,6}", 0..4),
            other in prop::collection::vec(".{0,6}", 0..4),
        ) {
            let key = FingerprintKey::from_bytes([7; 32]);
            let refs = |parts: &[String]| key.of(&parts.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(refs(&one) == refs(&other), one == other);
            let parts: Vec<&str> = one.iter().map(String::as_str).collect();
            prop_assert_ne!(key.of(&parts), FingerprintKey::from_bytes([8; 32]).of(&parts));
        }
    }
}
