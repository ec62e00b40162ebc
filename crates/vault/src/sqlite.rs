//! A vault in a SQLite file: made whole or not at all, opened, and written by whole transactions.

mod opened;
mod replaced;
mod statements;

use crate::place::Place;
use crate::session::Session;
use crate::{Cause, VaultError, schema};
use opened::Opened;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use statements::Statements;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);
/// Reads a file that nobody changes, without anything beside it.
const READING: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY
    .union(OpenFlags::SQLITE_OPEN_NO_MUTEX)
    .union(OpenFlags::SQLITE_OPEN_NOFOLLOW)
    .union(OpenFlags::SQLITE_OPEN_URI);
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE
    .union(OpenFlags::SQLITE_OPEN_NO_MUTEX)
    .union(OpenFlags::SQLITE_OPEN_NOFOLLOW);

/// An open vault file.
pub(crate) struct Database {
    pub(crate) path: PathBuf,
    opened: Mutex<Opened>,
    /// How often another file was found under the path, and opened in the place of the one before.
    anew: AtomicU64,
}

impl Database {
    /// Makes the file. `begin` fills it, in the same transaction that makes the tables.
    pub(crate) fn create(
        path: &Path,
        begin: impl FnOnce(&dyn Session) -> Result<(), Cause>,
    ) -> Result<(), Cause> {
        let place = Place::make(path)?;
        let _guard = place.claim()?;
        let mut draft = place.draft()?;
        drop(draft.file());
        let connection = Connection::open_with_flags(&draft.path, FLAGS).map_err(Cause::database)?;
        configure(&connection).map_err(Cause::database)?;
        // Nobody else sees the draft, and a half one is swept away: it is made durable once, when it is whole.
        connection.pragma_update(None, "synchronous", "OFF").map_err(Cause::database)?;
        let new = begin_transaction(&connection, TransactionBehavior::Immediate)?;
        schema::create(&new).map_err(Cause::database)?;
        begin(&Statements(&new))?;
        new.commit().map_err(Cause::database)?;
        connection.close().map_err(|(_, error)| Cause::database(error))?;
        draft.settle()
    }

    /// Opens the file and brings it forward.
    pub(crate) fn open(path: &Path) -> Result<Self, Cause> {
        let place = Place::of(path).map_err(|cause| match cause {
            Cause::NoDirectory(_) => Cause::Missing,
            cause => cause,
        })?;
        let stat = place.stat()?.ok_or(Cause::Missing)?;
        if stat.st_size == 0 {
            // It would be a fine new database for SQLite. Ours is made whole, so an empty one has lost everything.
            return Err(Cause::Corrupt("it is empty".to_owned()));
        }
        place.require_private(&stat)?;
        let opened = match place.is_read_only() {
            true => Opened::on_read_only_disk(&place)?,
            false => Self::open_or_read(&place)?,
        };
        Ok(Self { path: path.to_owned(), opened: Mutex::new(opened.of(&stat)), anew: AtomicU64::new(0) })
    }

    /// Opens the file to write; only to read where its disk has no room left for what SQLite makes beside it.
    fn open_or_read(place: &Place) -> Result<Opened, Cause> {
        Self::open_to_write(place).or_else(|cause| match cause {
            // SQLite does not say why it cannot make these files.
            Cause::Database(source) | Cause::NoRoom(source) if place.is_full() => {
                Opened::on_full_disk(place)?.ok_or(Cause::NoRoom(source))
            }
            cause => Err(cause),
        })
    }

    fn open_to_write(place: &Place) -> Result<Opened, Cause> {
        let connection = Connection::open_with_flags(&place.path, FLAGS).map_err(Cause::database)?;
        configure(&connection).map_err(Cause::database)?;
        let found = schema::check(&connection)?;
        connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
            .map_err(Cause::database)?;
        // What was committed outlives a power cut: another machine may already hold what a version says.
        connection.pragma_update(None, "synchronous", "FULL").map_err(Cause::database)?;
        if found < schema::KNOWN {
            let forward = begin_transaction(&connection, TransactionBehavior::Immediate)?;
            // Another process may have been faster: look again under the lock.
            let from = schema::check(&forward)?;
            schema::bring_forward(&forward, from).and_then(|()| forward.commit()).map_err(Cause::database)?;
        }
        Ok(Opened::to_write(connection))
    }

    /// Opens a whole vault that has no name yet, to look at it before it gets one.
    pub(crate) fn open_draft(path: &Path) -> Result<Self, Cause> {
        let connection = Connection::open_with_flags(path, FLAGS).map_err(Cause::database)?;
        configure(&connection).map_err(Cause::database)?;
        Self::forward_alone(path, connection)
    }

    /// Takes the bytes of a whole vault into memory and reads them there.
    pub(crate) fn in_memory(path: &Path, bytes: &[u8]) -> Result<Self, Cause> {
        let mut connection = Connection::open_in_memory().map_err(Cause::database)?;
        configure(&connection).map_err(Cause::database)?;
        connection
            .deserialize_read_exact(rusqlite::MAIN_DB, bytes, bytes.len(), false)
            .map_err(Cause::database)?;
        Self::forward_alone(path, connection)
    }

    /// Brings a vault forward that nobody else has open.
    fn forward_alone(path: &Path, connection: Connection) -> Result<Self, Cause> {
        let found = schema::check(&connection)?;
        if found < schema::KNOWN {
            let forward = begin_transaction(&connection, TransactionBehavior::Immediate)?;
            schema::bring_forward(&forward, found)
                .and_then(|()| forward.commit())
                .map_err(Cause::database)?;
        }
        let opened = Mutex::new(Opened::to_write(connection));
        Ok(Self { path: path.to_owned(), opened, anew: AtomicU64::new(0) })
    }

    /// Reads in one transaction.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&dyn Session) -> Result<T, Cause>,
    ) -> Result<T, VaultError> {
        let done = || {
            let connection = self.connection()?;
            let result = begin_transaction(&connection, TransactionBehavior::Deferred)
                .and_then(|transaction| work(&Statements(&transaction)))?;
            if connection.was_changed(&self.path)? {
                return Err(Cause::refused("the vault was changed meanwhile; look again"));
            }
            Ok(result)
        };
        done().map_err(VaultError::at(&self.path))
    }

    /// Writes in one transaction, all or nothing.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&dyn Session) -> Result<T, Cause>,
    ) -> Result<T, VaultError> {
        let done = || {
            let connection = self.connection_to_write()?;
            connection.require_writable()?;
            let transaction = begin_transaction(&connection, TransactionBehavior::Immediate)?;
            let result = work(&Statements(&transaction))?;
            transaction.commit().map_err(Cause::database)?;
            Ok(result)
        };
        done().map_err(VaultError::at(&self.path))
    }

    /// Writes in one transaction in which rows may name others that come later, and keeps that only where it is `kept`.
    pub(crate) fn rewrite<T>(
        &self,
        kept: bool,
        work: impl FnOnce(&dyn Session) -> Result<T, Cause>,
    ) -> Result<T, VaultError> {
        let done = || {
            let connection = self.connection_to_write()?;
            connection.require_writable()?;
            let transaction = begin_transaction(&connection, TransactionBehavior::Immediate)?;
            transaction.pragma_update(None, "defer_foreign_keys", true).map_err(Cause::database)?;
            let result = work(&Statements(&transaction))?;
            let end = if kept { transaction.commit() } else { transaction.rollback() };
            end.map_err(Cause::database)?;
            Ok(result)
        };
        done().map_err(VaultError::at(&self.path))
    }

    /// Empties the write-ahead log into the file, so that what was replaced is nowhere any more. Left for later when somebody
    /// else is reading.
    pub(crate) fn empty_log(&self) -> Result<(), Cause> {
        self.connection()?
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(Cause::database)
    }

    /// Writes one consistent state of the whole vault into an empty file, without what was deleted.
    pub(crate) fn copy_to(&self, file: &Path) -> Result<(), Cause> {
        let file = file.to_str().ok_or(Cause::NotPlain)?;
        self.connection()?.execute("VACUUM INTO ?1", [file]).map_err(Cause::database)?;
        Ok(())
    }

    /// Writes the file anew without what was deleted.
    pub(crate) fn compact(&self) -> Result<(), Cause> {
        self.connection()?.execute_batch("VACUUM").map_err(Cause::database)
    }

    /// Returns the whole file as it stands, page by page.
    pub(crate) fn image(&self) -> Result<Vec<u8>, Cause> {
        Ok(self.connection()?.serialize("main").map_err(Cause::database)?.to_vec())
    }

    /// Returns the same as a file of its own, that nobody else has open.
    pub(crate) fn image_alone(&self) -> Result<Vec<u8>, Cause> {
        let mut image = self.image()?;
        // The header says that there is a write-ahead log; where there is none, in memory nothing opens with that.
        if let Some(versions) = image.get_mut(18..20) {
            versions.fill(1);
        }
        Ok(image)
    }

    /// Asks SQLite what is wrong with the file.
    pub(crate) fn damage(&self) -> Result<Vec<String>, Cause> {
        let connection = self.connection()?;
        let mut found = Vec::new();
        let ask = || -> rusqlite::Result<Vec<String>> {
            let mut asked = connection.prepare("PRAGMA integrity_check(100)")?;
            asked.query_map([], |row| row.get(0))?.collect()
        };
        found.extend(ask().map_err(Cause::database)?.into_iter().filter(|line| line != "ok"));
        let ask = || -> rusqlite::Result<Vec<String>> {
            let mut asked = connection.prepare("PRAGMA foreign_key_check")?;
            let rows = asked.query_map([], |row| {
                Ok(format!(
                    "a row of {} names one of {} that is not there",
                    row.get::<_, String>(0)?,
                    row.get::<_, String>(2)?
                ))
            })?;
            rows.collect()
        };
        found.extend(ask().map_err(Cause::database)?);
        Ok(found)
    }

    /// Tells whether it can only be read for now.
    pub(crate) fn is_frozen(&self) -> Result<bool, Cause> {
        Ok(self.connection()?.require_writable().is_err())
    }
}

fn begin_transaction(
    connection: &Connection,
    behaviour: TransactionBehavior,
) -> Result<Transaction<'_>, Cause> {
    Transaction::new_unchecked(connection, behaviour).map_err(Cause::database)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // What is deleted is overwritten with zeros. This one answers with a row.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))
}
