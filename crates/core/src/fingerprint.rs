//! What people and plans see of a secret: a keyed fingerprint.

use crate::SecretRef;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Identifies secret material without revealing it: the first 16 bytes of a keyed MAC. Shown as its first 8 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Stands for a request without any key, where there is a question about one.
    pub const NO_KEY: Self = Self(*b"keyshoal:no key.");

    /// Wraps the bytes that the room with the key has computed.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns all 16 bytes, for storage.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns the 8 hex digits that people see.
    pub fn short(&self) -> String {
        self.seen().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns the bytes of it that people see.
    pub fn seen(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.0;
        [a, b, c, d]
    }

    /// Returns one that people see as they see `other`, and that is no more the same than before.
    #[must_use]
    pub fn seen_as(mut self, other: Self) -> Self {
        self.0[..4].copy_from_slice(&other.seen());
        self
    }

    /// Tells whether people see it as they see `other`: it is the same value, delivered another way, or the very same.
    pub fn is_seen_as(&self, other: Self) -> bool {
        self.seen() == other.seen()
    }

    /// Returns all 32 hex digits.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads 32 hex digits back.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 16];
        for (byte, at) in bytes.iter_mut().zip((0..32).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.short())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", self.short())
    }
}

/// Serialises as the 8 hex digits that people see; [`Fingerprint::hex`] is for storage.
impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.short())
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("a fingerprint is 32 hex digits"))
    }
}

/// Makes fingerprints. The room with the key implements it; tests may use any injective function.
pub trait Fingerprints: Send + Sync {
    /// Returns the fingerprint of these parts, which are told apart from any other division of the same text.
    fn of(&self, parts: &[&str]) -> Fingerprint;

    /// Returns a fingerprint of what a reference leads to now, where that is Keyshoal's own to know. A reference that leads to
    /// another value then is another value.
    fn delivered(&self, reference: &SecretRef) -> Option<Fingerprint> {
        let _ = reference;
        None
    }
}
