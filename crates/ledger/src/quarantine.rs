//! Directories that were moved aside, out of the program's sight, and can be moved back: `.keyshoal/quarantine/`.
//!
//! What was moved is written down in `quarantine.json` before it is moved. An entry whose directory is not where it was to be
//! moved to says nothing: the move did not happen, or was taken back.

use crate::directory::Directory;
use crate::{LedgerError, RunLock};
use keyshoal_core::Timestamp;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const JOURNAL: &str = "quarantine.json";
const NEXT: &str = "quarantine.json.new";
const PLACE: &str = "quarantine";
/// A journal is never larger.
const LARGEST: u64 = 4 << 20;

/// One directory that was moved aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The agent whose it was.
    pub agent: String,
    /// Where it was.
    pub from: PathBuf,
    /// Where it is.
    pub to: PathBuf,
    /// When it was moved.
    pub at: Timestamp,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Journal {
    version: u32,
    moved: Vec<Moved>,
}

/// Returns what is set aside now, the oldest first. Nothing is made or changed.
pub fn list(state_dir: &Path) -> Result<Vec<Moved>, LedgerError> {
    match Directory::open(state_dir)? {
        Some(directory) => Ok(there(read(&directory)?)),
        None => Ok(Vec::new()),
    }
}

/// Moves a directory aside. It must be a plain directory on the file system of the state directory. The lock shows that nobody
/// else writes.
pub fn set_aside(
    state_dir: &Path,
    agent: &str,
    dir: &Path,
    now: Timestamp,
    _lock: &RunLock,
) -> Result<Moved, LedgerError> {
    let directory = Directory::open_or_create(state_dir)?;
    for path in dir.parent().into_iter().chain([dir]) {
        require_directory(path)?;
    }
    let place = directory.path.join(PLACE);
    match rustix::fs::mkdirat(CWD, &place, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => require_directory(&place)?,
        Err(error) => return Err(LedgerError::io(&place, error)),
    }
    let handle = open(&place)?;
    directory.hand_over(&handle, &place)?;
    let moved = Moved {
        agent: agent.to_owned(),
        from: dir.to_owned(),
        to: place.join(format!("{agent}-{}", now.as_millisecond())),
        at: now,
    };
    let mut all = there(read(&directory)?);
    all.push(moved.clone());
    write(&directory, all)?;
    rename(&moved.from, &moved.to)?;
    Ok(moved)
}

/// Moves the newest directory of an agent back to where it was. `None` when none of its is set aside.
pub fn put_back(state_dir: &Path, agent: &str, _lock: &RunLock) -> Result<Option<Moved>, LedgerError> {
    let Some(directory) = Directory::open(state_dir)? else { return Ok(None) };
    let mut all = there(read(&directory)?);
    let Some(at) = all.iter().rposition(|one| one.agent == agent) else { return Ok(None) };
    let moved = all.remove(at);
    rename(&moved.to, &moved.from)?;
    write(&directory, all)?;
    Ok(Some(moved))
}

fn there(all: Vec<Moved>) -> Vec<Moved> {
    all.into_iter().filter(|one| require_directory(&one.to).is_ok()).collect()
}

fn read(directory: &Directory) -> Result<Vec<Moved>, LedgerError> {
    let path = directory.path.join(JOURNAL);
    let Some(stat) = directory.stat(JOURNAL)? else { return Ok(Vec::new()) };
    let size = u64::try_from(stat.st_size).unwrap_or_default();
    if size > LARGEST {
        return Err(LedgerError::corrupt(&path, "it is larger than any journal of ours"));
    }
    let file = directory.open_file(JOURNAL, OFlags::empty())?;
    let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
    let mut read = 0;
    while read < bytes.len() {
        match rustix::io::pread(&file, &mut bytes[read..], read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(Errno::INTR) => {}
            Err(error) => return Err(LedgerError::io(&path, error)),
        }
    }
    let journal: Journal = serde_json::from_slice(&bytes[..read])
        .map_err(|error| LedgerError::corrupt(&path, format!("it cannot be understood: {error}")))?;
    Ok(journal.moved)
}

/// Writes the journal whole and durably.
fn write(directory: &Directory, moved: Vec<Moved>) -> Result<(), LedgerError> {
    let path = directory.path.join(JOURNAL);
    let text = serde_json::to_string_pretty(&Journal { version: 1, moved })
        .map_err(|error| LedgerError::io(&path, std::io::Error::other(error)))?;
    let file = directory.open_file(NEXT, OFlags::CREATE | OFlags::TRUNC)?;
    let mut file = std::fs::File::from(file);
    std::io::Write::write_all(&mut file, text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| LedgerError::io(&path, error))?;
    rustix::fs::rename(directory.path.join(NEXT), &path).map_err(|error| LedgerError::io(&path, error))?;
    sync(&directory.path)
}

/// Moves a directory to a name that must not be taken, durably.
fn rename(from: &Path, to: &Path) -> Result<(), LedgerError> {
    let moved = match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // The file system cannot promise it; a directory never replaces one that has anything in it.
        Err(Errno::INVAL | Errno::NOSYS) => rustix::fs::renameat(CWD, from, CWD, to),
        other => other,
    };
    moved.map_err(|error| LedgerError::io(to, error))?;
    [from, to].into_iter().filter_map(Path::parent).try_for_each(sync)
}

fn open(dir: &Path) -> Result<rustix::fd::OwnedFd, LedgerError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, dir, flags, Mode::empty()).map_err(|error| LedgerError::io(dir, error))
}

fn sync(dir: &Path) -> Result<(), LedgerError> {
    rustix::fs::fsync(open(dir)?).map_err(|error| LedgerError::io(dir, error))
}

/// Refuses links: what is moved must be the directory itself.
fn require_directory(path: &Path) -> Result<(), LedgerError> {
    let stat = rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| LedgerError::io(path, error))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Ok(()),
        FileType::Symlink => Err(LedgerError::NotPlain { path: path.to_owned(), found: "a symbolic link" }),
        _ => Err(LedgerError::NotPlain { path: path.to_owned(), found: "no directory" }),
    }
}
