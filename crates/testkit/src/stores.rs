//! Looks into the stores of an instance, and writes into them like a stranger: with no help from the code under test.

use crate::instance::Instance;
use anyhow::{Context, Result};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// One store: of an agent, or what all of them inherit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// The store of this agent.
    Agent(&'a str),
    /// What the agents inherit.
    Inherited,
}

/// Which of a store's two documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its profiles.
    Profiles,
    /// Its order, cooldowns and so on, where they stand apart.
    State,
}

/// Reads one document of a store. `None` when there is none.
pub fn read(instance: &Instance, place: Place<'_>, part: Part) -> Result<Option<Value>> {
    let text = match spot(instance, place, part) {
        Spot::File(path) => std::fs::read_to_string(path).ok(),
        Spot::Cell { db, .. } if !db.exists() => None,
        Spot::Cell { db, table, key_column, value_column, key } => {
            let query = format!("SELECT {value_column} FROM {table} WHERE {key_column} = ?1");
            open(&db)?.query_row(&query, [key], |row| row.get::<_, String>(0)).optional()?
        }
    };
    text.map(|it| serde_json::from_str(&it).context("a store that is no JSON")).transpose()
}

/// Changes one document of a store in place, as another program on the same machine would.
pub fn edit(
    instance: &Instance,
    place: Place<'_>,
    part: Part,
    change: impl FnOnce(&mut Value),
) -> Result<()> {
    match spot(instance, place, part) {
        Spot::File(path) => {
            let mut value: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
            change(&mut value);
            std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&value)?))?;
        }
        Spot::Cell { db, table, key_column, value_column, key } => {
            let mut connection = open(&db)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let query = format!("SELECT {value_column} FROM {table} WHERE {key_column} = ?1");
            let text: String = transaction.query_row(&query, [key], |row| row.get(0))?;
            let mut value: Value = serde_json::from_str(&text)?;
            change(&mut value);
            let update = format!("UPDATE {table} SET {value_column} = ?2 WHERE {key_column} = ?1");
            transaction.execute(&update, [key, &value.to_string()])?;
            transaction.commit()?;
        }
    }
    Ok(())
}

enum Spot {
    File(PathBuf),
    Cell {
        db: PathBuf,
        table: &'static str,
        key_column: &'static str,
        value_column: &'static str,
        key: &'static str,
    },
}

fn spot(instance: &Instance, place: Place<'_>, part: Part) -> Spot {
    let release = instance.release();
    let agent = match place {
        Place::Inherited if release.shared_row() => {
            return Spot::Cell {
                db: instance.state_dir().join("state/openclaw.sqlite"),
                table: "config_machine_state",
                key_column: "state_key",
                value_column: "value_json",
                key: if part == Part::Profiles { "authProfiles.store" } else { "authProfiles.state" },
            };
        }
        Place::Inherited => "main",
        Place::Agent(agent) => agent,
    };
    let dir = instance.agent_dir(agent);
    if release.json_stores() {
        let own_file = part == Part::State && release.auth_state_file();
        return Spot::File(dir.join(if own_file { "auth-state.json" } else { "auth-profiles.json" }));
    }
    let db = dir.join("openclaw-agent.sqlite");
    let key = "primary";
    if part == Part::Profiles {
        let table = "auth_profile_store";
        Spot::Cell { db, table, key_column: "store_key", value_column: "store_json", key }
    } else {
        let table = "auth_profile_state";
        Spot::Cell { db, table, key_column: "state_key", value_column: "state_json", key }
    }
}

fn open(db: &std::path::Path) -> Result<Connection> {
    let connection = Connection::open(db).with_context(|| db.display().to_string())?;
    connection.busy_timeout(Duration::from_secs(20))?;
    Ok(connection)
}

/// Tells the registry of agent databases that the state directory moved: older releases keep absolute paths there.
pub(crate) fn move_registry(instance: &Instance, from: &str, to: &str) -> Result<()> {
    let db = instance.state_dir().join("state/openclaw.sqlite");
    if !db.exists() {
        return Ok(());
    }
    let connection = open(&db)?;
    let known: bool = connection.query_row(
        "SELECT count(*) FROM sqlite_master WHERE name = 'agent_databases'",
        [],
        |row| row.get(0),
    )?;
    if known {
        connection.execute("UPDATE agent_databases SET path = replace(path, ?1, ?2)", [from, to])?;
    }
    Ok(())
}

/// Reads the one cell of a table of an agent's own database (`auth_profile_store` or `auth_profile_state`).
pub fn agent_cell(db: &std::path::Path, table: &str) -> Result<String> {
    let (key, value) =
        if table == "auth_profile_state" { ("state_key", "state_json") } else { ("store_key", "store_json") };
    let query = format!("SELECT {value} FROM {table} WHERE {key} = 'primary'");
    Ok(open(db)?.query_row(&query, [], |row| row.get(0))?)
}
