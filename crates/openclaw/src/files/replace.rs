//! Putting a whole new file in the place of another: prepared beside it, then renamed over it.

use super::{OpenFile, PathError, WithPath};
use rustix::fs::{CWD, Gid, Mode, RenameFlags, Uid};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, FileTimes, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file that is ready to take another one's place. It goes away when it is not used.
#[derive(Debug)]
pub(crate) struct Prepared {
    file: File,
    path: PathBuf,
    target: PathBuf,
    used: bool,
}

impl Prepared {
    /// Writes `bytes` beside `target`, with the owner and mode of `like` (0600 and the directory's owner without).
    /// Durable on return if `durable`.
    pub fn write(
        target: &Path,
        bytes: &[u8],
        like: Option<&Metadata>,
        durable: bool,
    ) -> Result<Self, PathError> {
        let dir = target.parent().unwrap_or_else(|| Path::new("."));
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| io::Error::other("no random numbers")).with_path(dir)?;
        let path = dir.join(format!("{}{:016x}{SUFFIX}", prefix_of(target), u64::from_ne_bytes(random)));
        let file = super::create_new(&path).with_path(&path)?;
        let mut prepared = Self { file, path, target: target.to_owned(), used: false };
        prepared.take_owner(dir, like)?;
        prepared.file.write_all(bytes).with_path(&prepared.path)?;
        if durable {
            prepared.file.sync_all().with_path(&prepared.path)?;
        }
        Ok(prepared)
    }

    fn take_owner(&self, dir: &Path, like: Option<&Metadata>) -> Result<(), PathError> {
        let ours = self.file.metadata().with_path(&self.path)?;
        let dir_meta;
        let (owner, mode) = match like {
            Some(like) => (like, like.mode() & 0o7777),
            None => {
                dir_meta = fs::metadata(dir).with_path(dir)?;
                (&dir_meta, 0o600)
            }
        };
        let uid = (owner.uid() != ours.uid()).then(|| Uid::from_raw(owner.uid()));
        let gid = (owner.gid() != ours.gid()).then(|| Gid::from_raw(owner.gid()));
        if (uid.is_some() || gid.is_some())
            && rustix::fs::fchown(&self.file, uid, gid).is_err()
            // A group that may do nothing with the file may as well be another one.
            && (uid.is_some() || mode & 0o070 != 0)
        {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("it belongs to user {} and group {}: run as that user", owner.uid(), owner.gid()),
            ))
            .with_path(&self.target);
        }
        if ours.mode() & 0o7777 != mode {
            rustix::fs::fchmod(&self.file, Mode::from_raw_mode(mode))
                .map_err(io::Error::from)
                .with_path(&self.path)?;
        }
        Ok(())
    }

    /// Returns what the system knows of it.
    pub fn meta(&self) -> Result<Metadata, PathError> {
        self.file.metadata().with_path(&self.path)
    }

    /// Returns the file whose place it shall take.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Gives it a modification time.
    pub fn set_modified(&self, time: SystemTime) -> Result<(), PathError> {
        self.file.set_times(FileTimes::new().set_modified(time)).with_path(&self.path)
    }

    /// Puts it in the target's place. Not durable before the directory is synced.
    pub fn put(mut self) -> Result<(), PathError> {
        fs::rename(&self.path, &self.target).with_path(&self.target)?;
        self.used = true;
        Ok(())
    }

    /// Puts it in the place of `known`, or where nothing stands. Not durable before the directory is synced.
    ///
    /// The two files change places in one step where the file system can do that, so that what was displaced can be looked
    /// at: nobody can slip another file in unseen.
    pub fn exchange(mut self, known: Option<&OpenFile>) -> Result<Put, PathError> {
        let flags = if known.is_some() { RenameFlags::EXCHANGE } else { RenameFlags::NOREPLACE };
        match rustix::fs::renameat_with(CWD, &self.path, CWD, &self.target, flags) {
            Ok(()) if let Some(known) = known => {
                // From here on the file of this name is the displaced one; dropping removes it.
                if known.is_at(&self.path)? {
                    return Ok(Put::Done);
                }
                Ok(match OpenFile::open(&self.path) {
                    Ok(Some(file)) => Put::Displaced(Box::new(file)),
                    Ok(None) => Put::Done,
                    Err(error) => Put::Unseen(error),
                })
            }
            Ok(()) => {
                self.used = true;
                Ok(Put::Done)
            }
            Err(Errno::EXIST | Errno::NOENT) => Ok(Put::Taken),
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => self.put().map(|()| Put::Done),
            Err(error) => Err(io::Error::from(error)).with_path(&self.target),
        }
    }
}

/// What came of putting a file in another's place.
pub(crate) enum Put {
    /// It is there.
    Done,
    /// It is there, and another file than the known one was displaced.
    Displaced(Box<OpenFile>),
    /// It is there, and what it displaced cannot be read.
    Unseen(PathError),
    /// It is not there: something came, or went, meanwhile.
    Taken,
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if !self.used {
            // Nothing better can be done here; the next writer sweeps.
            let _ = fs::remove_file(&self.path);
        }
    }
}

const SUFFIX: &str = ".tmp";

fn prefix_of(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.keyshoal-")
}

/// Removes what crashed writers have prepared for these files and left behind: it holds secrets. Only under the store's lock.
pub(crate) fn sweep(targets: &BTreeSet<PathBuf>, older_than: SystemTime) -> Result<(), PathError> {
    let mut by_dir: BTreeMap<&Path, Vec<String>> = BTreeMap::new();
    for target in targets {
        let dir = target.parent().unwrap_or_else(|| Path::new("."));
        by_dir.entry(dir).or_default().push(prefix_of(target));
    }
    for (dir, prefixes) in by_dir {
        for name in super::listing(dir)?.unwrap_or_default() {
            if name.ends_with(SUFFIX) && prefixes.iter().any(|prefix| name.starts_with(prefix)) {
                let path = dir.join(&name);
                let written = super::metadata(&path)?.and_then(|meta| meta.modified().ok());
                if written.is_some_and(|written| written < older_than) {
                    super::remove(&path)?;
                }
            }
        }
    }
    Ok(())
}

/// Puts a file for its owner alone in place, durably; what crashed writers left beside it goes. Only by one writer at a time.
pub(crate) fn put_private(path: &Path, bytes: &[u8]) -> Result<(), PathError> {
    sweep(&BTreeSet::from([path.to_owned()]), super::wall_clock())?;
    Prepared::write(path, bytes, None, true)?.put()?;
    super::sync_dir(path.parent().unwrap_or_else(|| Path::new(".")))
}

/// Overwrites a file that cannot be replaced, without ever making it shorter than its new contents. Not atomic.
pub(crate) fn overwrite(path: &Path, bytes: &[u8], time: Option<SystemTime>) -> Result<(), PathError> {
    let file = fs::OpenOptions::new().write(true).open(path).with_path(path)?;
    file.write_all_at(bytes, 0).with_path(path)?;
    file.set_len(bytes.len() as u64).with_path(path)?;
    if let Some(time) = time {
        file.set_times(FileTimes::new().set_modified(time)).with_path(path)?;
    }
    file.sync_all().with_path(path)
}
