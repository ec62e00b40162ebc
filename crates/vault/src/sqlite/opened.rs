//! An open vault file, which on a disk that takes nothing is read as a file that nobody changes.

use super::{READING, configure};
use crate::place::Place;
use crate::{Cause, schema};
use rusqlite::{Connection, ffi};
use rustix::fs::Stat;
use std::ops::{Deref, DerefMut};
use std::path::Path;

/// An open file, and why nothing of it can be written, if so.
pub(super) struct Opened {
    connection: Connection,
    frozen: Option<Frozen>,
    /// Which file it is; `None`: a draft, or in memory.
    pub(super) file: Option<File>,
}

/// A file's device and inode. As long as it is open, no other one gets them.
pub(super) type File = (u64, u64);

/// Why nothing can be written.
enum Frozen {
    /// The disk is mounted so.
    Mounted,
    /// It has no room left for what SQLite makes beside the file, which was this when it was opened. There may be room again at any time.
    Full(Stat),
}

impl Opened {
    /// Of a connection that writes.
    pub(super) fn to_write(connection: Connection) -> Self {
        Self { connection, frozen: None, file: None }
    }

    /// Says which file it is of.
    pub(super) fn of(mut self, stat: &Stat) -> Self {
        self.file = Some((stat.st_dev, stat.st_ino));
        self
    }

    /// Opens a file on a disk that is mounted read-only.
    pub(super) fn on_read_only_disk(place: &Place) -> Result<Self, Cause> {
        if has_log(place)? {
            return Err(Cause::ReadOnlyLog(format!("{}-wal", place.path.display())));
        }
        match immutable(place)? {
            (_, known) if known < schema::KNOWN => Err(Cause::ReadOnly),
            (connection, _) => Ok(Self { connection, frozen: Some(Frozen::Mounted), file: None }),
        }
    }

    /// Opens a file on a disk that has no room left. `None` where it is not whole by itself, or was not taken up to now.
    pub(super) fn on_full_disk(place: &Place) -> Result<Option<Self>, Cause> {
        let Some(stat) = place.stat()?.filter(|_| place.is_full()) else { return Ok(None) };
        if has_log(place)? {
            return Ok(None);
        }
        let (connection, known) = immutable(place)?;
        let frozen = Some(Frozen::Full(stat));
        Ok((known == schema::KNOWN).then_some(Self { connection, frozen, file: None }))
    }

    /// Refuses to write what can only be read.
    pub(super) fn require_writable(&self) -> Result<(), Cause> {
        match &self.frozen {
            None => Ok(()),
            Some(Frozen::Mounted) => Err(Cause::ReadOnly),
            Some(Frozen::Full(_)) => {
                Err(Cause::NoRoom(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None)))
            }
        }
    }

    /// Tells whether somebody has changed a file that is read as one that nobody changes, because there was room meanwhile.
    pub(super) fn was_changed(&self, path: &Path) -> Result<bool, Cause> {
        let Some(Frozen::Full(then)) = &self.frozen else { return Ok(false) };
        let place = Place::of(path)?;
        let version = |stat: &Stat| {
            (stat.st_ino, stat.st_size, stat.st_mtime, stat.st_mtime_nsec, stat.st_ctime, stat.st_ctime_nsec)
        };
        let same = place.stat()?.is_some_and(|now| version(&now) == version(then));
        Ok(!same || has_log(&place)?)
    }

    /// Tells whether it is to be opened anew: it was changed, or there is room again.
    pub(super) fn is_overtaken(&self, path: &Path) -> Result<bool, Cause> {
        let waits = matches!(self.frozen, Some(Frozen::Full(_)));
        Ok(waits && (self.was_changed(path)? || !Place::of(path)?.is_full()))
    }
}

impl Deref for Opened {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Opened {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// Tells whether the last changes stand beside the file.
fn has_log(place: &Place) -> Result<bool, Cause> {
    Ok(place.beside("-wal")?.is_some_and(|log| log.st_size > 0))
}

/// Opens a file that nobody changes, and says of which schema it is. SQLite would make files beside it otherwise.
fn immutable(place: &Place) -> Result<(Connection, i64), Cause> {
    let name = place.path.to_str().ok_or(Cause::NotPlain)?;
    let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let uri = format!("file:{name}?immutable=1");
    let connection = Connection::open_with_flags(uri, READING).map_err(Cause::database)?;
    configure(&connection).map_err(Cause::database)?;
    let known = schema::check(&connection)?;
    Ok((connection, known))
}
