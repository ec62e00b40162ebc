//! How much a payload may make a reader hold.

/// The bounds within which a payload is read. What is larger is refused before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the manifest.
    pub manifest: u64,
    /// Structural characters of the manifest (commas, colons, brackets), which bound what it takes once it is read.
    pub tokens: usize,
    /// Bytes of one value: a profile's entry, a channel's settings, the text of a config.
    pub value: u64,
    /// Bytes of all values.
    pub values: u64,
    /// Agents.
    pub agents: usize,
    /// Files, and entries of any other list of the manifest.
    pub entries: usize,
    /// Bytes of all files. They are streamed, so this bounds the disk and not the memory.
    pub files: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest: 16 << 20,
            tokens: 500_000,
            value: 16 << 20,
            values: 64 << 20,
            agents: 10_000,
            entries: 100_000,
            files: 64 << 30,
        }
    }
}
