//! Key files in a directory of the user's own: made once, never overwritten, refused when others could touch them.

use super::{KeyError, KeyFile, text};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawMode};
use rustix::io::Errno;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);
const CREATE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Reads the key `name` from `<dir>/<name>.key`, and makes it first when it is not there.
///
/// The directory is made with mode 0700, its parents as the system makes them. The file is written whole under another name
/// (0600, fsynced), then linked to its own: two processes that start at once get the same key, and a crash leaves none or a
/// whole one. An existing file is never written. Refused: symbolic links, another owner than the effective user, a file that
/// others may read, a directory that others may write.
pub fn load_or_create(dir: &Path, name: &str) -> Result<KeyFile, KeyError> {
    let file = file_name(name)?;
    make_directory(dir)?;
    let handle = open_directory(dir)?;
    let path = dir.join(&file);
    if let Some(key) = read(&handle, &file, &path)? {
        return Ok(key);
    }
    create(&handle, name, &file, &path)?;
    // Read it back in any case: when another process was faster, its key is the key.
    read(&handle, &file, &path)?.ok_or_else(|| io_error(&path, Errno::NOENT))
}

/// Reads the key `name` from `<dir>/<name>.key`. `None` when it, or the directory, is not there.
pub fn load(dir: &Path, name: &str) -> Result<Option<KeyFile>, KeyError> {
    let file = file_name(name)?;
    match open_directory(dir) {
        Ok(handle) => read(&handle, &file, &dir.join(&file)),
        Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the key from a file wherever it is, by the same rules as [`load`]. `None` when it is not there.
pub fn load_at(path: &Path) -> Result<Option<KeyFile>, KeyError> {
    let (dir, file) = apart(path)?;
    match open_directory(dir) {
        Ok(handle) => read(&handle, file, path),
        Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the key from a file wherever it is, and makes it first when it is not there, as [`load_or_create`] does.
pub fn load_or_create_at(path: &Path, name: &str) -> Result<KeyFile, KeyError> {
    let (dir, file) = apart(path)?;
    make_directory(dir)?;
    let handle = open_directory(dir)?;
    if let Some(key) = read(&handle, file, path)? {
        return Ok(key);
    }
    create(&handle, name, file, path)?;
    read(&handle, file, path)?.ok_or_else(|| io_error(path, Errno::NOENT))
}

fn apart(path: &Path) -> Result<(&Path, &str), KeyError> {
    let bad = || KeyError::BadName { name: path.display().to_string() };
    let file = path.file_name().and_then(|name| name.to_str()).ok_or_else(bad)?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((dir, file))
}

pub(super) fn file_name(name: &str) -> Result<String, KeyError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > 100 || !name.bytes().all(plain) {
        return Err(KeyError::BadName { name: name.to_owned() });
    }
    Ok(format!("{name}.key"))
}

fn make_directory(dir: &Path) -> Result<(), KeyError> {
    make_durably(dir, Mode::RWXU)
}

/// Makes a directory, and those above it that are not there as the system makes them. Each survives a power cut: a key that went
/// away with a directory above it would leave behind what it has sealed.
fn make_durably(dir: &Path, mode: Mode) -> Result<(), KeyError> {
    let made = match rustix::fs::mkdirat(CWD, dir, mode) {
        Err(Errno::NOENT) => {
            let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
            make_durably(parent.ok_or_else(|| io_error(dir, Errno::NOENT))?, Mode::from_raw_mode(0o777))?;
            rustix::fs::mkdirat(CWD, dir, mode)
        }
        made => made,
    };
    match made {
        Ok(()) => sync_parent(dir),
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(io_error(dir, error)),
    }
}

fn sync_parent(dir: &Path) -> Result<(), KeyError> {
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // The parent may be a symbolic link (a home directory, `~/.config`): it is only synced.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let handle =
        rustix::fs::openat(CWD, parent, flags, Mode::empty()).map_err(|error| io_error(parent, error))?;
    rustix::fs::fsync(handle).map_err(|error| io_error(parent, error))
}

fn open_directory(dir: &Path) -> Result<OwnedFd, KeyError> {
    let handle = rustix::fs::openat(CWD, dir, DIRECTORY, Mode::empty()).map_err(|error| match error {
        Errno::LOOP | Errno::NOTDIR => not_plain(dir),
        error => io_error(dir, error),
    })?;
    let stat = rustix::fs::fstat(&handle).map_err(|error| io_error(dir, error))?;
    check_owner(dir, stat.st_uid)?;
    check_mode(dir, stat.st_mode, 0o022, "change", 0o700)?;
    Ok(handle)
}

fn not_plain(path: &Path) -> KeyError {
    let found = match std::fs::symlink_metadata(path).map(|meta| meta.file_type()) {
        Ok(kind) if kind.is_symlink() => "a symbolic link",
        Ok(kind) if kind.is_file() => "a file",
        Ok(kind) if kind.is_dir() => "a directory",
        _ => "something else",
    };
    KeyError::NotPlain { path: path.to_owned(), found }
}

fn check_owner(path: &Path, owner: u32) -> Result<(), KeyError> {
    let us = rustix::process::geteuid().as_raw();
    if owner == us { Ok(()) } else { Err(KeyError::OtherOwner { path: path.to_owned(), owner, us }) }
}

pub(super) fn check_mode(
    path: &Path,
    mode: RawMode,
    mask: u32,
    may: &'static str,
    want: u32,
) -> Result<(), KeyError> {
    let mode = mode & 0o7777;
    if mode & mask == 0 {
        return Ok(());
    }
    Err(KeyError::TooOpen { path: path.to_owned(), mode, may, want })
}

fn read(dir: &OwnedFd, file: &str, path: &Path) -> Result<Option<KeyFile>, KeyError> {
    let Some((handle, stat)) = open_file(dir, file, path)? else { return Ok(None) };
    check_owner(path, stat.st_uid)?;
    check_mode(path, stat.st_mode, 0o077, "read", 0o600)?;
    let bytes = read_all(handle, path)?;
    let key = text::read(&bytes).map_err(|why| KeyError::Malformed { path: path.to_owned(), why })?;
    Ok(Some(KeyFile::from_bytes(*key).at(path)))
}

/// Opens a plain file of a directory, following no link. `None` when it is not there.
pub(super) fn open_file(
    dir: impl AsFd,
    file: &str,
    path: &Path,
) -> Result<Option<(OwnedFd, rustix::fs::Stat)>, KeyError> {
    let handle = match rustix::fs::openat(dir, file, READ, Mode::empty()) {
        Ok(handle) => handle,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(not_plain(path)),
        Err(error) => return Err(io_error(path, error)),
    };
    let stat = rustix::fs::fstat(&handle).map_err(|error| io_error(path, error))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(not_plain(path));
    }
    Ok(Some((handle, stat)))
}

/// Reads at most what a key file may hold, into memory that is wiped.
pub(super) fn read_all(handle: OwnedFd, path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text::LIMIT + 1));
    std::fs::File::from(handle)
        .take(text::LIMIT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| KeyError::Io { path: path.to_owned(), source })?;
    if bytes.len() > text::LIMIT {
        return Err(KeyError::Malformed { path: path.to_owned(), why: "it is far too long" });
    }
    Ok(bytes)
}

fn create(dir: &OwnedFd, name: &str, file: &str, path: &Path) -> Result<(), KeyError> {
    let key = KeyFile::ephemeral()?;
    let text = text::write(name, key.bytes());
    let mut suffix = [0; 8];
    getrandom::fill(&mut suffix).map_err(|error| KeyError::Random(error.to_string()))?;
    let draft = format!(".{file}.{:016x}", u64::from_le_bytes(suffix));
    let made = write_whole(dir, &draft, text.as_bytes(), path).and_then(|()| {
        match rustix::fs::linkat(dir, &draft, dir, file, AtFlags::empty()) {
            // Another process was faster.
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            // A file system without hard links: then by exclusive creation, where a crash may leave a cut file, which is refused.
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => {
                match write_whole(dir, file, text.as_bytes(), path) {
                    Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                        Ok(())
                    }
                    other => other,
                }
            }
            Err(error) => Err(io_error(path, error)),
        }
    });
    let removed = rustix::fs::unlinkat(dir, &draft, AtFlags::empty());
    made?;
    removed.map_err(|error| io_error(path, error))?;
    rustix::fs::fsync(dir).map_err(|error| io_error(path, error))
}

fn write_whole(dir: &OwnedFd, file: &str, bytes: &[u8], path: &Path) -> Result<(), KeyError> {
    let handle = rustix::fs::openat(dir, file, CREATE, Mode::RUSR | Mode::WUSR)
        .map_err(|error| io_error(path, error))?;
    // The umask may only have taken bits away; nothing has to be given back but what the owner needs.
    rustix::fs::fchmod(&handle, Mode::RUSR | Mode::WUSR).map_err(|error| io_error(path, error))?;
    let mut out = std::fs::File::from(handle);
    out.write_all(bytes)
        .and_then(|()| out.sync_all())
        .map_err(|source| KeyError::Io { path: path.to_owned(), source })
}

pub(super) fn io_error(path: &Path, error: Errno) -> KeyError {
    KeyError::Io { path: PathBuf::from(path), source: error.into() }
}
