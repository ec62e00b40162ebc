//! A store in an SQLite database: one cell with the profiles, one with the state, changed in one short transaction.
//!
//! Databases are opened through SQLite only: a raw descriptor that is closed would drop the locks of every connection of this
//! process. None is ever created, replaced, migrated or given another journal mode.

pub(crate) mod connect;
mod read;
mod rewrite;
mod schema;
mod write;

pub use rewrite::rewrite_database;
pub(crate) use schema::{KNOWN_AGENT_VERSION, KNOWN_STATE_VERSION, has_table, supervised, supervisor};

use super::StoreError;
use super::edits::{State, Texts};
use super::json_text::{Document, Style};
use super::place::Place;
use keyshoal_core::AgentId;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// A store in a database.
#[derive(Debug)]
pub(super) struct SqliteStore<'a> {
    path: &'a Path,
    kind: Kind<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Kind<'a> {
    Agent { owner: Option<&'a AgentId> },
    SharedTable,
    SharedRow,
}

/// One cell of a table.
#[derive(Clone, Copy, Debug)]
struct Cell {
    table: &'static str,
    key_column: &'static str,
    value_column: &'static str,
    time_column: &'static str,
    key: &'static str,
}

/// What stands in both cells.
#[derive(Debug, Default)]
struct Rows {
    store: Option<String>,
    state: Option<String>,
    /// When the program (or we) noted the last change, in milliseconds since 1970.
    updated: Option<i64>,
}

/// A cell larger than this is nobody's store.
const LIMIT: usize = 16 << 20;

impl<'a> SqliteStore<'a> {
    /// Takes a place that is a database; `None` when it is not.
    pub fn new(path: &'a Path, place: &'a Place) -> Option<Self> {
        let kind = match place {
            Place::Json { .. } => return None,
            Place::AgentSqlite { owner } => Kind::Agent { owner: owner.as_ref() },
            Place::SharedTable => Kind::SharedTable,
            Place::SharedRow => Kind::SharedRow,
        };
        Some(Self { path, kind })
    }

    fn cells(&self) -> (Cell, Cell) {
        let cell = |table, key_column, value_column, time_column, key| Cell {
            table,
            key_column,
            value_column,
            time_column,
            key,
        };
        match self.kind {
            Kind::Agent { .. } => (
                cell("auth_profile_store", "store_key", "store_json", "updated_at", "primary"),
                cell("auth_profile_state", "state_key", "state_json", "updated_at", "primary"),
            ),
            Kind::SharedTable => (
                cell("auth_profile_stores", "store_key", "store_json", "updated_at", "shared"),
                cell("auth_profile_state", "store_key", "state_json", "updated_at", "shared"),
            ),
            Kind::SharedRow => (
                cell(
                    "config_machine_state",
                    "state_key",
                    "value_json",
                    "updated_at_ms",
                    "authProfiles.store",
                ),
                cell(
                    "config_machine_state",
                    "state_key",
                    "value_json",
                    "updated_at_ms",
                    "authProfiles.state",
                ),
            ),
        }
    }

    fn rows(&self, db: &Connection) -> Result<Rows, Trouble> {
        let (store, state) = self.cells();
        let (store, updated) = self.cell(db, &store)?.unzip();
        Ok(Rows { store, state: self.cell(db, &state)?.map(|(text, _)| text), updated: updated.flatten() })
    }

    fn cell(&self, db: &Connection, cell: &Cell) -> Result<Option<(String, Option<i64>)>, Trouble> {
        if !schema::has_table(db, cell.table)? {
            return Ok(None);
        }
        let sql = format!(
            "SELECT {}, {} FROM {} WHERE {} = ?1",
            cell.value_column, cell.time_column, cell.table, cell.key_column
        );
        let mut statement = db.prepare(&sql)?;
        let mut rows = statement.query([cell.key])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let unreadable = |what: &str| Trouble::Unreadable(format!("{}['{}'] {what}", cell.table, cell.key));
        let value = match row.get_ref(0)? {
            rusqlite::types::ValueRef::Text(bytes) => bytes,
            _ => return Err(unreadable("holds no text")),
        };
        if value.len() > LIMIT {
            return Err(unreadable("is larger than 16 MiB"));
        }
        let text = std::str::from_utf8(value).map_err(|_| unreadable("is not UTF-8"))?;
        Ok(Some((text.to_owned(), row.get::<_, Option<i64>>(1).unwrap_or_default())))
    }

    fn texts(&self, rows: &Rows) -> Result<Texts, Trouble> {
        let (store, state) = self.cells();
        let document = |text: &Option<String>, cell: Cell| {
            text.as_deref()
                .map(Document::parse)
                .transpose()
                .map_err(|error| Trouble::Unreadable(format!("{}['{}']: {error}", cell.table, cell.key)))
        };
        Ok(Texts {
            store: document(&rows.store, store)?,
            state: State::Own(document(&rows.state, state)?),
            style: Style::cell(),
        })
    }

    fn fail(&self, trouble: Trouble) -> StoreError {
        match trouble {
            Trouble::Sqlite(source) => connect::sqlite_error(self.path, source),
            Trouble::Unreadable(reason) => StoreError::Unreadable { path: self.path.to_owned(), reason },
        }
    }
}

/// Says why a database could not be understood.
#[derive(Debug)]
enum Trouble {
    Sqlite(rusqlite::Error),
    Unreadable(String),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Returns the files that SQLite keeps beside a database.
pub(crate) fn sidecars(db: &Path) -> [PathBuf; 3] {
    ["-wal", "-shm", "-journal"].map(|suffix| {
        let mut name = db.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}
