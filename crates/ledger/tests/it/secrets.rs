//! No secret is ever in the ledger's files as it is, and what expired is not there even sealed.

use crate::world::{at, open, seen, step};
use keyshoal_core::{StepState, StoreId};
use std::path::Path;

const MARK: &str = "sk-ant-MARKER-0123456789abcdef";

fn files_hold(state_dir: &Path, what: &[u8]) -> bool {
    let files = std::fs::read_dir(state_dir.join(".keyshoal")).unwrap();
    files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .any(|bytes| bytes.windows(what.len()).any(|window| window == what))
}

#[test]
fn secrets_are_in_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let run =
        ledger.begin_run("sync PROOF", at(0), &[step(StoreId::Base, MARK, &MARK.replace('a', "b"))]).unwrap();
    assert!(files_hold(dir.path(), b"sync PROOF"), "the search itself finds what is there");
    for half in [MARK, &MARK.replace('a', "b"), "MARKER"] {
        assert!(!files_hold(dir.path(), half.as_bytes()), "{half} is in the log");
    }
    ledger.step_done(&run, 0, &StepState::Done).unwrap();
    ledger.finish_run(&run, "[]", at(1)).unwrap();
    drop(ledger);
    assert!(files_hold(dir.path(), b"sync PROOF"));
    assert!(!files_hold(dir.path(), b"MARKER"), "it is in the database");
}

#[test]
fn what_expired_is_gone_from_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    // Some fit into a page with others, some need pages of their own.
    let images: Vec<String> = (1..40).map(|size| MARK.repeat(size * 5)).collect();
    let steps: Vec<_> = images.iter().map(|image| step(StoreId::Base, image, MARK)).collect();
    let run = ledger.begin_run("sync", at(0), &steps).unwrap();
    let done: Vec<_> = (0..steps.len()).map(|step| (step, StepState::Done)).collect();
    ledger.steps_done(&run, &done).unwrap();
    ledger.finish_run(&run, "[]", at(1)).unwrap();

    let database = rusqlite::Connection::open(dir.path().join(".keyshoal/ledger.sqlite")).unwrap();
    let mut query = database.prepare("SELECT before_image FROM steps").unwrap();
    let sealed: Vec<Vec<u8>> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    drop(query);
    drop(database);
    // 32 bytes of a sealed value stand nowhere else.
    let found = || {
        let pieces = sealed.iter().flat_map(|sealed| sealed.chunks_exact(32).step_by(40));
        pieces.filter(|piece| files_hold(dir.path(), piece)).count()
    };
    assert!(found() > 50, "the search itself finds what is there: {}", found());
    ledger.learn(&[seen("p", 1)], at(2)).unwrap();
    ledger.expire(at(31 * 86_400), 30).unwrap();
    assert_eq!(found(), 0);
}

#[test]
fn the_files_are_the_owners_alone() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    ledger.learn(&[seen("p", 1)], at(0)).unwrap();
    let lock =
        keyshoal_ledger::RunLock::acquire(dir.path(), "sync", at(0), std::time::Duration::ZERO).unwrap();
    let own = dir.path().join(".keyshoal");
    assert_eq!(own.metadata().unwrap().mode() & 0o7777, 0o700);
    let mut names: Vec<String> = Vec::new();
    for file in own.read_dir().unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o600, "{:?}", file.path());
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["ledger.sqlite", "ledger.sqlite-shm", "ledger.sqlite-wal", "run.lock"]);
    drop((lock, ledger));

    // What somebody has opened too wide is closed again.
    std::fs::set_permissions(own.join("ledger.sqlite"), std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o755)).unwrap();
    drop(open(dir.path()));
    assert_eq!(own.metadata().unwrap().mode() & 0o7777, 0o700);
    assert_eq!(own.join("ledger.sqlite").metadata().unwrap().mode() & 0o7777, 0o600);
}
