//! The only room of this crate that touches files: walking what may come along, reading it, and putting it down in a draft.

#![expect(clippy::disallowed_methods, reason = "this is the room that touches files")]

use crate::manifest::Part;
use keyshoal_core::AgentId;
use keyshoal_openclaw::PathError;
use keyshoal_openclaw::files::WithPath;
use rustix::fs::{FlockOperation, OFlags};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// How the names of drafts begin.
const DRAFT: &str = ".keyshoal-import-";

/// A directory of ours for the files of a payload. It goes away with everything in it unless it is kept. While its process lives it is
/// locked: what is not was left by one that died.
#[derive(Debug)]
pub struct Draft(tempfile::TempDir, #[expect(dead_code, reason = "holds the lock")] File);

impl Draft {
    /// Makes one in a directory, for its owner alone; the directory is made as well where it is not there.
    pub fn new(parent: &Path) -> Result<Self, PathError> {
        let make = || {
            let _guard = made_and_locked(parent)?;
            let made = tempfile::Builder::new()
                .prefix(DRAFT)
                .permissions(fs::Permissions::from_mode(0o700))
                .tempdir_in(parent)?;
            let lock = locked(made.path())?;
            Ok(Self(made, lock))
        };
        make().with_path(parent)
    }

    /// Removes the drafts in a directory whose processes died, and the directory where nothing else is in it.
    pub fn clear(parent: &Path) -> Result<(), PathError> {
        let clear = || {
            // Nobody is between making one and locking it meanwhile, or between finding the directory and making one in it.
            let _guard = locked(parent)?;
            for entry in fs::read_dir(parent)? {
                let entry = entry?;
                let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(DRAFT));
                if ours && entry.file_type()?.is_dir() {
                    let draft = File::open(entry.path())?;
                    match rustix::fs::flock(&draft, FlockOperation::NonBlockingLockExclusive) {
                        Ok(()) => fs::remove_dir_all(entry.path())?,
                        Err(rustix::io::Errno::WOULDBLOCK) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            fs::remove_dir(parent)
        };
        match clear() {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
                Ok(())
            }
            done => done.with_path(parent),
        }
    }

    /// Returns where it is. An agent's files are in `<agent>/<part>/`.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Lets it stay, and returns where it is.
    pub fn keep(self) -> PathBuf {
        self.0.keep()
    }

    /// Creates a file of the payload. Neither it nor anything above it is ever a link: all was made by us, and nothing of it existed.
    pub(crate) fn create(
        &self,
        agent: &AgentId,
        part: Part,
        path: &str,
        mode: u32,
    ) -> Result<(File, PathBuf), PathError> {
        let at = self.path().join(agent.as_str()).join(part.as_str()).join(path);
        if let Some(dir) = at.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).with_path(dir)?;
        }
        let file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode & 0o700)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&at)
            .with_path(&at)?;
        Ok((file, at))
    }
}

/// Opens a regular file to read it; a link is refused, and a pipe does not hold us up.
pub(crate) fn open(path: &Path) -> Result<(File, u64), PathError> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path).with_path(path)?;
    let meta = file.metadata().with_path(path)?;
    if !meta.is_file() {
        return Err(io::Error::other("it is no regular file")).with_path(path);
    }
    Ok((file, meta.len()))
}

/// Opens a directory and locks it; a crash ends that, too.
/// Makes a directory where it is not there, and locks it: the one that has the name then, whoever removes an empty one meanwhile.
fn made_and_locked(dir: &Path) -> io::Result<File> {
    loop {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let held = match locked(dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            held => held?,
        };
        let named = fs::metadata(dir).map(|named| named.ino());
        if named.is_ok_and(|named| held.metadata().is_ok_and(|held| held.ino() == named)) {
            return Ok(held);
        }
    }
}

fn locked(dir: &Path) -> io::Result<File> {
    let dir = File::open(dir)?;
    rustix::fs::flock(&dir, FlockOperation::LockExclusive)?;
    Ok(dir)
}

/// A regular file below a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its path below the directory.
    pub path: String,
    /// Where it is.
    pub at: PathBuf,
    /// What its owner may do.
    pub mode: u32,
    /// Its length.
    pub size: u64,
}

/// What is below a directory.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// Regular files, in the order of their paths.
    pub files: Vec<Found>,
    /// What is not taken: path and reason.
    pub skipped: Vec<(String, &'static str)>,
    /// Bytes of everything, also of what is not taken.
    pub bytes: u64,
    /// Files, also those that are not taken.
    pub count: u64,
}

/// Walks a directory without following links or leaving its file system. Empty when it does not exist.
///
/// `avoid` is left out with all that is below it, and so is anything called `.keyshoal`.
pub(crate) fn walk(root: &Path, avoid: &[PathBuf], most: usize) -> Result<Walked, PathError> {
    let mut walked = Walked::default();
    let Ok(top) = fs::metadata(root) else { return Ok(walked) };
    if !top.is_dir() {
        walked.skipped.push((".".to_owned(), "it is no directory"));
        return Ok(walked);
    }
    let mut open = vec![(root.to_owned(), String::new())];
    while let Some((dir, below)) = open.pop() {
        for entry in fs::read_dir(&dir).with_path(&dir)? {
            let entry = entry.with_path(&dir)?;
            let at = entry.path();
            let meta = match fs::symlink_metadata(&at) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                meta => meta.with_path(&at)?,
            };
            let named = entry.file_name();
            let path = format!("{below}{}", named.to_string_lossy());
            if named.to_str().is_none() {
                walked.skipped.push((path, "its name is no UTF-8"));
                continue;
            }
            if named == ".keyshoal" || avoid.contains(&at) {
                continue;
            }
            if meta.is_dir() {
                match meta.dev() == top.dev() {
                    true => open.push((at, format!("{path}/"))),
                    false => walked.skipped.push((path, "another file system is mounted there")),
                }
                continue;
            }
            walked.count += 1;
            walked.bytes = walked.bytes.saturating_add(meta.len());
            match refused(&meta, &path) {
                Some(why) => walked.skipped.push((path, why)),
                None if walked.files.len() == most => {
                    return Err(io::Error::other(format!("holds more than {most} files"))).with_path(root);
                }
                None => {
                    let mode = meta.permissions().mode() & 0o700;
                    walked.files.push(Found { path, at, mode, size: meta.len() });
                }
            }
        }
    }
    walked.files.sort_by(|one, other| one.path.cmp(&other.path));
    walked.skipped.sort();
    Ok(walked)
}

fn refused(meta: &fs::Metadata, path: &str) -> Option<&'static str> {
    if meta.is_symlink() {
        return Some("it is a link");
    }
    if !meta.is_file() {
        return Some("it is a device, a pipe or a socket");
    }
    let database = [".sqlite", ".sqlite-wal", ".sqlite-shm", ".sqlite-journal"];
    if database.iter().any(|ending| path.ends_with(ending)) {
        return Some("it is a database, which cannot be copied while a program may have it open");
    }
    crate::paths::check(path).err()
}

/// Returns the length of a file; nothing where there is none.
pub(crate) fn size(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|meta| meta.len())
}

/// Returns where a link leads, which may be nowhere; nothing where there is no link.
pub(crate) fn link(path: &Path) -> Option<Option<PathBuf>> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
    is_link.then(|| fs::canonicalize(path).ok())
}

/// Returns a path with all links followed, or as it is where that cannot be told.
pub(crate) fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
