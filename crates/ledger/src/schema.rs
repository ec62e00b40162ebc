//! The ledger's tables and how older ones are brought forward.

use crate::LedgerError;
use rusqlite::Connection;
use std::path::Path;

/// Marks a SQLite database as a ledger ("kshl").
pub(crate) const APPLICATION_ID: i64 = 0x6b73_686c;

/// What brings schema n to n + 1, at place n. Entries are never changed once released; new ones are added at the end.
const FORWARD: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
];

/// The newest schema that this version knows.
pub(crate) const KNOWN: i64 = FORWARD.len() as i64;

/// Makes the tables in an empty database. Runs inside the caller's transaction.
pub(crate) fn create(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    bring_forward(db, 0)
}

/// Tells whether the database is a ledger that this version can read, and which schema it has.
pub(crate) fn check(db: &Connection, path: &Path) -> Result<i64, LedgerError> {
    let one = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let id = one("application_id").map_err(|error| LedgerError::database(path, error))?;
    let version = one("user_version").map_err(|error| LedgerError::database(path, error))?;
    if id != APPLICATION_ID {
        return Err(LedgerError::NotOurs { path: path.to_owned() });
    }
    match version {
        found if found > KNOWN => Err(LedgerError::Newer { path: path.to_owned(), found, known: KNOWN }),
        found if found < 1 => Err(LedgerError::corrupt(path, format!("its schema number is {found}"))),
        found => Ok(found),
    }
}

/// Brings schema `from` to the newest. Runs inside the caller's transaction.
pub(crate) fn bring_forward(db: &Connection, from: i64) -> rusqlite::Result<()> {
    let from = usize::try_from(from).unwrap_or_default();
    for step in FORWARD.iter().skip(from) {
        db.execute_batch(step)?;
    }
    db.pragma_update(None, "user_version", KNOWN)
}
