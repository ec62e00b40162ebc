//! Tags for what is no secret and must not be changed by anybody without the key.

use crate::aad::push_part;
use crate::data_key::DataKey;
use crate::fingerprint_key::hmac;
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Makes and checks tags by HMAC-SHA256 over parts, each with its length (8 bytes, little endian) before it.
#[derive(Clone)]
pub struct IntegrityKey(Zeroizing<[u8; 32]>);

impl IntegrityKey {
    /// Takes the place of a data key: it is stored wrapped, as that is.
    pub fn new(key: &DataKey) -> Self {
        Self(Zeroizing::new(*key.bytes()))
    }

    /// Makes the tag of the parts that `write` adds, for one purpose.
    pub fn tag(&self, purpose: &str, write: impl FnOnce(&mut Parts)) -> [u8; 32] {
        let mut parts = Parts(Vec::new());
        parts.push(purpose.as_bytes());
        write(&mut parts);
        hmac(&*self.0, &parts.0)
    }
}

/// Tells whether two tags are the same, in constant time.
pub fn same_tag(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

impl fmt::Debug for IntegrityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntegrityKey(…)")
    }
}

/// What a tag is made of.
pub struct Parts(Vec<u8>);

impl Parts {
    /// Adds one part.
    pub fn push(&mut self, part: &[u8]) {
        push_part(&mut self.0, part);
    }
}
