//! A file held open, so that what stands in it can be read again when its name means another file already.

use super::{PathError, WithPath, absent};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A regular file held open for reading.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: File,
    path: PathBuf,
    meta: Metadata,
}

impl OpenFile {
    /// Opens a file. `None` when it does not exist; an error when it is no regular file, or a link that leads nowhere.
    pub fn open(path: &Path) -> Result<Option<Self>, PathError> {
        match open(path, OFlags::NOFOLLOW) {
            Ok(file) => Self::of(file, path.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // To where the file really is, so that a link is never replaced by a file.
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                let Some(real) = super::resolved(path)? else {
                    return Err(io::Error::other("it is a link that leads nowhere")).with_path(path);
                };
                let Some(file) = absent(open(&real, OFlags::empty())).with_path(&real)? else {
                    return Ok(None);
                };
                Self::of(file, real)
            }
            Err(error) => Err(error).with_path(path),
        }
    }

    fn of(file: File, path: PathBuf) -> Result<Option<Self>, PathError> {
        let meta = file.metadata().with_path(&path)?;
        if !meta.is_file() {
            return Err(io::Error::other("it is no regular file")).with_path(&path);
        }
        Ok(Some(Self { file, path, meta }))
    }

    /// Reads all of it as it stands now, at most `limit` bytes.
    pub fn bytes(&self, limit: u64) -> Result<Vec<u8>, PathError> {
        let mut bytes = vec![0; usize::try_from(self.meta.len().min(limit)).unwrap_or_default() + 1];
        let mut length = 0;
        loop {
            match self.file.read_at(&mut bytes[length..], length as u64) {
                Ok(0) => break,
                Ok(read) => {
                    let short = read < bytes.len() - length;
                    length += read;
                    // Less than was asked for, and as much as there should be: that was the end.
                    if short && length as u64 == self.meta.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).with_path(&self.path),
            }
            if length as u64 > limit {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    format!("larger than {limit} bytes"),
                ))
                .with_path(&self.path);
            }
            if length == bytes.len() {
                bytes.resize(length * 2, 0);
            }
        }
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Tells whether its name still means this file.
    pub fn still_named(&self) -> Result<bool, PathError> {
        self.is_at(&self.path)
    }

    /// Tells whether a name means this file.
    pub fn is_at(&self, path: &Path) -> Result<bool, PathError> {
        let now = super::metadata(path)?;
        Ok(now.is_some_and(|now| now.dev() == self.meta.dev() && now.ino() == self.meta.ino()))
    }

    /// Returns when it was last changed, as of its opening.
    pub fn modified(&self) -> Result<SystemTime, PathError> {
        self.meta.modified().with_path(&self.path)
    }

    /// Tells whether both are one file.
    pub fn is_same(&self, other: &Self) -> bool {
        self.meta.dev() == other.meta.dev() && self.meta.ino() == other.meta.ino()
    }

    /// Tells whether it was changed within this time, as of now. A time in the future counts as now.
    pub fn changed_within(&self, time: Duration) -> bool {
        let modified = self.file.metadata().and_then(|meta| meta.modified());
        modified.is_ok_and(|at| {
            super::wall_clock().duration_since(at).is_ok_and(|past| past < time) || at > super::wall_clock()
        })
    }

    /// Returns what the system knew of it at its opening.
    pub fn meta(&self) -> &Metadata {
        &self.meta
    }

    /// Returns its path, past the link if its name was one.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn open(path: &Path, flags: OFlags) -> io::Result<File> {
    // Not blocking, so that a pipe of that name does not hold us up for ever.
    let flags = (flags | OFlags::NONBLOCK).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}
