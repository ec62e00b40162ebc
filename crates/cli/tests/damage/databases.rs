//! SQLite stores that are damaged, newer, or not what they seem.

use crate::stage::{House, NEW, OLD, P};
use keyshoal_core::Layout;
use keyshoal_testkit::rusqlite::Connection;
use std::path::Path;

const LAYOUTS: [Layout; 2] = [Layout::AgentSqlite, Layout::SharedRow];

/// One damaged database: what it holds is as before, it is named, and its neighbour is helped.
fn named_and_left(case: &str, damage: impl Fn(&Path), same: impl Fn(&Path) -> Option<Vec<u8>>) {
    for layout in LAYOUTS {
        println!("== {case}, {layout:?}");
        let house = House::drifted(layout);
        damage(&house.store("stocks"));
        let before = same(&house.store("stocks"));
        house.run(&["status"]).ends_with(2).says("stocks");
        house.run(&["sync", "--yes"]).ends_with(2).says("stocks");
        assert_eq!(same(&house.store("stocks")), before, "{case}: it was written to");
        house.is_right("research");
    }
}

/// Opens a database.
pub fn open(db: &Path) -> Connection {
    Connection::open(db).unwrap()
}

/// Reads the profiles' cell of an agent's database.
fn cell(db: &Path) -> Option<String> {
    let sql = "SELECT store_json FROM auth_profile_store WHERE store_key = 'primary'";
    open(db).query_row(sql, [], |row| row.get(0)).ok()
}

fn bytes(db: &Path) -> Option<Vec<u8>> {
    std::fs::read(db).ok()
}

fn row(db: &Path) -> Option<Vec<u8>> {
    cell(db).map(String::into_bytes)
}

fn execute(db: &Path, sql: &str) {
    open(db).execute_batch(sql).unwrap();
}

#[test]
fn a_corrupt_database_is_named_and_left() {
    named_and_left("a corrupt header", |db| std::fs::write(db, [7_u8; 8192]).unwrap(), bytes);
}

/// An empty file is a database without anything in it: the agent inherits. It stays empty, for the program to fill.
#[test]
fn an_empty_database_file_is_left() {
    for layout in LAYOUTS {
        println!("== {layout:?}");
        let house = House::drifted(layout);
        std::fs::write(house.store("stocks"), b"").unwrap();
        house.run(&["sync", "--yes"]);
        assert_eq!(bytes(&house.store("stocks")).unwrap(), b"");
        house.is_right("research");
    }
}

#[test]
fn a_newer_schema_is_read_only() {
    named_and_left("a newer schema", |db| execute(db, "PRAGMA user_version = 999"), row);
}

#[test]
fn a_bad_row_is_named_and_left() {
    named_and_left(
        "a bad row",
        |db| execute(db, "UPDATE auth_profile_store SET store_json = '{\"version\":1,'"),
        row,
    );
}

#[test]
fn a_database_of_another_agent_is_named_and_left() {
    let another =
        |db: &Path| execute(db, "UPDATE schema_meta SET agent_id = 'somebody' WHERE agent_id IS NOT NULL");
    named_and_left("another agent's", another, row);
}

#[test]
fn nothing_is_written_in_a_layout_that_nobody_knows() {
    let house = House::drifted(Layout::Unknown);
    assert_ne!(house.run(&["sync", "--yes"]).code, Some(0));
    assert!(cell(&house.store("stocks")).unwrap().contains(OLD));
}

/// Beside a leftover JSON an agent without a profile of its own is refused by the program: the shadow is replaced, not removed.
#[test]
fn a_leftover_file_keeps_the_shadow() {
    let house = House::drifted(Layout::SharedRow);
    let leftover = r#"{"version":1,"profiles":{"acme:default":{"type":"api_key","provider":"acme","key":"sk-ancient"}}}"#;
    for agent in ["stocks", "ops"] {
        std::fs::create_dir_all(house.store(agent).parent().unwrap()).unwrap();
        std::fs::write(house.file(agent, "auth-profiles.json"), leftover).unwrap();
    }
    house.run(&["sync", "--yes"]);
    house.run(&["status"]).ends_with(2).says("ops").says("auth-profiles.json");
    assert_eq!(
        house.value("stocks", P).as_deref(),
        Some(NEW),
        "the last own profile beside a leftover was removed"
    );
    for agent in ["stocks", "ops"] {
        assert_eq!(std::fs::read_to_string(house.file(agent, "auth-profiles.json")).unwrap(), leftover);
    }
}

/// No database is made for an agent that has none.
#[test]
fn no_database_is_made() {
    let house = House::drifted(Layout::SharedRow);
    let db = house.store("stocks");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", db.display()));
    }
    house.run(&["sync", "--yes"]).ends_with(0);
    assert!(!db.exists(), "a database was made");
    house.is_right("research");
}
