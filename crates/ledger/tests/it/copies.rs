//! A state directory that was renamed, copied, restored or opened with another key is noticed.

use crate::world::{
    agent, at, copy, empty_log, kept, keys, may_replace, open, print, profile, seen, step, values, verdict,
};
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::{StoreId, VerdictKind};
use keyshoal_ledger::{Adopt, Identity, Keys, Ledger, LedgerError, OpenMode};
use keyshoal_seal::KeyFile;
use std::fs;
use std::path::{Path, PathBuf};

fn known(state_dir: &Path) {
    fs::create_dir(state_dir).unwrap();
    let ledger = open(state_dir);
    assert_eq!(ledger.identity(), Identity::New);
    let facts = [
        seen("p", 1),
        seen("p", 2),
        kept("a", "p", 3, KeptBy::Person),
        kept("b", "p", 4, KeptBy::Acceptance),
        may_replace("c", "p", 5),
        verdict(1, "openai", VerdictKind::InvalidKey, at(0)),
    ];
    ledger.learn(&facts, at(0)).unwrap();
}

fn home() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().canonicalize().unwrap();
    (home, path)
}

#[test]
fn a_renamed_directory_is_the_same_instance() {
    let (_guard, home) = home();
    let (here, there) = (home.join("here"), home.join("there"));
    known(&here);
    let id = open(&here).instance();
    fs::rename(&here, &there).unwrap();

    let reader = Ledger::open(&there, &keys(), OpenMode::ReadOnly).unwrap();
    assert_eq!(reader.identity(), Identity::Moved { from: here.clone() });
    assert_eq!(values(&reader, "p"), [1, 2], "a rename leaves nothing uncertain");
    assert_eq!(open(&there).identity(), Identity::Moved { from: here.clone() });
    assert_eq!(open(&there).identity(), Identity::Same, "it is said once");
    assert_eq!(open(&there).instance(), id);
    std::os::unix::fs::symlink(&there, &here).unwrap();
    assert_eq!(open(&here).identity(), Identity::Same, "a link leads to the same directory");
}

#[test]
fn nothing_is_certain_in_a_copy_until_answered() {
    let (_guard, home) = home();
    let (here, there) = (home.join("here"), home.join("there"));
    known(&here);
    copy(&here, &there);

    let ledger = open(&there);
    assert_eq!(ledger.identity(), Identity::Copied { from: here.clone(), original_exists: true });
    let knowledge = ledger.knowledge().unwrap();
    assert!(knowledge.generations.is_empty() && knowledge.replace.is_empty());
    assert_eq!(knowledge.kept.len(), 2, "what prevents a write stays");
    let refused = ledger.begin_run("sync", at(1), &[step(StoreId::Base, "a", "b")]).unwrap_err();
    assert!(matches!(refused, LedgerError::Unanswered { .. }), "{refused}");
    assert!(refused.to_string().contains(here.to_str().unwrap()), "{refused}");
    assert!(ledger.learn(&[kept("d", "p", 1, KeptBy::Person)], at(1)).is_err());
    assert!(ledger.confirm_generation(&profile("p"), print(1), at(1)).is_err());
    ledger.learn(&[seen("p", 9), verdict(9, "openai", VerdictKind::Ok, at(1))], at(1)).unwrap();

    let old = open(&here).instance();
    assert_eq!(ledger.adopt(Adopt::AsNew).unwrap(), Identity::Same);
    assert_ne!(ledger.instance(), old);
    assert_eq!(values(&ledger, "p"), [1, 2], "what was merely seen meanwhile was passed over");
    assert_eq!(ledger.knowledge().unwrap().verdicts.len(), 2);
    drop(ledger);
    assert_eq!(open(&there).identity(), Identity::Same);
    assert_eq!(
        (open(&here).identity(), open(&here).instance()),
        (Identity::Same, old),
        "the original goes on"
    );
}

/// A backup that was put back at the same path holds an older memory: it must not pass for today's.
#[test]
fn a_restored_directory_is_noticed_at_its_own_path() {
    let (_guard, home) = home();
    let (here, backup) = (home.join("here"), home.join("backup"));
    known(&here);
    copy(&here, &backup);
    let id = open(&here).instance();
    open(&here).learn(&[seen("p", 3)], at(5)).unwrap();
    fs::remove_dir_all(&here).unwrap();
    copy(&backup, &here);

    let ledger = open(&here);
    assert_eq!(ledger.identity(), Identity::PutBack { at: here.clone() });
    assert!(!ledger.identity().is_certain() && !ledger.identity().to_string().contains("any more"));
    assert_eq!(ledger.adopt(Adopt::AsMoved).unwrap(), Identity::Same);
    assert_eq!((ledger.instance(), values(&ledger, "p")), (id, vec![1, 2]));
    drop(ledger);
    assert_eq!(open(&here).identity(), Identity::Same);
}

/// The ledger file alone was put into another directory that had its own.
#[test]
fn a_ledger_of_another_directory_is_noticed() {
    let (_guard, home) = home();
    let (here, there) = (home.join("here"), home.join("there"));
    known(&here);
    known(&there);
    empty_log(&here.join(".keyshoal/ledger.sqlite"));
    empty_log(&there.join(".keyshoal/ledger.sqlite"));
    fs::copy(here.join(".keyshoal/ledger.sqlite"), there.join(".keyshoal/ledger.sqlite")).unwrap();
    assert_eq!(open(&there).identity(), Identity::Copied { from: here, original_exists: true });
}

#[test]
fn another_fingerprint_key_is_said_and_learned_anew() {
    let (_guard, home) = home();
    let here = home.join("here");
    known(&here);
    let other = Keys { fingerprint: KeyFile::from_bytes([9; 32]), ..keys() };
    let ledger = Ledger::open(&here, &other, OpenMode::ReadWrite).unwrap();
    let identity = ledger.identity();
    assert!(matches!(identity, Identity::OtherKey { .. }), "{identity:?}");
    assert!(identity.to_string().contains(&ledger.fingerprints().id().to_string()), "{identity}");
    let knowledge = ledger.knowledge().unwrap();
    assert!(
        knowledge.generations.is_empty() && knowledge.verdicts.is_empty() && knowledge.replace.is_empty()
    );
    let kept: Vec<_> = knowledge.kept.keys().map(|(agent, _)| agent.clone()).collect();
    assert_eq!(kept, [agent("a")], "a person's mark holds whatever the value is");
    assert!(ledger.begin_run("sync", at(1), &[]).is_err());
    assert!(ledger.adopt(Adopt::AsMoved).is_err(), "nothing makes the fingerprints comparable");
    drop(ledger);
    assert_eq!(open(&here).identity(), Identity::Same, "with the right key nothing is lost");

    let ledger = Ledger::open(&here, &other, OpenMode::ReadWrite).unwrap();
    assert_eq!(ledger.adopt(Adopt::AsNew).unwrap(), Identity::Same);
    assert_eq!(ledger.knowledge().unwrap().kept.len(), 1);
    ledger.learn(&[seen("p", 7)], at(2)).unwrap();
    assert_eq!(values(&ledger, "p"), [7]);
    drop(ledger);
    assert!(matches!(open(&here).identity(), Identity::OtherKey { .. }));
}

/// Two instances never share fingerprints by accident, and the same one always has its own.
#[test]
fn fingerprints_are_the_instances_own() {
    use keyshoal_core::Fingerprints;
    let (_guard, home) = home();
    let (here, there) = (home.join("here"), home.join("there"));
    known(&here);
    known(&there);
    let of = |dir: &Path| open(dir).fingerprints().of(&["api_key", "sk-test"]);
    assert_eq!(of(&here), of(&here));
    assert_ne!(of(&here), of(&there));
}
