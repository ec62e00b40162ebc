//! A ledger that cannot be read is an error that names the file and the way out. It is never replaced.

use crate::world::{at, empty_log, keys, open, seen, values};
use keyshoal_ledger::{Ledger, LedgerError, OpenMode};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A ledger with everything in its file, and nothing in its log.
fn known() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).learn(&[seen("p", 1), seen("p", 2)], at(0)).unwrap();
    let file = dir.path().canonicalize().unwrap().join(".keyshoal/ledger.sqlite");
    empty_log(&file);
    (dir, file)
}

fn refused(dir: &Path, file: &Path) -> LedgerError {
    let before = fs::read(file).unwrap();
    let by_reader = Ledger::open(dir, &keys(), OpenMode::ReadOnly).unwrap_err();
    let error = Ledger::open(dir, &keys(), OpenMode::ReadWrite).unwrap_err();
    assert_eq!(by_reader.to_string(), error.to_string());
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    assert!(Ledger::open_best(dir, &keys()).is_err(), "damage is never passed over");
    assert!(fs::read(file).unwrap() == before, "it was changed");
    error
}

#[test]
fn damaged_files_are_refused_and_stay() {
    let (dir, file) = known();
    let whole = fs::read(&file).unwrap();
    let mut zeroed = whole.clone();
    zeroed[..200].fill(0);
    for damage in
        [&b""[..], b"not a database at all, but long enough to be looked at", &zeroed, &whole[..3000]]
    {
        fs::write(&file, damage).unwrap();
        let error = refused(dir.path(), &file);
        assert!(matches!(error, LedgerError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("move it aside"), "{error}");
    }
    // Moved aside, as the error says.
    fs::rename(&file, file.with_extension("aside")).unwrap();
    assert_eq!(values(&open(dir.path()), "p"), [0_u8; 0]);
}

/// Damage deep inside shows when it is read: an error, and neither a panic nor half of what is known.
#[test]
fn damaged_rows_are_refused() {
    let (dir, file) = known();
    let whole = fs::read(&file).unwrap();
    let mut errors = 0;
    for at in (4096..whole.len()).step_by(4096) {
        let mut damaged = whole.clone();
        damaged[at..at + 100].fill(0xff);
        fs::write(&file, &damaged).unwrap();
        let read = || {
            let ledger = Ledger::open(dir.path(), &keys(), OpenMode::ReadWrite)?;
            let knowledge = ledger.knowledge()?;
            ledger.runs(5).map(|_| knowledge.generations.len())
        };
        match read() {
            Ok(profiles) => assert_eq!(profiles, 1, "the page at {at} took generations with it, silently"),
            Err(LedgerError::Corrupt { .. }) => errors += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(errors > 3, "hardly any page was needed: {errors}");
}

#[test]
fn what_is_not_ours_or_newer_is_refused() {
    let (dir, file) = known();
    let database = rusqlite::Connection::open(&file).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    let error = refused(dir.path(), &file);
    assert!(matches!(error, LedgerError::Newer { found: 99, .. }), "{error}");

    fs::remove_file(&file).unwrap();
    let database = rusqlite::Connection::open(&file).unwrap();
    database.execute_batch("CREATE TABLE something (else_ TEXT)").unwrap();
    drop(database);
    assert!(matches!(refused(dir.path(), &file), LedgerError::NotOurs { .. }));
}

#[test]
fn links_are_not_followed() {
    let (dir, file) = known();
    let other = tempfile::tempdir().unwrap();
    let moved = other.path().join("ledger.sqlite");
    fs::rename(&file, &moved).unwrap();
    symlink(&moved, &file).unwrap();
    assert!(matches!(refused(dir.path(), &file), LedgerError::NotPlain { .. }));

    let third = tempfile::tempdir().unwrap();
    symlink(dir.path().join(".keyshoal"), third.path().join(".keyshoal")).unwrap();
    let error = Ledger::open(third.path(), &keys(), OpenMode::ReadWrite).unwrap_err();
    assert!(matches!(error, LedgerError::NotPlain { found: "a symbolic link", .. }), "{error}");
}

/// A crash while the ledger is being made leaves a draft, and nothing that passes for a ledger.
#[test]
fn a_draft_of_a_crash_is_swept_away() {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join(".keyshoal");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("draft-1"), b"half").unwrap();
    fs::write(own.join("draft-1-journal"), b"half").unwrap();
    let ledger = open(dir.path());
    ledger.learn(&[seen("p", 1)], at(0)).unwrap();
    assert!(!own.join("draft-1").exists() && !own.join("draft-1-journal").exists());
}

/// Where nothing can be made, memory stands in, and the reason is given.
#[test]
fn where_nothing_can_be_made_memory_stands_in() {
    let (ledger, why) = Ledger::open_best(Path::new("/sys"), &keys()).unwrap();
    assert!(ledger.is_ephemeral());
    assert!(why.unwrap().to_string().contains("/sys/.keyshoal"));
    ledger.learn(&[seen("p", 1)], at(0)).unwrap();
    assert_eq!(values(&ledger, "p"), [1]);
    let nowhere = Ledger::open_best(Path::new("/nonexistent/state"), &keys());
    assert!(nowhere.is_err(), "a state directory that is not there is a mistake");
}

/// Everybody who comes first at the same time gets the same ledger.
#[test]
fn all_who_start_at_once_share_one_ledger() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let gate = std::sync::Barrier::new(4);
        let ids: Vec<_> = std::thread::scope(|scope| {
            let one = |value| {
                let (gate, dir) = (&gate, dir.path());
                scope.spawn(move || {
                    gate.wait();
                    let ledger = open(dir);
                    ledger.learn(&[seen("p", value)], at(0)).unwrap();
                    ledger.instance()
                })
            };
            let all: Vec<_> = (1..5).map(one).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
        assert_eq!(values(&open(dir.path()), "p").len(), 4, "a fact was lost");
    }
}
