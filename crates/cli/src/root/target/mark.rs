//! What marks a state directory that an import fills: how far it came, and whether it is at work there.

use super::not_made;
use crate::error::CommandError;
use keyshoal_core::{Fingerprint, InstanceId};
use keyshoal_openclaw::files;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Says in a state directory that an import is at work there, or broke off: what was there before, and how far it came, as JSON.
pub(super) const MARK: &str = ".keyshoal-import";
/// What becomes the mark in the next moment.
pub(super) const NEXT_MARK: &str = ".keyshoal-import-next";
/// A mark is never longer than this.
const LONGEST_MARK: u64 = 1 << 20;

/// An import that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnfinishedImport {
    /// It is at work now.
    AtWork,
    /// It broke off where only an import goes on.
    Begun,
    /// It broke off where everything was made but what a sync brings as well.
    LeftToSync,
}

/// What stands in the mark.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The directories that were made for it, the innermost first.
    pub made: Vec<PathBuf>,
    /// The names that were in it.
    pub before: BTreeSet<String>,
    /// What the config includes or has written elsewhere, by the first names of the paths.
    pub included: BTreeSet<String>,
    /// Files of ours outside of it.
    pub outside: Vec<PathBuf>,
    /// What the vault knows of it, or is about to.
    #[serde(default)]
    pub entry: Option<Entry>,
    /// Fingerprints of the logins that it has put into stores, or is about to: no vault has them whole.
    #[serde(default)]
    pub logins: BTreeSet<String>,
    /// Everything is there but what a sync brings as well.
    #[serde(default)]
    pub left_to_sync: bool,
    /// It is being taken back.
    #[serde(default)]
    pub going: bool,
}

/// What an import puts into a vault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The id of the instance there.
    pub instance: InstanceId,
    /// The id of the vault.
    pub vault: String,
    /// What the vault's history has as its reason with everything that the import does.
    pub why: String,
}

impl Mark {
    /// Reads it; `None` where there is none. One that was cut short is from before anything else was written.
    pub(super) fn read(dir: &Path) -> Result<Option<Self>, CommandError> {
        let bytes = files::read(&dir.join(MARK), LONGEST_MARK);
        let bytes = bytes.map_err(|error| CommandError::io(error.to_string()))?;
        let Some(bytes) = bytes else { return Ok(None) };
        if let Ok(mark) = serde_json::from_slice(&bytes) {
            return Ok(Some(mark));
        }
        let mut before = super::names(dir).map_err(|error| not_made(dir, &error))?;
        before.retain(|name| name != MARK && name != NEXT_MARK);
        Ok(Some(Self { before, ..Self::default() }))
    }

    pub(super) fn bytes(&self) -> Result<Vec<u8>, CommandError> {
        serde_json::to_vec(self).map_err(|error| CommandError::internal(error.to_string()))
    }

    /// Tells whether a login is one that the import has put there.
    pub(super) fn has_login(&self, print: Fingerprint) -> bool {
        self.logins.contains(&print.hex())
    }
}

/// Tells whether an import into a state directory has not ended, and how far it came.
pub fn unfinished_import(dir: &Path) -> Option<UnfinishedImport> {
    dir.join(MARK).symlink_metadata().ok()?;
    Some(match Mark::read(dir) {
        _ if is_at_work(dir) => UnfinishedImport::AtWork,
        Ok(Some(mark)) if mark.left_to_sync && !mark.going => UnfinishedImport::LeftToSync,
        _ => UnfinishedImport::Begun,
    })
}

/// Has a state directory for one import alone, or for what ends one. Dropping it gives that back, and so does the end of the process.
#[derive(Debug)]
pub(super) struct Alone(#[expect(dead_code, reason = "it is the lock that counts")] File);

impl Alone {
    /// Takes it; refused while another import is at work there.
    pub(super) fn with(dir: &Path) -> Result<Self, CommandError> {
        loop {
            let file = open(dir).map_err(|error| not_made(dir, &error))?;
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(error)) => return Err(not_made(dir, &error)),
                // Somebody has only asked whether one is at work, or it has just ended.
                Err(TryLockError::WouldBlock) if file.try_lock_shared().is_ok() => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(CommandError::user(format!(
                        "another import is at work in {}, and nothing was changed",
                        dir.display()
                    ))
                    .hint("wait until it is done: keyshoal status   says what came of it"));
                }
            }
        }
    }
}

/// Tells whether an import is at work. A directory that nobody can open tells nothing of that.
fn is_at_work(dir: &Path) -> bool {
    open(dir).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the kernel's lock is on the directory itself, as the mark is replaced"
)]
fn open(dir: &Path) -> std::io::Result<File> {
    File::open(dir)
}
