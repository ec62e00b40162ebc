//! A vault's file while it is open: another one may come under its path meanwhile, or none.
//!
//! SQLite goes on with the file that it opened, wherever that was moved to. Whoever restores a backup moves the vault aside first, so a
//! process that stays would go by what nobody else sees any more. Hence every transaction looks first whether the path still is that file.

use super::{Database, begin_transaction};
use crate::place::Place;
use crate::queries;
use crate::session::Session;
use crate::sqlite::statements::Statements;
use crate::{Cause, Vault};
use rusqlite::{Connection, TransactionBehavior};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

/// Which file it is: its device and its inode. As long as it is open, no other one gets them.
type File = (u64, u64);

/// A connection, and the file that it was opened for.
pub(super) struct Open {
    connection: Connection,
    /// `None`: a draft, or in memory.
    file: Option<File>,
}

impl Open {
    pub(super) fn at(place: &Place, connection: Connection) -> Result<Self, Cause> {
        Ok(Self { connection, file: place.stat()?.map(|stat| (stat.st_dev, stat.st_ino)) })
    }

    pub(super) fn nowhere(connection: Connection) -> Self {
        Self { connection, file: None }
    }

    /// Returns which vault it is.
    fn id(&self) -> Result<Option<String>, Cause> {
        let transaction = begin_transaction(self, TransactionBehavior::Deferred)?;
        Statements(&transaction).one(queries::VAULT, &[])?.map(|row| row.string(0)).transpose()
    }
}

impl Deref for Open {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Open {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Database {
    /// Returns the connection to the file that is under the path now.
    pub(super) fn connection(&self) -> Result<MutexGuard<'_, Open>, Cause> {
        self.present().map(|(open, _)| open)
    }

    /// The same, to write: what was read of another file is no ground for that.
    pub(super) fn connection_to_write(&self) -> Result<MutexGuard<'_, Open>, Cause> {
        match self.present()? {
            (open, false) => Ok(open),
            (_, true) => Err(Cause::Replaced),
        }
    }

    /// Returns how often another file was opened in the place of the one before.
    pub(crate) fn times_anew(&self) -> u64 {
        self.anew.load(Ordering::Relaxed)
    }

    /// Opens the file anew where it is another one by now, and tells whether it was.
    fn present(&self) -> Result<(MutexGuard<'_, Open>, bool), Cause> {
        // A panic inside a transaction has rolled it back: the connection itself is as good as before.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.file.is_none() || open.file == file_at(&self.path)? {
            return Ok((open, false));
        }
        let new = Self::open(&self.path).map_err(gone)?;
        let new = new.open.into_inner().unwrap_or_else(PoisonError::into_inner);
        if new.id()? != open.id()? {
            return Err(Cause::Another);
        }
        *open = new;
        self.anew.fetch_add(1, Ordering::Relaxed);
        Ok((open, true))
    }
}

impl Vault {
    /// Returns how often the vault's file was found to be another one and opened anew: what was read before that may be of the other one.
    pub fn times_anew(&self) -> u64 {
        self.database.times_anew()
    }
}

/// Returns which file is under a path.
fn file_at(path: &Path) -> Result<Option<File>, Cause> {
    let stat = Place::of(path).and_then(|place| place.stat()).map_err(gone)?;
    stat.map(|stat| Some((stat.st_dev, stat.st_ino))).ok_or(Cause::Gone)
}

/// It was there when it was opened.
fn gone(cause: Cause) -> Cause {
    match cause {
        Cause::NoDirectory(_) | Cause::Missing => Cause::Gone,
        cause => cause,
    }
}
