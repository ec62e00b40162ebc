//! How a store was found, how it may be written, and what came of it.

use super::StoreContents;
use crate::sessions::Pinning;
use keyshoal_core::StoreHealth;
use std::path::PathBuf;
use std::time::SystemTime;

/// A store as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadStore {
    /// How it was found. `contents` is empty unless this is `Ok` or `NewerSchema`.
    pub health: StoreHealth,
    /// What it holds.
    pub contents: StoreContents,
    /// When the file was last changed (SQLite: when the cell was, as the program noted).
    pub modified: Option<SystemTime>,
    /// When the file that holds its state was last changed, where that is a file of its own.
    pub state_modified: Option<SystemTime>,
    /// A credential file of an earlier layout that lies beside it.
    pub leftover: Option<PathBuf>,
    /// Why it must not be written, if so.
    pub read_only: Option<String>,
    /// The file is mounted by itself (a container's single-file mount): it must not be written while a gateway runs.
    pub mounted_alone: bool,
    /// The sessions in the same database whose entries pin a profile, for [`sessions::pins`](crate::sessions::pins). `None`: they were
    /// not read, or cannot be.
    pub pinning: Option<Pinning>,
}

impl ReadStore {
    /// Makes a store of which nothing but its health is known.
    pub fn nothing(health: StoreHealth) -> Self {
        Self {
            health,
            contents: StoreContents::default(),
            modified: None,
            state_modified: None,
            leftover: None,
            read_only: None,
            mounted_alone: false,
            pinning: None,
        }
    }
}

/// The rules of one write.
#[derive(Clone, Copy, Debug)]
pub struct WriteRules {
    /// The run's one modification time, for every JSON file that the run writes. `None`: what the file system gives.
    pub mtime: Option<SystemTime>,
    /// Whether a gateway may be running on this installation.
    pub gateway_running: bool,
    /// Which protections are on.
    pub safety: Safety,
}

impl WriteRules {
    /// Returns the rules for a run that began at `now`, with every protection on.
    pub fn new(now: SystemTime, gateway_running: bool) -> Self {
        Self { mtime: Some(now), gateway_running, safety: Safety::default() }
    }
}

/// Protections of a write. All are on; a test turns one off to see that it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Safety {
    /// Take the program's lock (JSON), or a write transaction before reading (SQLite).
    pub lock: bool,
    /// Give the file a modification time that the program's cache does not know. Without this it keeps the old one's.
    pub distinct_time: bool,
    /// Compare file and bytes once more right before the replacement.
    pub compare: bool,
    /// Read the replaced file again for writes that came late, and merge them.
    pub late_write_check: bool,
    /// Retry a read that found an empty or half-written file.
    pub torn_read_retry: bool,
    /// Make the file and its directory durable.
    pub durable: bool,
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            lock: true,
            distinct_time: true,
            compare: true,
            late_write_check: true,
            torn_read_retry: true,
            durable: true,
        }
    }
}

/// What came of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Whether anything was written.
    pub changed: bool,
    /// How many writes of others came late and were merged.
    pub merged_late_writes: u32,
    /// The run's modification time was the old file's, so another one was given.
    pub time_bumped: bool,
    /// What the store holds now, read back.
    pub contents: StoreContents,
}

impl Written {
    /// Says that nothing was written.
    pub(super) fn nothing(contents: StoreContents) -> Self {
        Self { changed: false, merged_late_writes: 0, time_bumped: false, contents }
    }
}
