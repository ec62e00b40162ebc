//! One run at a time: the lock that a writing command holds.

use crate::LedgerError;
use crate::directory::Directory;
use jiff::SignedDuration;
use keyshoal_core::Timestamp;
use rustix::fd::OwnedFd;
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const FILE: &str = "run.lock";
const PAUSE: Duration = Duration::from_millis(25);
/// Whoever merely asks who holds the lock holds it for an instant, too: nobody is turned away for that.
const GRACE: Duration = Duration::from_millis(250);
/// The name under which a watch repairs. That ends by itself, and nobody has asked for it: nobody is turned away for it either.
const WATCH: &str = "watch";
const WATCH_ENDS: Duration = Duration::from_secs(30);

/// Who holds the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process id, in its own process namespace.
    pub pid: u32,
    /// What it does (`sync`).
    pub command: String,
    /// Since when.
    pub since: Timestamp,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`keyshoal {}` (process {}, since {})", self.command, self.pid, self.since)
    }
}

/// Who holds the lock, or held it last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastHolder {
    /// Who; `None` when nobody has said so yet.
    pub holder: Option<Holder>,
    /// It is held now.
    pub held: bool,
}

/// Says why the lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run is at work.
    #[error("{}: {} is at work here; wait until it is done", path.display(), who(holder))]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who; `None` when it has not said so yet.
        holder: Option<Holder>,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

fn who(holder: &Option<Holder>) -> String {
    holder.as_ref().map_or_else(|| "another keyshoal".to_owned(), ToString::to_string)
}

/// The lock that a writing command holds. Dropping it gives it back, and so does the end of the process, however it comes.
#[derive(Debug)]
pub struct RunLock {
    file: OwnedFd,
    path: PathBuf,
}

impl RunLock {
    /// Takes the lock of a state directory, waiting at most `wait` for another run to end.
    ///
    /// The lock is the kernel's (`flock` on `run.lock`), so a crashed holder never keeps it; what stands in the file only says who
    /// has it.
    pub fn acquire(
        state_dir: &Path,
        command: &str,
        now: Timestamp,
        wait: Duration,
    ) -> Result<Self, LockError> {
        let directory = Directory::open_or_create(state_dir)?;
        let path = directory.path.join(FILE);
        let begun = Instant::now();
        let lock = loop {
            let file = directory.open_file(FILE, OFlags::CREATE)?;
            if flock(&file, FlockOperation::NonBlockingLockExclusive, &path)? {
                if is_still_there(&directory, &file, &path)? {
                    break Self { file, path };
                }
            } else {
                let waited = begun.elapsed();
                let holder = if waited < wait.max(GRACE) { None } else { read_holder(&file) };
                let is_watch = holder.as_ref().is_some_and(|holder| holder.command == WATCH);
                if waited >= wait.max(if is_watch { WATCH_ENDS } else { GRACE }) {
                    return Err(LockError::Held { holder, path });
                }
                std::thread::sleep(PAUSE);
            }
        };
        let waited = SignedDuration::try_from(begun.elapsed()).unwrap_or_default();
        let since = now.checked_add(waited).unwrap_or(now);
        lock.sign(&Holder { pid: std::process::id(), command: command.to_owned(), since })?;
        Ok(lock)
    }

    /// Says who holds the lock of a state directory; `None` when nobody does. Nothing is made or changed.
    pub fn holder(state_dir: &Path) -> Result<Option<Holder>, LedgerError> {
        let LastHolder { holder, held } = Self::last_holder(state_dir)?;
        let unsigned = Holder { pid: 0, command: "…".to_owned(), since: Timestamp::UNIX_EPOCH };
        Ok(held.then(|| holder.unwrap_or(unsigned)))
    }

    /// Says who holds the lock of a state directory, or held it last: whoever compares that knows whether another run went by meanwhile.
    pub fn last_holder(state_dir: &Path) -> Result<LastHolder, LedgerError> {
        let Some(directory) = Directory::open(state_dir)? else { return Ok(LastHolder::default()) };
        let path = directory.path.join(FILE);
        if directory.stat(FILE)?.is_none() {
            return Ok(LastHolder::default());
        }
        let file = directory.open_file(FILE, OFlags::empty())?;
        let held = !flock(&file, FlockOperation::NonBlockingLockShared, &path)?;
        Ok(LastHolder { holder: read_holder(&file), held })
    }

    fn sign(&self, holder: &Holder) -> Result<(), LedgerError> {
        let text = serde_json::to_string(holder)
            .map_err(|error| LedgerError::io(&self.path, std::io::Error::other(error)))?;
        // In one write, padded over whatever was there: a reader sees the old or the new holder.
        let old = rustix::fs::fstat(&self.file).map_err(|error| LedgerError::io(&self.path, error))?.st_size;
        let width = usize::try_from(old).unwrap_or_default().saturating_sub(1);
        let line = format!("{text:<width$}\n");
        rustix::io::pwrite(&self.file, line.as_bytes(), 0)
            .and_then(|_| rustix::fs::ftruncate(&self.file, line.len() as u64))
            .map_err(|error| LedgerError::io(&self.path, error))
    }
}

/// Tries to take the kernel's lock.
fn flock(file: &OwnedFd, how: FlockOperation, path: &Path) -> Result<bool, LedgerError> {
    match rustix::fs::flock(file, how) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
        Err(error) => Err(LedgerError::io(path, error)),
    }
}

/// A lock on a file that is not at its path any more keeps nobody out.
fn is_still_there(directory: &Directory, file: &OwnedFd, path: &Path) -> Result<bool, LedgerError> {
    let own = rustix::fs::fstat(file).map_err(|error| LedgerError::io(path, error))?;
    let there = directory.stat(FILE)?;
    Ok(there.is_some_and(|there| (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)))
}

fn read_holder(file: &OwnedFd) -> Option<Holder> {
    let mut bytes = [0; 4096];
    let read = rustix::io::pread(file, &mut bytes, 0).ok()?;
    serde_json::from_slice(&bytes[..read]).ok()
}
