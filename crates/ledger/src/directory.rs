//! The directory `.keyshoal` in a state directory. Every file in it belongs to whoever owns the state directory.

use crate::LedgerError;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, RenameFlags, Stat, StatxFlags};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// Its name.
pub(crate) const NAME: &str = ".keyshoal";
const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The directory, opened and checked.
pub(crate) struct Directory {
    /// The state directory's canonical path.
    pub(crate) state: PathBuf,
    /// Its own path.
    pub(crate) path: PathBuf,
    handle: OwnedFd,
    owner: (u32, u32),
}

/// What tells one directory from another, even from a copy of it at the same path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// When the inode was made, in nanoseconds since 1970. No copy or restore keeps it.
    pub(crate) born: Option<i64>,
}

impl Place {
    /// Tells whether both are the same directory on disk, perhaps under two paths.
    ///
    /// Device numbers may change with a reboot (btrfs, device mapper, network), so they count only where nothing better is known.
    pub(crate) fn is_same_directory(&self, other: &Self) -> bool {
        self.inode == other.inode
            && match (self.born, other.born) {
                (Some(one), Some(other)) => one == other,
                _ => self.device == other.device || self.path == other.path,
            }
    }
}

impl Directory {
    /// Opens the directory of a state directory. `None` when it is not there.
    pub(crate) fn open(state_dir: &Path) -> Result<Option<Self>, LedgerError> {
        let state = canonical(state_dir)?;
        let stat = rustix::fs::stat(&state).map_err(|error| LedgerError::io(&state, error))?;
        let path = state.join(NAME);
        let handle = match rustix::fs::openat(CWD, &path, OPEN, Mode::empty()) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => return Err(not_plain(&path)),
            Err(error) => return Err(LedgerError::io(&path, error)),
        };
        let own = rustix::fs::fstat(&handle).map_err(|error| LedgerError::io(&path, error))?;
        let us = rustix::process::geteuid().as_raw();
        if own.st_uid != stat.st_uid && own.st_uid != us {
            return Err(LedgerError::OtherOwner { path, owner: own.st_uid, state_owner: stat.st_uid, us });
        }
        Ok(Some(Self { state, path, handle, owner: (stat.st_uid, stat.st_gid) }))
    }

    /// Opens the directory and makes it first when it is not there: mode 0700, owned like the state directory.
    pub(crate) fn open_or_create(state_dir: &Path) -> Result<Self, LedgerError> {
        if let Some(found) = Self::open(state_dir)? {
            found.tighten()?;
            return Ok(found);
        }
        let state = canonical(state_dir)?;
        let path = state.join(NAME);
        match rustix::fs::mkdirat(CWD, &path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(LedgerError::io(&path, error)),
        }
        sync(&state)?;
        let made = Self::open(&state)?.ok_or_else(|| LedgerError::io(&path, Errno::NOENT))?;
        made.hand_over(&made.handle, &path)?;
        made.tighten()?;
        Ok(made)
    }

    /// Takes away what others could do, where the directory is ours.
    fn tighten(&self) -> Result<(), LedgerError> {
        let stat = rustix::fs::fstat(&self.handle).map_err(|error| LedgerError::io(&self.path, error))?;
        if stat.st_mode & 0o7777 == 0o700 {
            return Ok(());
        }
        rustix::fs::fchmod(&self.handle, Mode::RWXU).map_err(|error| LedgerError::io(&self.path, error))
    }

    /// Gives a file that root has just made to the owner of the state directory.
    pub(crate) fn hand_over(&self, file: &OwnedFd, path: &Path) -> Result<(), LedgerError> {
        let stat = rustix::fs::fstat(file).map_err(|error| LedgerError::io(path, error))?;
        if (stat.st_uid, stat.st_gid) == self.owner || !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let (user, group) =
            (rustix::fs::Uid::from_raw(self.owner.0), rustix::fs::Gid::from_raw(self.owner.1));
        rustix::fs::fchown(file, Some(user), Some(group)).map_err(|error| LedgerError::io(path, error))
    }

    /// Says which directory on disk this is.
    pub(crate) fn place(&self) -> Result<Place, LedgerError> {
        let flags = AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW;
        let wanted = StatxFlags::INO | StatxFlags::BTIME;
        let stat = rustix::fs::fstat(&self.handle).map_err(|error| LedgerError::io(&self.path, error))?;
        // An old kernel, or a sandbox, may not have statx: then there is no time of birth.
        let born = rustix::fs::statx(&self.handle, c"", flags, wanted).ok().and_then(|more| {
            let said = StatxFlags::from_bits_retain(more.stx_mask).contains(StatxFlags::BTIME)
                && more.stx_btime.tv_sec != 0;
            let nanos = i64::from(more.stx_btime.tv_nsec);
            said.then(|| more.stx_btime.tv_sec.checked_mul(1_000_000_000)?.checked_add(nanos)).flatten()
        });
        Ok(Place { path: self.state.clone(), device: stat.st_dev, inode: stat.st_ino, born })
    }

    /// Looks at a file of the directory without opening it. `None` when it is not there.
    pub(crate) fn stat(&self, name: &str) -> Result<Option<Stat>, LedgerError> {
        let path = self.path.join(name);
        let stat = match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(LedgerError::io(&path, error)),
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(not_plain(&path));
        }
        Ok(Some(stat))
    }

    /// Sets a file's mode to 0600 where it is wider.
    pub(crate) fn tighten_file(&self, name: &str, stat: &Stat) -> Result<(), LedgerError> {
        if stat.st_mode & 0o077 == 0 {
            return Ok(());
        }
        rustix::fs::chmodat(&self.handle, name, Mode::RUSR | Mode::WUSR, AtFlags::empty())
            .map_err(|error| LedgerError::io(&self.path.join(name), error))
    }

    /// Opens a file that is read and written by this crate itself, and makes it (0600) when it is not there.
    pub(crate) fn open_file(&self, name: &str, flags: OFlags) -> Result<OwnedFd, LedgerError> {
        let path = self.path.join(name);
        let flags = flags | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file =
            rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR).map_err(|error| {
                match error {
                    Errno::LOOP | Errno::ISDIR => not_plain(&path),
                    error => LedgerError::io(&path, error),
                }
            })?;
        if flags.contains(OFlags::CREATE) {
            self.hand_over(&file, &path)?;
        }
        Ok(file)
    }

    /// Makes a file durable that no database connection has open.
    pub(crate) fn sync_file(&self, name: &str) -> Result<(), LedgerError> {
        let file = self.open_file(name, OFlags::empty())?;
        rustix::fs::fsync(file).map_err(|error| LedgerError::io(&self.path.join(name), error))
    }

    /// Renames a file of the directory to a name that must not be taken, durably.
    pub(crate) fn settle(&self, from: &str, to: &str) -> Result<(), LedgerError> {
        let path = self.path.join(to);
        let renamed =
            match rustix::fs::renameat_with(&self.handle, from, &self.handle, to, RenameFlags::NOREPLACE) {
                // The caller holds the directory's lock and has looked: nothing can be there.
                Err(Errno::INVAL | Errno::NOSYS) => {
                    rustix::fs::renameat(&self.handle, from, &self.handle, to)
                }
                other => other,
            };
        renamed.map_err(|error| LedgerError::io(&path, error))?;
        rustix::fs::fsync(&self.handle).map_err(|error| LedgerError::io(&self.path, error))
    }

    /// Removes files that a crash has left, by the beginning of their names.
    pub(crate) fn sweep(&self, prefix: &str) -> Result<(), LedgerError> {
        let entries =
            rustix::fs::Dir::read_from(&self.handle).map_err(|error| LedgerError::io(&self.path, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| LedgerError::io(&self.path, error))?;
            if entry.file_name().to_bytes().starts_with(prefix.as_bytes()) {
                match rustix::fs::unlinkat(&self.handle, entry.file_name(), AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(error) => return Err(LedgerError::io(&self.path, error)),
                }
            }
        }
        Ok(())
    }

    /// Keeps every other process (and thread) that asks for this out until the guard is dropped. A crash ends it, too.
    pub(crate) fn exclusive(&self) -> Result<OwnedFd, LedgerError> {
        let handle = rustix::fs::openat(&self.handle, c".", OPEN, Mode::empty())
            .map_err(|error| LedgerError::io(&self.path, error))?;
        loop {
            match rustix::fs::flock(&handle, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(handle),
                Err(Errno::INTR) => {}
                Err(error) => return Err(LedgerError::io(&self.path, error)),
            }
        }
    }
}

fn canonical(state_dir: &Path) -> Result<PathBuf, LedgerError> {
    std::fs::canonicalize(state_dir).map_err(|error| LedgerError::io(state_dir, error))
}

fn sync(dir: &Path) -> Result<(), LedgerError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let handle =
        rustix::fs::openat(CWD, dir, flags, Mode::empty()).map_err(|error| LedgerError::io(dir, error))?;
    rustix::fs::fsync(handle).map_err(|error| LedgerError::io(dir, error))
}

fn not_plain(path: &Path) -> LedgerError {
    let found = match std::fs::symlink_metadata(path).map(|meta| meta.file_type()) {
        Ok(kind) if kind.is_symlink() => "a symbolic link",
        Ok(kind) if kind.is_file() => "a file",
        Ok(kind) if kind.is_dir() => "a directory",
        _ => "no plain file or directory",
    };
    LedgerError::NotPlain { path: path.to_owned(), found }
}
