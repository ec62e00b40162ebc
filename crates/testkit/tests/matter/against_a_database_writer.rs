//! 300 updates of ours against another program that changes the same cell, in short transactions of its own.

use crate::marker;
use keyshoal_core::{Layout, StoreId};
use keyshoal_openclaw::sample;
use keyshoal_openclaw::store::{Safety, StoreFile, WriteRules};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

const UPDATES: u64 = 300;
/// Where a loss is expected, the race goes on until there is one, at most so long.
const PATIENCE: u64 = 5_000;

#[derive(Debug, PartialEq, Eq)]
struct Lost {
    ours: u64,
    theirs: u64,
}

/// Counts up a field of the cell, as the real program writes: it reads inside of its transaction.
fn count_up(db: &Path, going: &AtomicBool) -> u64 {
    let mut connection = Connection::open(db).unwrap();
    connection.busy_timeout(Duration::from_secs(20)).unwrap();
    let mut done = 0;
    while going.load(Ordering::Relaxed) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let text: String =
            transaction.query_row("SELECT store_json FROM auth_profile_store", [], |row| row.get(0)).unwrap();
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value["n"] = (value["n"].as_u64().unwrap_or(0) + 1).into();
        transaction.execute("UPDATE auth_profile_store SET store_json = ?1", [value.to_string()]).unwrap();
        transaction.commit().unwrap();
        done += 1;
        std::thread::sleep(Duration::from_micros(300));
    }
    done
}

fn race(safety: Safety) -> Lost {
    let dir = tempfile::tempdir().unwrap();
    let agent = StoreId::Agent("stocks".into());
    let sample = sample::Installation::new(Layout::AgentSqlite).agent("stocks").api_key(agent, "a:b", "key");
    sample.write(dir.path()).unwrap();
    let db = dir.path().join("agents/stocks/agent/openclaw-agent.sqlite");
    let store = StoreFile::agent_sqlite(&db);
    let going = AtomicBool::new(true);
    let all_on = safety == Safety::default();
    let (mut number, mut ours) = (0, 0);
    let theirs = std::thread::scope(|scope| {
        let writer = scope.spawn(|| count_up(&db, &going));
        while number < UPDATES || (!all_on && ours == 0 && number < PATIENCE) {
            number += 1;
            let rules = WriteRules { mtime: Some(SystemTime::now()), gateway_running: true, safety };
            match marker::put(&store, &rules, number) {
                Ok((found, _)) => ours += u64::from(found != number - 1),
                Err(error) if all_on => panic!("update {number}: {error}"),
                Err(_) => ours += 1,
            }
        }
        going.store(false, Ordering::Relaxed);
        writer.join().unwrap()
    });
    let text: String = Connection::open(&db)
        .unwrap()
        .query_row("SELECT store_json FROM auth_profile_store", [], |row| row.get(0))
        .unwrap();
    let end: serde_json::Value = serde_json::from_str(&text).unwrap();
    ours += u64::from(end["profiles"][marker::MARKER]["key"] != format!("marker-{number}"));
    let kept = end["n"].as_u64().unwrap();
    println!("{safety:?}: of our {number} {ours} lost; of theirs {kept} of {theirs} kept");
    Lost { ours, theirs: theirs - kept }
}

#[test]
fn no_update_of_a_cell_is_lost_in_a_transaction_before_the_reading_and_some_are_without() {
    assert_eq!(race(Safety::default()), Lost { ours: 0, theirs: 0 });
    let lost = race(Safety { lock: false, ..Safety::default() });
    assert!(lost.ours + lost.theirs > 0, "the transaction does not matter");
}
