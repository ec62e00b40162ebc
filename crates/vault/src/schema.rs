//! A vault's tables in SQLite, and how older ones are brought forward.

use crate::Cause;
use rusqlite::Connection;

/// Marks a SQLite database as a vault ("kshv").
pub(crate) const APPLICATION_ID: i64 = 0x6b73_6876;

/// What brings schema n to n + 1, at place n. Entries are never changed once released; new ones are added at the end.
const FORWARD: &[&str] = &[include_str!("schema/1.sql")];

/// The newest schema that this version knows.
pub(crate) const KNOWN: i64 = FORWARD.len() as i64;

/// Makes the tables in an empty database. Runs inside the caller's transaction.
pub(crate) fn create(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    bring_forward(db, 0)
}

/// Tells whether the database is a vault that this version can read, and which schema it has.
pub(crate) fn check(db: &Connection) -> Result<i64, Cause> {
    let one = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(Cause::database);
    if one("application_id")? != APPLICATION_ID {
        return Err(Cause::NotOurs);
    }
    match one("user_version")? {
        found if found > KNOWN => Err(Cause::Newer { found, known: KNOWN }),
        found if found < 1 => Err(Cause::Corrupt(format!("its schema number is {found}"))),
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
