//! Directories that are moved aside and back.

use keyshoal_core::Timestamp;
use keyshoal_ledger::quarantine::{list, put_back, set_aside};
use keyshoal_ledger::{LedgerError, RunLock};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn now() -> Timestamp {
    Timestamp::from_second(1_000_000).unwrap()
}

fn lock(state: &Path) -> RunLock {
    RunLock::acquire(state, "quarantine", now(), Duration::ZERO).unwrap()
}

/// A state directory with the credential directory of one agent.
fn house() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let agent = dir.path().join("agents/retired/agent");
    std::fs::create_dir_all(&agent).unwrap();
    std::fs::write(agent.join("auth-profiles.json"), "{}").unwrap();
    (dir, agent)
}

#[test]
fn what_is_moved_aside_can_be_moved_back() {
    let (dir, agent) = house();
    let lock = lock(dir.path());
    assert_eq!(list(dir.path()).unwrap(), []);
    let moved = set_aside(dir.path(), "retired", &agent, now(), &lock).unwrap();
    assert!(!agent.exists() && moved.to.join("auth-profiles.json").exists());
    assert!(moved.to.starts_with(dir.path().join(".keyshoal/quarantine")));
    assert_eq!(list(dir.path()).unwrap(), std::slice::from_ref(&moved));
    assert_eq!(put_back(dir.path(), "retired", &lock).unwrap(), Some(moved));
    assert!(agent.join("auth-profiles.json").exists());
    assert_eq!(list(dir.path()).unwrap(), []);
    assert_eq!(put_back(dir.path(), "retired", &lock).unwrap(), None);
}

#[test]
fn nothing_is_ever_replaced() {
    let (dir, agent) = house();
    let lock = lock(dir.path());
    set_aside(dir.path(), "retired", &agent, now(), &lock).unwrap();
    std::fs::create_dir(&agent).unwrap();
    std::fs::write(agent.join("new"), "").unwrap();
    assert!(put_back(dir.path(), "retired", &lock).is_err());
    assert!(agent.join("new").exists());
    assert_eq!(list(dir.path()).unwrap().len(), 1, "it is still there, and still known");
}

#[test]
fn a_move_that_did_not_happen_is_not_told() {
    let (dir, agent) = house();
    let lock = lock(dir.path());
    let moved = set_aside(dir.path(), "retired", &agent, now(), &lock).unwrap();
    // As a crash between the entry and the move would leave it.
    std::fs::rename(&moved.to, &agent).unwrap();
    assert_eq!(list(dir.path()).unwrap(), []);
    assert_eq!(put_back(dir.path(), "retired", &lock).unwrap(), None);
    set_aside(dir.path(), "retired", &agent, now(), &lock).unwrap();
    assert_eq!(list(dir.path()).unwrap().len(), 1);
}

#[test]
fn links_and_damaged_journals_are_refused() {
    let (dir, agent) = house();
    let lock = lock(dir.path());
    let link = dir.path().join("agents/linked");
    std::os::unix::fs::symlink(agent.parent().unwrap(), &link).unwrap();
    let refused = set_aside(dir.path(), "linked", &link.join("agent"), now(), &lock);
    assert!(matches!(refused, Err(LedgerError::NotPlain { .. })), "{refused:?}");
    assert!(agent.exists());
    std::fs::write(dir.path().join(".keyshoal/quarantine.json"), "{").unwrap();
    assert!(matches!(list(dir.path()), Err(LedgerError::Corrupt { .. })));
    assert!(set_aside(dir.path(), "retired", &agent, now(), &lock).is_err());
    assert!(agent.exists());
}
