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

impl Database {
    /// Returns the connection to the file that is under the path now.
    pub(super) fn connection(&self) -> Result<MutexGuard<'_, Opened>, Cause> {
        self.present().map(|(opened, _)| opened)
    }

    /// The same, to write: what was read of another file is no ground for that.
    pub(super) fn connection_to_write(&self) -> Result<MutexGuard<'_, Opened>, Cause> {
        match self.present()? {
            (opened, false) => Ok(opened),
            (_, true) => Err(Cause::Replaced),
        }
    }

    /// Returns how often another file was opened in the place of the one before.
    pub(crate) fn times_anew(&self) -> u64 {
        self.anew.load(Ordering::Relaxed)
    }

    /// Opens the file anew where it is another one by now, and tells whether it was.
    fn present(&self) -> Result<(MutexGuard<'_, Opened>, bool), Cause> {
        // A panic inside a transaction has rolled it back: the connection itself is as good as before.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let file = opened.file;
        if file.is_some() && file != file_at(&self.path)? {
            let new = Self::open(&self.path).map_err(gone)?;
            let new = new.opened.into_inner().unwrap_or_else(PoisonError::into_inner);
            if id_of(&new)? != id_of(&opened)? {
                return Err(Cause::Another);
            }
            *opened = new;
            self.anew.fetch_add(1, Ordering::Relaxed);
            return Ok((opened, true));
        }
        if opened.is_overtaken(&self.path)? {
            *opened = Self::open_or_read(&Place::of(&self.path)?)?;
            opened.file = file;
        }
        Ok((opened, false))
    }
}

impl Vault {
    /// Returns how often the vault's file was found to be another one and opened anew: what was read before that may be of the other one.
    pub fn times_anew(&self) -> u64 {
        self.database.times_anew()
    }
}

/// Returns which vault it is.
fn id_of(opened: &Opened) -> Result<Option<String>, Cause> {
    let transaction = begin_transaction(opened, TransactionBehavior::Deferred)?;
    Statements(&transaction).one(queries::VAULT, &[])?.map(|row| row.string(0)).transpose()
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
