//! A vault's file while it is open: another one may come under its path meanwhile, or none.
//!
//! SQLite goes on with the file that it opened, wherever that was moved to. Whoever restores a backup moves the vault aside first, so a
//! process that stays would go by what nobody else sees any more. Hence every transaction looks first whether the path still is that file.

use super::opened::{File, Opened};
use super::{Database, begin_transaction};
use crate::place::Place;
use crate::queries;
use crate::session::Session;
use crate::sqlite::statements::Statements;
use crate::{Cause, Vault};
use rusqlite::TransactionBehavior;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

impl Opened {
    /// Returns which vault it is.
    fn id(&self) -> Result<Option<String>, Cause> {
        let transaction = begin_transaction(self, TransactionBehavior::Deferred)?;
        Statements(&transaction).one(queries::VAULT, &[])?.map(|row| row.string(0)).transpose()
    }
}

impl Database {
    /// Returns the connection to the file that is under the path now.
    pub(super) fn connection(&self) -> Result<MutexGuard<'_, Opened>, Cause> {
        self.present().map(|(open, _)| open)
    }

    /// The same, to write: what was read of another file is no ground for that.
    pub(super) fn connection_to_write(&self) -> Result<MutexGuard<'_, Opened>, Cause> {
        match self.present()? {
            (opened, false) => opened.require_writable().map(|()| opened),
            (_, true) => Err(Cause::Replaced),
        }
    }

    /// Returns how often another file was opened in the place of the one before.
    pub(crate) fn times_anew(&self) -> u64 {
        self.anew.load(Ordering::Relaxed)
    }

    /// Opens the file anew where it is another one by now, and tells whether it was; and where it could only be read, and somebody has changed
    /// it or there is room again.
    fn present(&self) -> Result<(MutexGuard<'_, Opened>, bool), Cause> {
        // A panic inside a transaction has rolled it back: the connection itself is as good as before.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.file.is_none() {
            return Ok((opened, false));
        }
        let other = opened.file != file_at(&self.path)?;
        if !other && !opened.is_overtaken(&self.path)? {
            return Ok((opened, false));
        }
        let new = Self::opened(&self.path).map_err(gone)?;
        if other && new.id()? != opened.id()? {
            return Err(Cause::Another);
        }
        *opened = new;
        self.anew.fetch_add(u64::from(other), Ordering::Relaxed);
        Ok((opened, other))
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
