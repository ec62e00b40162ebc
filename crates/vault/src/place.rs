//! The directory that a vault or a backup lies in: drafts are made whole there, then get their names.

use crate::Cause;
use rustix::fd::OwnedFd;
use rustix::fs::{Access, AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const DRAFT: &str = ".keyshoal-draft-";

/// A file's directory, opened, and the file's name in it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    name: String,
    dir: PathBuf,
    handle: OwnedFd,
}

impl Place {
    /// Opens the directory of a file.
    pub(crate) fn of(path: &Path) -> Result<Self, Cause> {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or(Cause::NotPlain)?.to_owned();
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let handle = rustix::fs::openat(CWD, dir, OPEN, Mode::empty()).map_err(|error| match error {
            Errno::NOENT => Cause::NoDirectory(dir.to_owned()),
            Errno::NOTDIR => Cause::NotPlain,
            error => error.into(),
        })?;
        Ok(Self { path: dir.join(&name), name, dir: dir.to_owned(), handle })
    }

    /// Opens the directory of a file, and makes it first (0700; those above it as the system makes them) when it is not there.
    pub(crate) fn make(path: &Path) -> Result<Self, Cause> {
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            make_directory(dir, Mode::RWXU)?;
        }
        Self::of(path)
    }

    /// Tells whether both files lie in the same directory.
    pub(crate) fn is_beside(&self, other: &Self) -> Result<bool, Cause> {
        let (one, other) = (rustix::fs::fstat(&self.handle)?, rustix::fs::fstat(&other.handle)?);
        Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
    }

    /// Refuses where there is anything under this name, or under one that SQLite would take for a part of it.
    pub(crate) fn require_free(&self) -> Result<(), Cause> {
        if self.beside("")?.is_some() {
            return Err(Cause::Exists);
        }
        for ending in ["-wal", "-shm", "-journal"] {
            if self.beside(ending)?.is_some() {
                return Err(Cause::LeftBeside(format!("{}{ending}", self.path.display())));
            }
        }
        Ok(())
    }

    /// Looks at the file without opening it. `None` when it is not there.
    pub(crate) fn stat(&self) -> Result<Option<Stat>, Cause> {
        match rustix::fs::statat(&self.handle, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile => {
                Err(Cause::NotPlain)
            }
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks at a file beside the file. `None` when it is not there.
    pub(crate) fn beside(&self, ending: &str) -> Result<Option<Stat>, Cause> {
        let name = format!("{}{ending}", self.name);
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells whether the file system is mounted so that nothing can be written.
    pub(crate) fn is_read_only(&self) -> bool {
        rustix::fs::accessat(&self.handle, c".", Access::WRITE_OK, AtFlags::empty()) == Err(Errno::ROFS)
    }

    /// Tells whether the file system has no room left.
    pub(crate) fn is_full(&self) -> bool {
        rustix::fs::fstatvfs(&self.handle)
            .is_ok_and(|disk| disk.f_bavail == 0 || (disk.f_files > 0 && disk.f_favail == 0))
    }

    /// Refuses a file that others may touch, or that lies where others may put another one.
    pub(crate) fn require_private(&self, file: &Stat) -> Result<(), Cause> {
        let us = rustix::process::geteuid().as_raw();
        let directory = rustix::fs::fstat(&self.handle)?;
        let check = |what, stat: &Stat, mask: u32, want| {
            let mode = stat.st_mode & 0o7777;
            if stat.st_uid == us && mode & mask == 0 {
                return Ok(());
            }
            Err(Cause::Open { what, owner: stat.st_uid, mode, us, want })
        };
        check("it", file, 0o077, 0o600)?;
        check("its directory", &directory, 0o022, 0o700)
    }

    /// Makes an empty file (0600) under a name of its own.
    pub(crate) fn draft(&self) -> Result<Draft<'_>, Cause> {
        let name = format!("{DRAFT}{}", uuid::Uuid::new_v4().simple());
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.handle, &name, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(Draft { path: self.dir.join(&name), name, file: Some(file), place: self, settled: false })
    }

    /// Removes drafts that a crash has left. The caller holds the directory's lock, so none of them is being made.
    pub(crate) fn sweep(&self) -> Result<(), Cause> {
        for entry in rustix::fs::Dir::read_from(&self.handle)? {
            let entry = entry?;
            if entry.file_name().to_bytes().starts_with(DRAFT.as_bytes()) {
                match rustix::fs::unlinkat(&self.handle, entry.file_name(), AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Keeps everybody else who asks for this out until the guard is dropped. A crash ends it, too.
    pub(crate) fn exclusive(&self) -> Result<OwnedFd, Cause> {
        let handle = rustix::fs::openat(&self.handle, c".", OPEN, Mode::empty())?;
        loop {
            match rustix::fs::flock(&handle, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(handle),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Has the directory alone for a new file of this name, until the guard is dropped: refused where there is one, drafts of the dead swept.
    pub(crate) fn claim(&self) -> Result<OwnedFd, Cause> {
        let guard = self.exclusive()?;
        self.require_free()?;
        self.sweep()?;
        Ok(guard)
    }

    /// Opens the lock file beside the file, and tells whether the lock is ours: else somebody else has it. A crash ends it, too.
    pub(crate) fn try_lock(&self, ending: &str) -> Result<(OwnedFd, bool), Cause> {
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let name = format!("{}{ending}", self.name);
        let file = rustix::fs::openat(&self.handle, &name, flags, Mode::RUSR | Mode::WUSR)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok((file, true)),
            Err(Errno::WOULDBLOCK) => Ok((file, false)),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the lock file beside the file where somebody has the lock. It is not made here, and the lock is nobody's afterwards.
    pub(crate) fn locked_by_another(&self, ending: &str) -> Result<Option<OwnedFd>, Cause> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let name = format!("{}{ending}", self.name);
        match rustix::fs::openat(&self.handle, &name, flags, Mode::empty()) {
            Ok(file) if is_shared(&file)? => Ok(None),
            Ok(file) => Ok(Some(file)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells whether a lock file is still under its name: a lock on one that is not keeps nobody out.
    pub(crate) fn is_still_there(&self, ending: &str, file: &OwnedFd) -> Result<bool, Cause> {
        let own = rustix::fs::fstat(file)?;
        let name = format!("{}{ending}", self.name);
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) => Ok((there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a lock file beside the file.
    pub(crate) fn remove_beside(&self, ending: &str) -> Result<(), Cause> {
        Ok(rustix::fs::unlinkat(&self.handle, format!("{}{ending}", self.name), AtFlags::empty())?)
    }

    /// Opens the file for reading. Never to be used on a vault: closing it would drop SQLite's locks on that.
    pub(crate) fn read(&self) -> Result<std::fs::File, Cause> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.handle, &self.name, flags, Mode::empty())?.into())
    }
}

/// Tells whether nobody has a lock file for himself: whoever only asks for this shares it for a moment.
pub(crate) fn is_shared(file: &OwnedFd) -> Result<bool, Cause> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A file that is made under a name of its own. Unless it gets its real name it is removed.
pub(crate) struct Draft<'a> {
    pub(crate) path: PathBuf,
    name: String,
    file: Option<OwnedFd>,
    place: &'a Place,
    settled: bool,
}

impl Draft<'_> {
    /// Takes the open file, to write it. Who opens the draft through SQLite instead lets go of it first.
    pub(crate) fn file(&mut self) -> Option<std::fs::File> {
        self.file.take().map(Into::into)
    }

    /// Opens the draft for reading, after something else has written it.
    pub(crate) fn reopen(&self) -> Result<std::fs::File, Cause> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.place.handle, &self.name, flags, Mode::empty())?.into())
    }

    /// Makes what was written durable and gives the draft its name, which must not be taken.
    pub(crate) fn settle(mut self) -> Result<(), Cause> {
        self.file = None;
        let dir = &self.place.handle;
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(dir, &self.name, flags, Mode::empty())?;
        rustix::fs::fsync(&file)?;
        drop(file);
        let renamed =
            rustix::fs::renameat_with(dir, &self.name, dir, &self.place.name, RenameFlags::NOREPLACE);
        match renamed {
            Ok(()) => self.settled = true,
            Err(Errno::EXIST) => return Err(Cause::Exists),
            Err(Errno::INVAL | Errno::NOSYS) => {
                // A file system that cannot do both at once: a second name is refused where one is.
                match rustix::fs::linkat(dir, &self.name, dir, &self.place.name, AtFlags::empty()) {
                    Ok(()) => {}
                    Err(Errno::EXIST) => return Err(Cause::Exists),
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        }
        rustix::fs::fsync(dir)?;
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        // One that cannot be removed is swept away next time.
        for ending in ["", "-wal", "-shm", "-journal"] {
            let _ =
                rustix::fs::unlinkat(&self.place.handle, format!("{}{ending}", self.name), AtFlags::empty());
        }
    }
}

/// Makes a directory, and those above it that are not there. Each survives a power cut.
fn make_directory(dir: &Path, mode: Mode) -> Result<(), Cause> {
    let parent = dir.parent().map(|up| if up.as_os_str().is_empty() { Path::new(".") } else { up });
    let made = match (rustix::fs::mkdirat(CWD, dir, mode), parent) {
        (Err(Errno::NOENT), Some(parent)) => {
            make_directory(parent, Mode::from_raw_mode(0o777))?;
            rustix::fs::mkdirat(CWD, dir, mode)
        }
        (made, _) => made,
    };
    match made {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let parent = rustix::fs::openat(CWD, parent.unwrap_or(Path::new(".")), OPEN, Mode::empty())?;
    Ok(rustix::fs::fsync(parent)?)
}
