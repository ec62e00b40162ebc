//! Every ledger that was ever written can be read.

use crate::world::{agent, at, endpoint, keys, open, print, profile, step};
use keyshoal_core::knowledge::{Generation, GenerationOrigin, KeptBy, KeptMark};
use keyshoal_core::{Secret, StepState, StoreId, VerdictKind};
use keyshoal_ledger::{Adopt, ImageState, Ledger, LedgerError, OpenMode};
use std::path::Path;

fn first_version(state_dir: &Path) {
    let own = state_dir.join(".keyshoal");
    std::fs::create_dir(&own).unwrap();
    let database = rusqlite::Connection::open(own.join("ledger.sqlite")).unwrap();
    database.execute_batch(include_str!("../fixtures/ledger-v1.sql")).unwrap();
}

#[test]
fn a_ledger_of_the_first_version_is_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    first_version(dir.path());
    let ledger = open(dir.path());
    // Its place is not in the dump: it was copied here.
    ledger.adopt(Adopt::AsMoved).unwrap();
    assert_eq!(ledger.instance().as_str().len(), 36);

    let known = ledger.knowledge().unwrap();
    let generation =
        |value, second, origin| Generation { fingerprint: print(value), first_seen: at(second), origin };
    assert_eq!(
        known.generations[&profile("anthropic:default")],
        [
            generation(1, 0, GenerationOrigin::Residue),
            generation(2, 0, GenerationOrigin::Seen),
            generation(3, 1, GenerationOrigin::Written)
        ]
    );
    let mark = |value, by| KeptMark { fingerprint: print(value), by, since: at(1) };
    assert_eq!(known.kept[&(agent("academic"), profile("openai:work"))], mark(4, KeptBy::Person));
    assert_eq!(known.kept[&(agent("stocks"), profile("openai:work"))], mark(5, KeptBy::Acceptance));
    assert_eq!(known.replace[&(agent("main"), profile("openai:work"))], print(6));
    assert_eq!(known.first_seen[&(agent("stocks"), profile("anthropic:default"), print(2))], at(1));
    let verdict = known.verdict(print(2), &endpoint("anthropic")).unwrap();
    assert_eq!((verdict.kind, verdict.http_status, verdict.at), (VerdictKind::InvalidKey, Some(401), at(2)));
    assert_eq!(verdict.advice.as_deref(), Some("make a new key"));

    let runs = ledger.runs(9).unwrap();
    let commands: Vec<_> = runs.iter().map(|run| run.command.as_str()).collect();
    assert_eq!(commands, ["sync", "set anthropic"]);
    let set = ledger.run(&runs[1].id).unwrap();
    assert_eq!(set.steps[0].outcome, Some(StepState::Done));
    assert_eq!(set.steps[1].outcome, Some(StepState::Conflict { found: "another value".to_owned() }));
    assert_eq!(set.steps[1].store, StoreId::Agent(agent("stocks")));
    assert_eq!(set.steps[1].pre_image, ImageState::Gone);
    assert_eq!(
        ledger.images(&runs[1].id).unwrap()[0].pre,
        Some(Secret::new("old")),
        "sealed by that version"
    );
    let open_run = ledger.open_run().unwrap().unwrap();
    assert_eq!(open_run.images[0].post, Some(Secret::new("after")));

    ledger.finish_run(&runs[0].id, "[]", at(9)).unwrap();
    ledger.begin_run("sync", at(10), &[step(StoreId::Base, "a", "b")]).unwrap();
}

/// What is brought forward once has the tables of a new ledger, and is not brought forward again.
#[test]
fn forward_leads_to_the_schema_of_a_new_ledger() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    first_version(old.path());
    let schema = |dir: &Path| {
        drop(open(dir));
        let database = rusqlite::Connection::open(dir.join(".keyshoal/ledger.sqlite")).unwrap();
        let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        let mut tables = database.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
        let tables = tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        (version, tables.collect::<Result<Vec<(String, Option<String>)>, _>>().unwrap())
    };
    assert_eq!(schema(old.path()), schema(new.path()));
    assert_eq!(schema(old.path()), schema(new.path()));
}

/// There has been no schema before the first; a number that says so is damage.
#[test]
fn a_schema_that_never_was_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    first_version(dir.path());
    let database = rusqlite::Connection::open(dir.path().join(".keyshoal/ledger.sqlite")).unwrap();
    database.pragma_update(None, "user_version", 0).unwrap();
    drop(database);
    let error = Ledger::open(dir.path(), &keys(), OpenMode::ReadWrite).unwrap_err();
    assert!(matches!(error, LedgerError::Corrupt { .. }), "{error}");
}
