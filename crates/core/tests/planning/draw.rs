//! Draws decisions from bytes, so that proptest can shrink a generated instance towards a simple one.

/// Draws from bytes; when they run out, every draw gives its first choice.
pub struct Draw<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> Draw<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: bytes.iter() }
    }

    /// Draws a number below `end`.
    pub fn below(&mut self, end: u8) -> u8 {
        self.bytes.next().copied().unwrap_or(0) % end
    }

    /// Draws `true` once in `often` times.
    pub fn once_in(&mut self, often: u8) -> bool {
        self.below(often) == often - 1
    }

    /// Draws one of these.
    pub fn one<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::from(self.below(u8::try_from(all.len()).unwrap()))].clone()
    }
}
