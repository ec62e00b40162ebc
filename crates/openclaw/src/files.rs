//! The only room of this crate that touches files directly. Every error carries its path.

#![expect(clippy::disallowed_methods, reason = "this is the room that touches files")]

mod opened;
mod places;
mod replace;

pub(crate) use opened::OpenFile;
pub(crate) use places::{
    absent, create_new, create_whole, further_names, is_link, listing, made_read_only, make_private_dir, may,
    metadata, mounted_alone, owner, remove, resolved, sync_dir, wall_clock,
};
pub(crate) use replace::{Prepared, Put, overwrite, put_private, sweep};

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// An I/O error and the path it concerns.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct PathError {
    /// The path.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Attaches a path to an I/O error.
pub trait WithPath<T> {
    /// Attaches `path`.
    fn with_path(self, path: &Path) -> Result<T, PathError>;
}

impl<T> WithPath<T> for io::Result<T> {
    fn with_path(self, path: &Path) -> Result<T, PathError> {
        self.map_err(|source| PathError { path: path.to_owned(), source })
    }
}

/// Reads a whole file of at most `limit` bytes. `None` when it does not exist.
pub fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, PathError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_path(path),
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).with_path(path)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes")))
            .with_path(path);
    }
    Ok(Some(bytes))
}

/// Reads the end of a regular file, at most `limit` bytes of it. `None` when it does not exist or is no regular file.
pub(crate) fn tail(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, PathError> {
    use std::io::Seek;
    if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return Ok(None);
    }
    let mut file = fs::File::open(path).with_path(path)?;
    let length = file.metadata().with_path(path)?.len();
    file.seek(io::SeekFrom::Start(length.saturating_sub(limit))).with_path(path)?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).with_path(path)?;
    Ok(Some(bytes))
}

/// Returns which file is at a path and how long it is, links followed; `None` where none is.
pub(crate) fn extent(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((found.ino(), found.len()))
}

/// Reads so much of a file from this place on; nothing where it ends before.
pub(crate) fn piece(path: &Path, from: u64, length: u64) -> Result<Vec<u8>, PathError> {
    use std::io::Seek;
    let mut file = fs::File::open(path).with_path(path)?;
    file.seek(io::SeekFrom::Start(from)).with_path(path)?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).with_path(path)?;
    Ok(bytes)
}

/// Tells whether something is at a path, links followed.
pub fn exists(path: &Path) -> bool {
    fs::metadata(path).is_ok()
}

/// Tells whether a directory is at a path, links followed.
pub fn is_dir(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_dir())
}

/// Returns a path with all links followed; nothing when it does not exist or cannot be looked at.
pub fn real_path(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

/// Lists the names in a directory, at most `limit` of them, in no order. Empty when it does not exist.
pub fn names(dir: &Path, limit: usize) -> Result<Vec<std::ffi::OsString>, PathError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_path(dir),
    };
    entries
        .take(limit)
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<_>>()
        .with_path(dir)
}

/// Reads a regular file that has one name only, at most `limit` bytes of it. Links are not followed.
pub fn read_single(path: &Path, limit: u64) -> Result<Vec<u8>, PathError> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .with_path(path)?;
    let found = file.metadata().with_path(path)?;
    let refuse = |kind, problem: String| Err(io::Error::new(kind, problem)).with_path(path);
    if !found.is_file() {
        return refuse(io::ErrorKind::InvalidInput, "not a regular file".to_owned());
    }
    if found.nlink() > 1 {
        return refuse(
            io::ErrorKind::InvalidInput,
            "has further names (hard links), which may lie anywhere".to_owned(),
        );
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).with_path(path)?;
    if bytes.len() as u64 > limit {
        return refuse(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes"));
    }
    Ok(bytes)
}
