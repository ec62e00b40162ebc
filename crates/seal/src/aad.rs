//! Associated data: what a sealed value is bound to.

/// Collects what a sealed value belongs to. A value opens only where every part is the same, in the same order.
///
/// Parts are length-prefixed (8 bytes, little endian), so that no two different lists give the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aad(Vec<u8>);

impl Aad {
    /// Starts with what kind of thing is sealed (`"ledger image v1"`), so that one kind never opens as another.
    pub fn for_purpose(purpose: &str) -> Self {
        Self::default().with(purpose.as_bytes())
    }

    /// Adds one part.
    #[must_use]
    pub fn with(mut self, part: &[u8]) -> Self {
        push_part(&mut self.0, part);
        self
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Appends one length-prefixed part.
pub(crate) fn push_part(to: &mut Vec<u8>, part: &[u8]) {
    to.extend_from_slice(&(part.len() as u64).to_le_bytes());
    to.extend_from_slice(part);
}
