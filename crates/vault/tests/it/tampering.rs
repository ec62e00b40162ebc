//! Somebody has the file and SQLite, and no key. What they change is refused, and never read as something else.

use crate::world::{House, at, author, change, credential_uid, furnish, id, ring, rotation, stage};
use keyshoal_core::vault::VaultInstance;
use keyshoal_core::{InstanceId, Secret};
use keyshoal_vault::{Change, Event, KeyRecord, Rotation, Value, Vault, VaultError};
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, params_from_iter};
use std::path::Path;

type Read<T> = Result<T, VaultError>;
/// Of one instance: itself, its values, its documents, its rotations.
type Of = (Read<VaultInstance>, Read<Vec<Value>>, Read<Vec<(String, Secret)>>, Read<Vec<Rotation>>);

/// Everything that can be read of a vault, or what can be read of its instances (the rest `None`).
struct Everything {
    keys: Option<Read<Vec<KeyRecord>>>,
    instances: Option<Read<Vec<VaultInstance>>>,
    each: Vec<Of>,
    events: Option<Read<Vec<Event>>>,
}

impl Everything {
    fn of(vault: &Vault) -> Self {
        Self {
            keys: Some(vault.status().map(|status| status.keys)),
            instances: Some(vault.instances()),
            events: Some(vault.events(None, 1000)),
            ..Self::of_instances(vault)
        }
    }

    fn of_instances(vault: &Vault) -> Self {
        let each = |id: &InstanceId| {
            (vault.instance(id), vault.values(id), vault.documents(id), vault.rotations(id))
        };
        let each = ["one", "two"].map(|name| each(&id(name))).into();
        Self { keys: None, instances: None, each, events: None }
    }

    /// Tells how many parts could not be read. What could be read must be as it was.
    fn refused(&self, before: &Self, what: &str) -> usize {
        fn one<T: PartialEq + std::fmt::Debug>(now: &Read<T>, then: &Read<T>, what: &str) -> usize {
            match now {
                Ok(now) => assert_eq!(now, then.as_ref().unwrap(), "{what}"),
                Err(_) => return 1,
            }
            0
        }
        fn some<T: PartialEq + std::fmt::Debug>(
            now: &Option<Read<T>>,
            then: &Option<Read<T>>,
            what: &str,
        ) -> usize {
            now.as_ref().zip(then.as_ref()).map_or(0, |(now, then)| one(now, then, what))
        }
        let each = self.each.iter().zip(&before.each).map(|(now, then)| {
            one(&now.0, &then.0, what)
                + one(&now.1, &then.1, what)
                + one(&now.2, &then.2, what)
                + one(&now.3, &then.3, what)
        });
        some(&self.keys, &before.keys, what)
            + some(&self.instances, &before.instances, what)
            + some(&self.events, &before.events, what)
            + each.sum::<usize>()
    }
}

/// Two instances with versions in every state, an override, documents, a rotation and a retired key.
fn furnished() -> (House, Vault) {
    let (house, mut vault) = House::new();
    for (name, salt) in [("one", 0), ("two", 1)] {
        furnish(&vault, name, salt);
        let uid = credential_uid(salt * 16 + 1);
        let again = |text: &str| vec![stage(salt * 16 + 1, &format!("{text}-{name}")), Change::Publish(uid)];
        change(&vault, name, again("second")).unwrap();
        if salt == 0 {
            change(&vault, name, [again("third"), vec![stage(1, "fourth")]].concat()).unwrap();
        }
        let revision = vault.instance(&id(name)).unwrap().revision;
        let begun = rotation(&format!("r-{name}"), name, revision, salt * 16 + 1, Vec::new());
        vault.begin_rotations(vec![begun], &author(), at(3)).unwrap();
    }
    vault.rekey(&crate::world::key(2), &author(), at(4), &mut |_| ()).unwrap();
    drop(vault);
    let vault = Vault::open(&house.path(), ring(&[2])).unwrap();
    (house, vault)
}

fn meddler(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA ignore_check_constraints = ON",
        )
        .unwrap();
    connection
}

/// Every cell of every table, by what finds it.
fn cells(connection: &Connection) -> Vec<(String, i64, String, Cell)> {
    let list = |sql: &str| -> Vec<String> {
        let mut asked = connection.prepare(sql).unwrap();
        asked.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let mut found = Vec::new();
    for table in list("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
        for column in list(&format!("SELECT name FROM pragma_table_info('{table}')")) {
            let mut asked = connection.prepare(&format!("SELECT rowid, {column} FROM {table}")).unwrap();
            let rows = asked.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            for row in rows {
                let (at, cell): (i64, Cell) = row.unwrap();
                found.push((table.clone(), at, column.clone(), cell));
            }
        }
    }
    found
}

fn set(connection: &Connection, table: &str, at: i64, column: &str, cell: &Cell) -> rusqlite::Result<usize> {
    let values: [&dyn rusqlite::ToSql; 2] = [cell, &at];
    connection
        .execute(&format!("UPDATE {table} SET {column} = ?1 WHERE rowid = ?2"), params_from_iter(values))
}

/// What reading takes nothing from: a change of it changes nothing.
const UNREAD: &[(&str, &str)] = &[
    ("organisations", "id"),
    ("organisations", "created"),
    ("rekeys", "id"),
    ("rekeys", "old_key"),
    ("rekeys", "new_key"),
    ("rekeys", "begun"),
    ("rekeys", "finished"),
    ("vault", "only_row"),
];

#[test]
fn no_cell_can_be_another_one() {
    let (house, vault) = furnished();
    let before = Everything::of(&vault);
    assert_eq!(before.refused(&before, "untouched"), 0);
    let connection = meddler(&house.path());
    let mut tried = 0;
    for (table, at, column, cell) in cells(&connection) {
        let others: Vec<Cell> = match &cell {
            Cell::Null => vec![Cell::Text("x".to_owned()), Cell::Integer(7), Cell::Blob(vec![7])],
            Cell::Integer(number) => vec![Cell::Integer(number + 1), Cell::Integer(-number - 7), Cell::Null],
            Cell::Text(text) => {
                vec![Cell::Text(format!("{text} ")), Cell::Text(text.to_uppercase() + "x"), Cell::Null]
            }
            // Each byte of it, one bit.
            Cell::Blob(bytes) => (0..bytes.len())
                .map(|at| {
                    let mut other = bytes.clone();
                    other[at] ^= 1 << (at % 8);
                    Cell::Blob(other)
                })
                .chain([Cell::Blob(bytes[..bytes.len().saturating_sub(1)].to_vec()), Cell::Blob(Vec::new())])
                .collect(),
            Cell::Real(_) => unreachable!(),
        };
        for other in others.iter().filter(|other| **other != cell) {
            // Where the tables themselves refuse it, nothing is to be shown.
            if set(&connection, &table, at, &column, other).is_err() {
                continue;
            }
            tried += 1;
            let what = format!("{table}.{column} of row {at}: {cell:?} became {other:?}");
            // What is of an instance shows there; the rest is looked at where it could show.
            let refused = match Everything::of_instances(&vault).refused(&before, &what) {
                0 => Everything::of(&vault).refused(&before, &what),
                refused => refused,
            };
            let unread = UNREAD.contains(&(&table, &column));
            // Some of it is only read by who opens the vault anew.
            let opened = || Vault::open(&house.path(), ring(&[2]));
            assert!(refused > 0 || unread || opened().is_err(), "{what}: nothing was refused");
            // Two columns are what rows are found by.
            let found_by = ["only_row", "number"].contains(&column.as_str())
                && table != "versions"
                && table != "documents";
            let now = match other {
                Cell::Integer(number) if found_by => *number,
                _ => at,
            };
            assert_eq!(set(&connection, &table, now, &column, &cell), Ok(1), "{what}");
        }
    }
    assert!(tried > 2000, "{tried}");
    assert_eq!(Everything::of(&vault).refused(&before, "put back"), 0);
}

#[test]
fn no_two_rows_can_change_places() {
    let (house, vault) = furnished();
    let before = Everything::of(&vault);
    let connection = meddler(&house.path());
    let mut tried = 0;
    for (table, groups) in [
        (
            "versions",
            &[
                &["sealed"] as &[&str],
                &["wrapped"],
                &["wrapped", "sealed"],
                &["number"],
                &["state"],
                &["created", "wrapped", "sealed"],
            ] as &[&[&str]],
        ),
        ("documents", &[&["sealed"], &["wrapped", "sealed"], &["created", "wrapped", "sealed"]]),
        ("events", &[&["what"], &["tag"], &["what", "tag"], &["at", "by_whom", "why", "what", "tag"]]),
        ("instances", &[&["tag"], &["state_dir"], &["models", "tag"]]),
        ("agents", &[&["models"], &["is_default"], &["place"], &["name"]]),
        ("rotations", &[&["stage"], &["tag"], &["stage", "tag"], &["credential", "tag"]]),
        ("keys", &[&["source"], &["wrapped"], &["state"]]),
    ] {
        let rows: Vec<i64> = {
            let mut asked = connection.prepare(&format!("SELECT rowid FROM {table}")).unwrap();
            asked.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        };
        for columns in groups {
            for (index, one) in rows.iter().enumerate() {
                for other in &rows[index + 1..] {
                    tried += usize::from(swapped(
                        &connection,
                        &vault,
                        &house,
                        &before,
                        table,
                        columns,
                        (*one, *other),
                    ));
                }
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

/// Swaps, looks, and swaps back. Tells whether anything was different at all.
fn swapped(
    connection: &Connection,
    vault: &Vault,
    house: &House,
    before: &Everything,
    table: &str,
    columns: &[&str],
    (one, other): (i64, i64),
) -> bool {
    let read = |row: i64| -> Vec<Cell> {
        let sql = format!("SELECT {} FROM {table} WHERE rowid = ?1", columns.join(", "));
        connection.query_row(&sql, [row], |row| (0..columns.len()).map(|at| row.get(at)).collect()).unwrap()
    };
    let write = |row: i64, cells: &[Cell]| {
        columns
            .iter()
            .zip(cells)
            .try_for_each(|(column, cell)| set(connection, table, row, column, cell).map(drop))
    };
    let (first, second) = (read(one), read(other));
    if first == second {
        return false;
    }
    let done = write(one, &second).and_then(|()| write(other, &first));
    let what = format!("{table} {columns:?} of rows {one} and {other} swapped");
    if done.is_ok() {
        let refused = Everything::of(vault).refused(before, &what);
        assert!(
            refused > 0 || Vault::open(&house.path(), ring(&[2])).is_err(),
            "{what}: nothing was refused"
        );
    }
    // Backwards, so that what only one may have is free.
    write(other, &second).unwrap();
    write(one, &first).unwrap();
    done.is_ok()
}

/// A copy of the vault's file at another place.
fn copy(house: &House) -> House {
    let other = House { dir: tempfile::tempdir().unwrap() };
    std::fs::create_dir(other.path().parent().unwrap()).unwrap();
    meddler(&house.path()).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    std::fs::copy(house.path(), other.path()).unwrap();
    other
}

#[test]
fn a_row_that_was_taken_away_is_missed() {
    let (house, vault) = furnished();
    let before = Everything::of(&vault);
    for table in ["versions", "documents", "agents", "bindings", "credentials", "instances", "events", "keys"]
    {
        let rows: i64 = meddler(&house.path())
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap();
        for skipped in 0..rows {
            let other = copy(&house);
            let sql = format!(
                "DELETE FROM {table} WHERE rowid = (SELECT rowid FROM {table} LIMIT 1 OFFSET {skipped})"
            );
            assert_eq!(meddler(&other.path()).execute(&sql, []).unwrap(), 1);
            let what = format!("row {skipped} of {table} taken away");
            let Ok(opened) = Vault::open(&other.path(), ring(&[2])) else { continue };
            assert!(Everything::of(&opened).refused(&before, &what) > 0, "{what}");
            assert!(
                !opened.verify().is_ok_and(|found| found.problems.is_empty()),
                "{what}: verify says nothing"
            );
        }
    }
}

/// `verify` names exactly what does not open.
#[test]
fn what_is_damaged_is_named() {
    let (house, vault) = furnished();
    let uid = credential_uid(17);
    let sql = format!(
        "UPDATE versions SET sealed = zeroblob(length(sealed)) WHERE credential = '{uid}' AND number = 2"
    );
    assert_eq!(house.meddle(&sql), 1);
    let found = vault.verify().unwrap();
    let shown: Vec<_> = found.problems.iter().map(|problem| problem.what.as_str()).collect();
    assert_eq!(shown, ["instance two: version 2 of credential anthropic:default"]);
    assert_eq!((found.versions, found.documents), (7, 2));
    // What is not damaged is still there.
    assert_eq!(vault.values(&id("one")).unwrap().len(), 5);
    vault.values(&id("two")).unwrap_err();
    assert_eq!(
        house.meddle("UPDATE agents SET id = 'other' WHERE instance = 'instance-one' AND id = 'stocks'"),
        1
    );
    let found = vault.verify().unwrap();
    assert!(found.problems.iter().any(|problem| problem.what == "instance one"), "{found:?}");
    let error = vault.values(&id("two")).unwrap_err().to_string();
    assert!(error.contains("version 2 of credential anthropic:default, instance two"), "{error}");
}

/// Bytes of the file, not of cells: also the tree that SQLite keeps them in.
#[test]
fn no_byte_of_the_file_makes_another_secret() {
    let (house, vault) = furnished();
    let before = Everything::of(&vault);
    drop(vault);
    let whole = std::fs::read(copy(&house).path()).unwrap();
    let other = copy(&house);
    let mut refused = 0;
    // Every 61st byte: the step meets every offset of a page in turn. The pages' heads are all met.
    let chosen = (0..whole.len()).filter(|at| at % 61 == 0 || at % 4096 < 24 || *at < 120);
    let chosen: Vec<usize> = chosen.filter(|at| whole[*at] != 0 || at % 5 == 0).collect();
    for at in &chosen {
        let mut bytes = whole.clone();
        bytes[*at] ^= 1 << (at % 8);
        for ending in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(other.path().with_extension(format!("sqlite{ending}")));
        }
        std::fs::write(other.path(), bytes).unwrap();
        match Vault::open(&other.path(), ring(&[2])) {
            Err(_) => refused += 1,
            Ok(vault) => {
                let all = Everything::of(&vault).refused(&before, &format!("byte {at}"));
                refused += usize::from(all > 0);
            }
        }
    }
    assert!(refused * 10 > chosen.len(), "{refused} of {}", chosen.len());
}
