//! What stands where: names, real paths, mounts, and the small things done to them.

use super::{PathError, WithPath};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Returns the wall clock, by which other programs' lock files and marks are judged.
pub(crate) fn wall_clock() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

/// Returns the real path of something that exists, `None` when it does not.
pub(crate) fn resolved(path: &Path) -> Result<Option<PathBuf>, PathError> {
    absent(fs::canonicalize(path)).with_path(path)
}

/// Turns "not found" into `None`.
pub(crate) fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns what the system knows of a path, following links. `None` when it does not exist.
pub(crate) fn metadata(path: &Path) -> Result<Option<fs::Metadata>, PathError> {
    absent(fs::metadata(path)).with_path(path)
}

/// Returns whose a path is, following links. `None` when it does not exist or cannot be looked at.
pub(crate) fn owner(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    metadata(path).ok().flatten().map(|meta| meta.uid())
}

/// Refuses a path with which this process may not do these things.
pub(crate) fn may(path: &Path, what: rustix::fs::Access) -> Result<(), PathError> {
    use rustix::fs::{AtFlags, CWD, accessat};
    accessat(CWD, path, what, AtFlags::EACCESS).map_err(io::Error::from).with_path(path)
}

/// Returns why a file is not to be written, if so. One that nobody may write was made so on purpose, and that binds root, and whoever
/// could put another file in its place, as well.
pub(crate) fn made_read_only(meta: &fs::Metadata) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = meta.permissions().mode() & 0o7777;
    (mode & 0o222 == 0)
        .then(|| format!("its mode {mode:04o} lets nobody write it; run chmod u+w on it to allow that"))
}

/// Returns why a file that has further names is not to be written, if so.
pub(crate) fn further_names(meta: &fs::Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let names = meta.nlink();
    (names > 1).then(|| {
        format!(
            "it has {names} names (hard links), of which a new file would get one only; give every agent a file of its own, or make \
             the other names symbolic links to it"
        )
    })
}

/// Tells whether a path is a link.
pub(crate) fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink())
}

/// Returns the names in a directory, `None` when it does not exist. Names that are no UTF-8 are left out.
pub(crate) fn listing(dir: &Path) -> Result<Option<Vec<String>>, PathError> {
    let Some(entries) = absent(fs::read_dir(dir)).with_path(dir)? else { return Ok(None) };
    let mut names = Vec::new();
    for entry in entries {
        if let Ok(name) = entry.with_path(dir)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort();
    Ok(Some(names))
}

/// Makes a directory and its parents, for its owner alone, where they are missing.
pub(crate) fn make_private_dir(dir: &Path) -> Result<(), PathError> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).with_path(dir)
}

/// Creates a file that must not exist yet, for its owner alone.
pub(crate) fn create_new(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Creates a file that must not exist yet, for its owner alone, and that nobody ever sees without `bytes`: a process that is killed
/// in between leaves nothing. Where the file system has no nameless files, it is created first and written then.
pub(crate) fn create_whole(path: &Path, bytes: &[u8]) -> io::Result<fs::File> {
    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat};
    use std::io::Write;
    use std::os::fd::AsRawFd;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let nameless =
        openat(CWD, dir, OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR);
    if let Ok(file) = nameless.map(fs::File::from) {
        (&file).write_all(bytes)?;
        let name = format!("/proc/self/fd/{}", file.as_raw_fd());
        match linkat(CWD, name, CWD, path, AtFlags::SYMLINK_FOLLOW) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::EXIST) => return Err(io::ErrorKind::AlreadyExists.into()),
            // No /proc, or no hard links here.
            Err(_) => {}
        }
    }
    let mut file = create_new(path)?;
    if let Err(error) = file.write_all(bytes) {
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(file)
}

/// Removes a file. Fine when it is gone already.
pub(crate) fn remove(path: &Path) -> Result<(), PathError> {
    absent(fs::remove_file(path)).with_path(path).map(drop)
}

/// Makes the entries of a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), PathError> {
    fs::File::open(dir).and_then(|dir| dir.sync_all()).with_path(dir)
}

/// Tells whether a file is mounted by itself, apart from its directory: it can then not be replaced, only overwritten.
pub(crate) fn mounted_alone(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    let mount = |path: &Path| {
        let found = statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID).ok()?;
        (found.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(found.stx_mnt_id)
    };
    match (mount(path), path.parent().and_then(mount)) {
        (Some(file), Some(dir)) => file != dir,
        _ => false,
    }
}
