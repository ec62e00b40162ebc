//! What databases tell besides the profiles in them: whose they are, what stays in their free pages, which the program knows of.

use crate::files;
use crate::store::place::AGENT_DB;
use crate::store::sqlite_store::connect::read_only;
use crate::store::sqlite_store::{has_table, sidecars};
use keyshoal_core::examination::{DatabaseFacts, Registered};
use rusqlite::{Connection, OptionalExtension};
use std::path::{Path, PathBuf};

/// So many rows of the register are read at most.
const MOST_ROWS: i64 = 10_000;

/// Returns the state database of a state directory.
pub fn state_database(state_dir: &Path) -> PathBuf {
    state_dir.join("state").join("openclaw.sqlite")
}

/// Returns the directories below `agents/` that hold an agent's own database, by name.
pub fn agents_on_disk(state_dir: &Path) -> Vec<(String, PathBuf)> {
    let agents = state_dir.join("agents");
    let names = files::listing(&agents).ok().flatten().unwrap_or_default();
    let dirs = names.into_iter().map(|name| (agents.join(&name).join("agent"), name));
    dirs.filter(|(dir, _)| files::is_dir(dir)).map(|(dir, name)| (name, dir)).collect()
}

/// Looks at one database; nothing where there is none or it cannot be read, which is told of its store.
pub fn look(path: &Path, lies_with: Option<&str>) -> Option<DatabaseFacts> {
    let (pages, free_pages, belongs_to) = read_only(path, counts).ok()??.ok()?;
    let [log, ..] = sidecars(path);
    let log_bytes = files::metadata(&log).ok().flatten().map_or(0, |meta| meta.len());
    Some(DatabaseFacts {
        path: path.display().to_string(),
        lies_with: lies_with.map(str::to_owned),
        belongs_to,
        free_pages,
        pages,
        log_bytes,
        rewritten: None,
    })
}

/// Returns the path of an agent's own database.
pub fn of_agent(agent_dir: &Path) -> PathBuf {
    agent_dir.join(AGENT_DB)
}

/// Tells whether somebody may have a database open, or has left a log that counts.
pub fn is_open(path: &Path) -> bool {
    let [log, shared, _] = sidecars(path);
    files::exists(&shared) || files::metadata(&log).ok().flatten().is_some_and(|meta| meta.len() > 0)
}

fn counts(db: &Connection) -> rusqlite::Result<(u64, u64, Option<String>)> {
    let pages: i64 = db.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let free: i64 = db.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let whose = match has_table(db, "schema_meta")? {
        false => None,
        true => db
            .query_row("SELECT agent_id FROM schema_meta WHERE meta_key = 'primary'", [], |row| {
                row.get::<_, Option<String>>(0)
            })
            .optional()?
            .flatten(),
    };
    Ok((u64::try_from(pages).unwrap_or_default(), u64::try_from(free).unwrap_or_default(), whose))
}

/// Returns the rows of the program's register of agents' databases.
pub fn registered(state_dir: &Path) -> Vec<Registered> {
    let read = |db: &Connection| -> rusqlite::Result<Vec<(String, String)>> {
        if !has_table(db, "agent_databases")? {
            return Ok(Vec::new());
        }
        db.prepare("SELECT agent_id, path FROM agent_databases ORDER BY agent_id, path LIMIT ?1")?
            .query_map([MOST_ROWS], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    };
    let rows = read_only(&state_database(state_dir), read).ok().flatten().and_then(Result::ok);
    let row = |(agent, path): (String, String)| {
        // Relative to the state directory since schema 9, absolute before.
        let place = state_dir.join(&path);
        Registered { agent, exists: files::exists(&place), path: place.display().to_string() }
    };
    rows.unwrap_or_default().into_iter().map(row).collect()
}

/// Tells whether a name of OpenClaw's own secret store is set; `None` where that cannot be read.
pub(super) fn holds_secret(state_dir: &Path, name: &str) -> Option<bool> {
    let read = |db: &Connection| -> rusqlite::Result<bool> {
        if !has_table(db, "secret_store_entries")? {
            return Ok(false);
        }
        let sql = "SELECT 1 FROM secret_store_entries WHERE scope_kind = 'team' AND name = ?1 AND deleted_at_ms IS NULL";
        Ok(db.query_row(sql, [name], |_| Ok(())).optional()?.is_some())
    };
    read_only(&state_database(state_dir), read).ok()??.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use keyshoal_core::{Layout, StoreId};

    #[test]
    fn owner_and_free_pages_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let made = sample::Installation::new(Layout::SharedRow).agent("stocks");
        made.api_key(StoreId::Base, "acme:default", "one").write(dir.path()).unwrap();
        let (name, agent_dir) =
            agents_on_disk(dir.path()).into_iter().find(|(name, _)| name == "stocks").unwrap();
        let path = of_agent(&agent_dir);
        let before = look(&path, Some(&name)).unwrap();
        assert_eq!((before.belongs_to.as_deref(), before.free_pages), (Some("stocks"), 0));
        let db = Connection::open(&path).unwrap();
        db.execute_batch(
            "CREATE TABLE big (x); INSERT INTO big VALUES (zeroblob(100000)); DROP TABLE big;
             PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .unwrap();
        assert!(look(&path, Some(&name)).unwrap().free_pages > 0);
        let db = Connection::open(state_database(dir.path())).unwrap();
        db.execute("INSERT INTO agent_databases VALUES ('gone', 'agents/gone/agent/x.sqlite', 1, 1, 1)", [])
            .unwrap();
        let rows = registered(dir.path());
        assert_eq!((rows.len(), rows[0].agent.as_str(), rows[0].exists), (1, "gone", false));
        assert_eq!(look(&dir.path().join("none.sqlite"), None), None);
    }
}
