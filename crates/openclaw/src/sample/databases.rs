//! Databases with the tables, versions and ownership rows that OpenClaw's own have, as far as credentials go.
//!
//! The table definitions are those that 2026.6.11, 2026.8.2 and 2026.9.6 made when they were run.

use super::{Contents, Installation, SampleError};
use crate::files::{self, PathError};
use crate::store::place::AGENT_DB;
use keyshoal_core::{AgentId, Layout, StoreId};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// Stamped into every row: what the sample holds does not depend on when it was made.
const THEN: i64 = 1_795_000_000_000;

/// What differs between the layouts.
struct Shape {
    agent_version: i64,
    state_version: i64,
    app_version: Option<&'static str>,
    /// ` STRICT` or nothing.
    strict: &'static str,
}

fn shape(layout: Layout, release: &'static str) -> Shape {
    let (agent_version, state_version) = match layout {
        Layout::AgentSqlite => (1, 1),
        Layout::SharedTable => (17, 9),
        Layout::Unknown => (99, 99),
        _ => (23, 18),
    };
    let early = layout == Layout::AgentSqlite;
    Shape {
        agent_version,
        state_version,
        app_version: (!early).then_some(release),
        strict: if early { "" } else { " STRICT" },
    }
}

pub(super) fn write(
    sample: &Installation,
    state_dir: &Path,
    agent_dir: impl Fn(&AgentId) -> PathBuf,
) -> Result<(), SampleError> {
    let shape = shape(sample.layout, sample.release());
    let shared = sample.layout != Layout::AgentSqlite;
    let empty = Contents::default();
    let base = sample.stores.get(&StoreId::Base).unwrap_or(&empty);
    state(sample.layout, &shape, &state_dir.join("state"), base)?;
    let mut agents: Vec<&AgentId> = sample.agents.iter().collect();
    agents.extend(sample.stores.keys().filter_map(|store| match store {
        StoreId::Agent(id) if !sample.agents.contains(id) => Some(id),
        _ => None,
    }));
    for id in agents {
        let own = if !shared && id.as_str() == "main" { StoreId::Base } else { StoreId::Agent(id.clone()) };
        agent(&shape, &agent_dir(id), id, sample.stores.get(&own))?;
    }
    Ok(())
}

fn agent(shape: &Shape, dir: &Path, id: &AgentId, contents: Option<&Contents>) -> Result<(), SampleError> {
    let path = dir.join(AGENT_DB);
    create(&path, |db| {
        meta(db, shape, "agent", shape.agent_version, Some(id.as_str()))?;
        table(db, "auth_profile_store", "store_key", "store_json", "updated_at", shape.strict)?;
        table(db, "auth_profile_state", "state_key", "state_json", "updated_at", shape.strict)?;
        if let Some(contents) = contents {
            if let Some(text) = store_text(contents) {
                row(db, "auth_profile_store", "primary", &text)?;
            }
            if let Some(state) = contents.state_value() {
                row(db, "auth_profile_state", "primary", &state.to_string())?;
            }
        }
        Ok(())
    })
}

fn state(layout: Layout, shape: &Shape, dir: &Path, base: &Contents) -> Result<(), SampleError> {
    let path = dir.join("openclaw.sqlite");
    create(&path, |db| {
        meta(db, shape, "global", shape.state_version, None)?;
        db.execute_batch(&format!(
            "CREATE TABLE agent_databases (
               agent_id TEXT NOT NULL, path TEXT NOT NULL, schema_version INTEGER NOT NULL,
               last_seen_at INTEGER NOT NULL, size_bytes INTEGER, PRIMARY KEY (agent_id, path)
             ){};",
            shape.strict
        ))?;
        let (store, state) = (store_text(base), base.state_value().map(|state| state.to_string()));
        if matches!(layout, Layout::AgentSqlite | Layout::SharedTable) {
            // In 2026.6 these tables are there too, and nobody reads them.
            table(db, "auth_profile_stores", "store_key", "store_json", "updated_at", shape.strict)?;
            table(db, "auth_profile_state", "store_key", "state_json", "updated_at", shape.strict)?;
        }
        if layout == Layout::AgentSqlite {
            return Ok(());
        }
        table(db, "config_machine_state", "state_key", "value_json", "updated_at_ms", shape.strict)?;
        row(db, "config_machine_state", "auth.sharedStore", "{\"location\":\"state-db\"}")?;
        let cells = match layout {
            Layout::SharedTable => [("auth_profile_stores", "shared"), ("auth_profile_state", "shared")],
            _ => [
                ("config_machine_state", "authProfiles.store"),
                ("config_machine_state", "authProfiles.state"),
            ],
        };
        for ((name, key), text) in cells.into_iter().zip([store, state]) {
            if let Some(text) = text {
                row(db, name, key, &text)?;
            }
        }
        Ok(())
    })
}

/// Returns the text of the store's cell; `None` where nothing was put into the store, which then has no row.
fn store_text(contents: &Contents) -> Option<String> {
    match &contents.text {
        Some(text) => Some(text.clone()),
        None if contents.profiles.is_empty() => None,
        None => Some(contents.store_value().to_string()),
    }
}

fn create(path: &Path, fill: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<(), SampleError> {
    if let Some(dir) = path.parent() {
        files::make_private_dir(dir)?;
    }
    files::remove(path)?;
    files::create_new(path).map(drop).map_err(|source| PathError { path: path.to_owned(), source })?;
    let made = Connection::open(path).and_then(|db| {
        db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        // A sample need not survive a power cut, and a thousand of them shall be made quickly.
        db.pragma_update(None, "synchronous", "OFF")?;
        db.execute_batch("BEGIN")?;
        fill(&db)?;
        db.execute_batch("COMMIT")
    });
    made.map_err(|source| SampleError::Sqlite { path: path.to_owned(), source })
}

fn meta(
    db: &Connection,
    shape: &Shape,
    role: &str,
    version: i64,
    agent: Option<&str>,
) -> rusqlite::Result<()> {
    db.execute_batch(&format!(
        "CREATE TABLE schema_meta (
           meta_key TEXT NOT NULL PRIMARY KEY, role TEXT NOT NULL, schema_version INTEGER NOT NULL, agent_id TEXT,
           app_version TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
         ){};
         PRAGMA user_version = {version};",
        shape.strict
    ))?;
    db.execute(
        "INSERT INTO schema_meta VALUES ('primary', ?1, ?2, ?3, ?4, ?5, ?5)",
        (role, version, agent, shape.app_version, THEN),
    )?;
    Ok(())
}

fn table(
    db: &Connection,
    name: &str,
    key: &str,
    value: &str,
    time: &str,
    strict: &str,
) -> rusqlite::Result<()> {
    db.execute_batch(&format!(
        "CREATE TABLE {name} ({key} TEXT NOT NULL PRIMARY KEY, {value} TEXT NOT NULL, {time} INTEGER NOT NULL){strict};"
    ))
}

fn row(db: &Connection, table: &str, key: &str, text: &str) -> rusqlite::Result<()> {
    db.execute(&format!("INSERT INTO {table} VALUES (?1, ?2, ?3)"), (key, text, THEN))?;
    Ok(())
}
