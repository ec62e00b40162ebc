//! Writing a database anew, so that nothing of what was overwritten or deleted stays in its file or its log.
//!
//! OpenClaw's own doctor does the same since 2026.8 (`doctor-sqlite-compact`): only with the gateway stopped, with a checkpoint before
//! and after. Nobody else may have the database open meanwhile; SQLite itself tells.

use super::schema::{self, KNOWN_AGENT_VERSION, KNOWN_STATE_VERSION};
use super::{StoreError, connect};
use crate::files;
use crate::store::maintenance;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// Up to this size the copy that SQLite makes is kept in memory, so that no other disk sees it.
const IN_MEMORY: i64 = 256 << 20;

/// Writes a database anew. Its rows, their numbers, its schema and its settings stay.
pub fn rewrite_database(path: &Path, state_dir: &Path) -> Result<(), StoreError> {
    let Some(meta) = files::metadata(path)? else { return Ok(()) };
    let refused = |reason: String| StoreError::ReadOnly { path: path.to_owned(), reason };
    if let Some(reason) = files::made_read_only(&meta).or_else(|| files::further_names(&meta)) {
        return Err(refused(reason));
    }
    files::may(path, rustix::fs::Access::WRITE_OK)?;
    if let Some(holder) = maintenance::maintainer(state_dir)? {
        return Err(StoreError::Locked { path: path.to_owned(), holder, waited: Duration::ZERO });
    }
    let failed = |error| connect::sqlite_error(path, error);
    let mut db = connect::read_write(path, true).map_err(failed)?;
    // Before the first read: with it nobody else can have the database open, and nobody can open it meanwhile.
    db.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(failed)?;
    let obstacle = alone(&mut db).map_err(failed)?;
    if let Some(reason) = obstacle {
        return Err(refused(reason));
    }
    write_anew(&db).map_err(failed)?;
    db.close().map_err(|(_, error)| failed(error))
}

/// Takes the database for this connection alone, and says why it must not be written, if so.
fn alone(db: &mut Connection) -> rusqlite::Result<Option<String>> {
    let claim = db.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    let number = |name| claim.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let version = number("user_version")?;
    let known = match schema::has_table(&claim, "config_machine_state")? {
        true => KNOWN_STATE_VERSION,
        false => KNOWN_AGENT_VERSION,
    };
    if version > known {
        return Ok(Some(format!(
            "its schema version {version} is newer than {known}, the newest that is known"
        )));
    }
    if version == 0 {
        return Ok(Some("it has no schema version, so OpenClaw did not finish making it".to_owned()));
    }
    if let Some(manager) = schema::supervisor(&claim)? {
        return Ok(Some(schema::supervised(&manager)));
    }
    if let Some(table) = renumbered(&claim)? {
        return Ok(Some(format!(
            "it would give the rows of {table} other numbers, which something may rely on"
        )));
    }
    let size = number("page_count")?.saturating_mul(number("page_size")?);
    claim.commit()?;
    db.pragma_update(None, "temp_store", if size <= IN_MEMORY { "MEMORY" } else { "DEFAULT" })?;
    Ok(None)
}

/// Returns a table whose rows `VACUUM` would number anew: one without a number of its own and without an index, with gaps.
fn renumbered(db: &Connection) -> rusqlite::Result<Option<String>> {
    let tables: Vec<String> = db
        .prepare(
            "SELECT name FROM pragma_table_list AS t WHERE schema = 'main' AND type IN ('table', 'shadow') AND NOT wr
                 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
                 AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name))
                 AND NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE pk = 1 AND upper(type) = 'INTEGER')",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for table in tables {
        let quoted = table.replace('"', "\"\"");
        let sql = format!(
            "SELECT coalesce(max(rowid), 0) = count(*) AND coalesce(min(rowid), 1) = 1 FROM \"{quoted}\""
        );
        if !db.query_row(&sql, [], |row| row.get::<_, bool>(0))? {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

fn write_anew(db: &Connection) -> rusqlite::Result<()> {
    checkpoint(db)?;
    db.execute_batch("VACUUM")?;
    checkpoint(db)
}

/// Empties the log; it is an error when that could not be done whole.
fn checkpoint(db: &Connection) -> rusqlite::Result<()> {
    let busy: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match busy {
        0 => Ok(()),
        _ => Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)),
    }
}
