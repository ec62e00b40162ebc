//! The ledger's SQLite file: made whole or not at all, opened, and written by whole transactions.

use crate::directory::{Directory, Place};
use crate::{Keys, LedgerError, identity, schema};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use rustix::fs::OFlags;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The file's name.
pub(crate) const FILE: &str = "ledger.sqlite";
const DRAFT: &str = "draft-";
const PATIENCE: Duration = Duration::from_secs(10);

/// Says what a transaction must outlive.
#[derive(Clone, Copy)]
pub(crate) enum Durability {
    /// A power cut right after it.
    PowerCut,
    /// A crash of the process; a power cut may take the last of these back, whole and in order.
    Crash,
}

/// An open ledger file.
pub(crate) struct Database {
    pub(crate) path: PathBuf,
    pub(crate) writable: bool,
    connection: Mutex<Connection>,
}

impl Database {
    /// Opens the file for reading and writing, makes it when it is not there, and brings it forward.
    ///
    /// Returns whether it was made.
    pub(crate) fn open(
        directory: &Directory,
        place: &Place,
        keys: &Keys,
    ) -> Result<(Self, bool), LedgerError> {
        let path = directory.path.join(FILE);
        let mut made = false;
        if directory.stat(FILE)?.is_none() {
            let _guard = directory.exclusive()?;
            if directory.stat(FILE)?.is_none() {
                create(directory, place, keys)?;
                made = true;
            }
        }
        if let Some(stat) = directory.stat(FILE)? {
            refuse_empty(&path, stat.st_size)?;
            directory.tighten_file(FILE, &stat)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let at = |error| LedgerError::database(&path, error);
        let connection = Connection::open_with_flags(&path, flags).map_err(at)?;
        configure(&connection).map_err(at)?;
        if connection.is_readonly(rusqlite::MAIN_DB).map_err(at)? {
            // SQLite opens what it cannot write for reading, without a word.
            return Err(LedgerError::io(&path, rustix::io::Errno::ROFS));
        }
        // A short-lived command must not pay for tidying up: what it commits is one write to the log. SQLite empties the log
        // into the file now and then, when it has grown to this many pages.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(at)?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", 250, |_| Ok(())).map_err(at)?;
        let found = schema::check(&connection, &path)?;
        // It has a write-ahead log already, unless a tool has rebuilt the file from a dump.
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).map_err(at)?;
        if found < schema::KNOWN {
            let forward =
                Transaction::new_unchecked(&connection, TransactionBehavior::Immediate).map_err(at)?;
            // Another process may have been faster: look again under the lock.
            let from = schema::check(&forward, &path)?;
            schema::bring_forward(&forward, from).and_then(|()| forward.commit()).map_err(at)?;
        }
        Ok((Self { path, writable: true, connection: Mutex::new(connection) }, made))
    }

    /// Opens an existing file for reading. `None` when it is not there.
    pub(crate) fn open_to_read(directory: &Directory) -> Result<Option<Self>, LedgerError> {
        let path = directory.path.join(FILE);
        let Some(stat) = directory.stat(FILE)? else { return Ok(None) };
        refuse_empty(&path, stat.st_size)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let at = |error| LedgerError::database(&path, error);
        let try_open = |path: &Path, flags| -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(path, flags)?;
            configure(&connection)?;
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok(connection)
        };
        let connection = match try_open(&path, flags) {
            Ok(connection) => connection,
            Err(error) => {
                // Where nothing can be written, SQLite cannot make the index of the write-ahead log. When there is no log, the
                // file alone is the whole truth.
                let no_log = directory.stat(&format!("{FILE}-wal"))?.is_none_or(|log| log.st_size == 0);
                let error = at(error);
                if !(no_log && error.is_not_writable()) {
                    return Err(error);
                }
                try_open(&immutable(&path), flags | OpenFlags::SQLITE_OPEN_URI).map_err(at)?
            }
        };
        let found = schema::check(&connection, &path)?;
        if found < schema::KNOWN {
            return Err(LedgerError::Older { path, found });
        }
        Ok(Some(Self { path, writable: false, connection: Mutex::new(connection) }))
    }

    /// Makes a ledger in memory.
    pub(crate) fn in_memory(keys: &Keys) -> Result<Self, LedgerError> {
        let path = PathBuf::from("(in memory)");
        let at = |error| LedgerError::database(&path, error);
        let connection = Connection::open_in_memory().map_err(at)?;
        configure(&connection).map_err(at)?;
        let new = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate).map_err(at)?;
        schema::create(&new)
            .and_then(|()| identity::begin(&new, None, keys))
            .and_then(|()| new.commit())
            .map_err(at)?;
        Ok(Self { path, writable: true, connection: Mutex::new(connection) })
    }

    /// Reads in one transaction.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let connection = self.connection();
        let transaction = Transaction::new_unchecked(&connection, TransactionBehavior::Deferred)
            .map_err(|error| self.error(error))?;
        work(&transaction)
    }

    /// Writes in one transaction, all or nothing.
    pub(crate) fn write<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        if !self.writable {
            return Err(LedgerError::ReadOnly { path: self.path.clone() });
        }
        let connection = self.connection();
        let level = match durability {
            Durability::PowerCut => "FULL",
            Durability::Crash => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", level).map_err(|error| self.error(error))?;
        let transaction = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate)
            .map_err(|error| self.error(error))?;
        let result = work(&transaction)?;
        transaction.commit().map_err(|error| self.error(error))?;
        Ok(result)
    }

    /// Empties the write-ahead log into the file, so that what was deleted is nowhere any more. Left for later when somebody
    /// else is reading.
    pub(crate) fn empty_log(&self) -> Result<(), LedgerError> {
        self.connection()
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(|error| self.error(error))
    }

    pub(crate) fn error(&self, source: rusqlite::Error) -> LedgerError {
        LedgerError::database(&self.path, source)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic inside a transaction has rolled it back: the connection itself is as good as before.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the file under a name of its own and renames it when it is whole. The caller holds the directory's lock.
fn create(directory: &Directory, place: &Place, keys: &Keys) -> Result<(), LedgerError> {
    directory.sweep(DRAFT)?;
    let draft = format!("{DRAFT}{}", uuid::Uuid::new_v4().simple());
    drop(directory.open_file(&draft, OFlags::CREATE | OFlags::EXCL)?);
    let path = directory.path.join(&draft);
    let made = || -> rusqlite::Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        configure(&connection)?;
        // Nobody else sees the draft, and a half one is swept away: it is made durable once, when it is whole.
        connection.pragma_update(None, "synchronous", "OFF")?;
        let new = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate)?;
        schema::create(&new)?;
        identity::begin(&new, Some(place), keys)?;
        new.commit()?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.close().map_err(|(_, error)| error)
    };
    if let Err(error) = made() {
        // What made it fail counts; a draft that cannot be removed either is swept away next time.
        let _ = directory.sweep(DRAFT);
        return Err(LedgerError::database(&directory.path.join(FILE), error));
    }
    directory.sync_file(&draft)?;
    directory.settle(&draft, FILE)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // Deleted images are overwritten with zeros. This one answers with a row.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))
}

/// An empty file would be a fine new database for SQLite. Ours is made whole, so an empty one has lost everything.
fn refuse_empty(path: &Path, size: i64) -> Result<(), LedgerError> {
    if size == 0 { Err(LedgerError::corrupt(path, "it is empty")) } else { Ok(()) }
}

/// Makes the URI by which SQLite opens a file that nobody can change.
fn immutable(path: &Path) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?immutable=1");
    PathBuf::from(uri)
}
