//! What the state database tells of node hosts and of the processes that they started here.

use super::databases::state_database;
use crate::gateway::process;
use crate::store::sqlite_store::connect::read_only;
use crate::store::sqlite_store::has_table;
use keyshoal_core::Timestamp;
use keyshoal_core::examination::OtherProcess;
use keyshoal_core::time::from_millis;
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// So many rows of a kind are read at most.
const MOST_ROWS: i64 = 1000;

/// What is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Where it says that a node host was set up, or is paired, one sentence each.
    pub nodes: Vec<String>,
    /// Processes that node hosts started here and that still run.
    pub processes: Vec<OtherProcess>,
}

/// Reads it; nothing where there is no state database, or where it cannot be read, which is told of its store.
pub fn recorded(state_dir: &Path) -> Recorded {
    let path = state_database(state_dir);
    let shown = path.display().to_string();
    let read = |db: &Connection| {
        // Each by itself: a release may have one of them and not the other.
        let mut nodes = set_up(db).unwrap_or_default();
        nodes.extend(paired(db).unwrap_or_default());
        Ok::<_, rusqlite::Error>((nodes, launches(db).unwrap_or_default()))
    };
    let Some((nodes, launches)) = read_only(&path, read).ok().flatten().and_then(Result::ok) else {
        return Recorded::default();
    };
    let mut processes: Vec<OtherProcess> = Vec::new();
    for (pid, ticks, what) in launches {
        let Ok(pid) = u32::try_from(pid) else { continue };
        // The same number may be another process's by now.
        let lives = process::start_ticks(pid) == Some(ticks);
        if lives && processes.iter().all(|one| one.pid != pid) {
            processes.push(OtherProcess { pid, what: what.to_owned(), started: process::started(pid) });
        }
    }
    Recorded { nodes: nodes.into_iter().map(|node| format!("{node} ({shown})")).collect(), processes }
}

/// The node host that was set up with this state directory: a table of its own at first, a key of the machine's state since.
fn set_up(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let places = [
        (
            "config_machine_state",
            "SELECT updated_at_ms FROM config_machine_state WHERE state_key = 'nodeHost.config'",
        ),
        ("node_host_config", "SELECT updated_at_ms FROM node_host_config WHERE config_key = 'current'"),
    ];
    let mut found = Vec::new();
    for (table, sql) in places {
        if has_table(db, table)?
            && let Some(at) = db.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).optional()?
        {
            found.push(format!("a node host was set up {}", moment(at)));
        }
    }
    Ok(found)
}

/// Node hosts that are paired with the gateway, wherever they run.
fn paired(db: &Connection) -> rusqlite::Result<Vec<String>> {
    if !has_table(db, "device_pairing_paired")? {
        return Ok(Vec::new());
    }
    db.prepare(
        "SELECT coalesce(operator_label, display_name, device_id), last_seen_at_ms FROM device_pairing_paired
         WHERE role = 'node' OR EXISTS (SELECT 1 FROM json_each(roles_json) WHERE value = 'node')
         ORDER BY device_id LIMIT ?1",
    )?
    .query_map([MOST_ROWS], |row| {
        let (name, seen): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
        Ok(format!("node host {name} is paired, and was last seen {}", moment(seen)))
    })?
    .collect()
}

/// Processes of launches that have not ended: number, when it began in the kernel's ticks, what it is.
fn launches(db: &Connection) -> rusqlite::Result<Vec<(i64, i64, &'static str)>> {
    if !has_table(db, "node_worker_launches")? {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, i64, Option<i64>, Option<i64>)> = db
        .prepare(
            "SELECT supervisor_pid, supervisor_start_time, worker_pid, worker_start_time FROM node_worker_launches
             WHERE state IN ('pending', 'running') ORDER BY created_at_ms LIMIT ?1",
        )?
        .query_map([MOST_ROWS], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    let both = rows.into_iter().flat_map(|(supervisor, since, worker, worker_since)| {
        let worker = worker.zip(worker_since).map(|(pid, ticks)| (pid, ticks, "worker of a node host"));
        std::iter::once((supervisor, since, "node host")).chain(worker)
    });
    Ok(both.collect())
}

fn moment(millis: Option<i64>) -> String {
    millis
        .and_then(from_millis)
        .map_or_else(|| "at a time that is not known".to_owned(), |at: Timestamp| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use keyshoal_core::{Layout, StoreId};

    /// The tables of 2026.9.6, as far as they are read here.
    const TABLES: &str = "
        CREATE TABLE device_pairing_paired (device_id TEXT NOT NULL PRIMARY KEY, display_name TEXT, operator_label TEXT,
            role TEXT, roles_json TEXT, last_seen_at_ms INTEGER) STRICT;
        CREATE TABLE node_worker_launches (launch_id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL,
            supervisor_pid INTEGER NOT NULL, supervisor_start_time INTEGER NOT NULL, worker_pid INTEGER,
            worker_start_time INTEGER, created_at_ms INTEGER NOT NULL) STRICT;
        INSERT INTO device_pairing_paired VALUES ('d1', 'attic', NULL, 'node', NULL, 1700000000000),
            ('d2', NULL, NULL, NULL, '[\"operator\",\"node\"]', NULL), ('d3', 'phone', NULL, 'operator', NULL, 1);
        INSERT INTO config_machine_state VALUES ('nodeHost.config', '{}', 1700000000000);";

    #[test]
    fn node_hosts_and_their_living_processes_are_found() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(recorded(dir.path()), Recorded::default());
        let made = sample::Installation::new(Layout::SharedRow);
        made.api_key(StoreId::Base, "acme:default", "one").write(dir.path()).unwrap();
        assert_eq!(recorded(dir.path()), Recorded::default());
        let db = Connection::open(state_database(dir.path())).unwrap();
        db.execute_batch(TABLES).unwrap();
        let me = i64::from(std::process::id());
        let ticks = process::start_ticks(std::process::id()).unwrap();
        let launch = |id: &str, state: &str, supervisor_ticks: i64, worker: Option<i64>| {
            db.execute(
                "INSERT INTO node_worker_launches VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)",
                (id, state, me, supervisor_ticks, worker, worker.map(|_| ticks + 1)),
            )
            .unwrap();
        };
        launch("over", "completed", ticks, None);
        launch("another's", "running", ticks - 1, Some(me));
        assert_eq!(recorded(dir.path()).processes, []);
        launch("lives", "pending", ticks, None);
        let found = recorded(dir.path());
        assert_eq!((found.processes.len(), found.processes[0].what.as_str()), (1, "node host"));
        assert!(found.processes[0].started.is_some());
        let [set_up, attic, unnamed] = found.nodes.as_slice() else { panic!("{found:#?}") };
        assert!(set_up.starts_with("a node host was set up 2023-11-14T"), "{set_up}");
        assert!(attic.contains("attic is paired, and was last seen 2023") && unnamed.contains("d2"));
    }
}
