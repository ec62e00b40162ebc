//! Writers that come in at the moment in which a file is replaced: theirs is kept, and ours is not taken for another's.

use super::*;
use keyshoal_openclaw::store::Refusal;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

const UNTIL: i64 = 4_102_444_800_000;

/// A store with its state apart, whose profile an authentication failure holds back.
fn start(dir: &Path) -> (StoreFile, PathBuf) {
    let profile = |key: &str| json!({ "type": "api_key", "provider": "openai", "key": key });
    let store = json!({ "version": 1, "profiles": { ID: profile("1"), "other:1": profile("o") } });
    json_store(dir, &store.to_string());
    let state = dir.join("auth-state.json");
    fs::write(&state, marks(1).to_string()).unwrap();
    (StoreFile::json(dir, true), state)
}

fn marks(last_used: u32) -> Value {
    let mark =
        json!({ "cooldownUntil": UNTIL, "cooldownReason": "auth", "errorCount": 2, "lastUsed": last_used });
    json!({ "version": 1, "usageStats": { ID: mark, "other:1": { "lastUsed": last_used } } })
}

/// Truncates a file now and writes it a little later, as a writer without the lock does that had opened it before.
fn slowly(path: &Path, text: String) -> thread::JoinHandle<()> {
    let mut file = fs::OpenOptions::new().write(true).truncate(true).open(path).unwrap();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(15));
        file.write_all(text.as_bytes()).unwrap();
    })
}

/// Without the compare, what is done during a decision under the lock comes between the compare and the replacement.
fn unguarded() -> WriteRules {
    let mut rules = rules();
    rules.safety.compare = false;
    rules
}

fn reset(id: &str) -> Edit {
    Edit::ResetAuthCooldown { profile: ProfileId::new(id), explicit: true }
}

#[test]
fn a_late_write_to_the_state_alone_is_reset_as_well_and_our_own_value_is_no_conflict() {
    let dir = tempfile::tempdir().unwrap();
    let (store, state) = start(dir.path());
    let mut late = None;
    let mut call = 0;
    let written = store
        .update(&unguarded(), &mut |contents| {
            call += 1;
            if call == 2 {
                late = Some(slowly(&state, marks(77).to_string()));
            }
            match key_of(contents, ID).as_deref() {
                Some("1") => Ok(vec![set(ID, "2"), reset(ID)]),
                found => Err(Refusal::Changed { profile: ProfileId::new(ID), found: format!("{found:?}") }),
            }
        })
        .unwrap();
    late.unwrap().join().unwrap();
    assert_eq!((written.changed, written.merged_late_writes), (true, 1));
    let now = store.read().unwrap().contents;
    assert_eq!(key_of(&now, ID).as_deref(), Some("2"));
    assert_eq!(now.usage[&ProfileId::new(ID)].last_used.unwrap().as_millisecond(), 77, "theirs is kept");
    assert!(!now.usage[&ProfileId::new(ID)].auth_block(), "and the cooldown is reset in it");
}

#[test]
fn a_late_write_outlives_an_attempt_that_comes_to_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, state) = start(dir.path());
    let theirs = fs::read_to_string(store.path()).unwrap().replace("\"o\"", "\"theirs\"");
    let mut late = None;
    let mut call = 0;
    let written = store
        .update(&unguarded(), &mut |_| {
            call += 1;
            let mut edits = vec![set(ID, "2"), reset(ID)];
            match call {
                2 => late = Some(slowly(store.path(), theirs.clone())),
                // The attempt that is to merge it finds the other file gone, and begins again.
                3 => {
                    fs::remove_file(&state).unwrap();
                    edits.push(reset("third:1"));
                }
                _ => {}
            }
            Ok(edits)
        })
        .unwrap();
    late.unwrap().join().unwrap();
    assert_eq!(written.merged_late_writes, 1);
    assert_eq!(
        (read_key(&store, ID).as_deref(), read_key(&store, "other:1").as_deref()),
        (Some("2"), Some("theirs"))
    );
}

#[test]
fn the_lock_is_given_back_between_two_attempts() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = start(dir.path());
    let lock = dir.path().join("auth-profiles.json.lock");
    let mut held = Vec::new();
    let mut used = 0;
    store
        .update(&rules(), &mut |_| {
            held.push(lock.exists());
            if held.len() < 8 {
                // Somebody writes without the lock at every look of ours.
                used += 1;
                fs::write(dir.path().join("auth-state.json"), marks(used).to_string()).unwrap();
            }
            Ok(vec![set(ID, "2"), reset(ID)])
        })
        .unwrap();
    assert_eq!(held, [false, true, false, true, false, true, false, true]);
    assert!(!lock.exists());
}

#[test]
fn what_is_written_and_cannot_be_read_back_is_not_said_to_be_unwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (store, state) = start(dir.path());
    let mut call = 0;
    let error = store
        .update(&unguarded(), &mut |_| {
            call += 1;
            if call == 2 {
                // The state breaks at the last moment; only the store is replaced.
                fs::write(&state, "[").unwrap();
                let old = SystemTime::now() - Duration::from_secs(60);
                fs::File::open(&state).unwrap().set_times(fs::FileTimes::new().set_modified(old)).unwrap();
            }
            Ok(vec![set(ID, "2")])
        })
        .unwrap_err();
    assert!(matches!(error, StoreError::Unproven { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains("written, but not proven") && !said.contains("; nothing was written"), "{said}");
    assert!(fs::read_to_string(store.path()).unwrap().contains("\"2\""));
}

#[test]
fn a_store_with_further_names_is_only_read() {
    for with_state in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (json, state) = start(dir.path());
        let linked = if with_state { state } else { json.path().to_owned() };
        let before = fs::read(&linked).unwrap();
        fs::hard_link(&linked, dir.path().join("second")).unwrap();
        assert!(json.read().unwrap().read_only.unwrap().contains("hard links"));
        let error = edit(&json, &[set(ID, "2"), reset(ID)]).unwrap_err();
        assert!(
            matches!(&error, StoreError::ReadOnly { reason, .. } if reason.contains("2 names")),
            "{error}"
        );
        assert_eq!((fs::read(&linked).unwrap(), read_key(&json, ID).as_deref()), (before, Some("1")));
    }
    let dir = tempfile::tempdir().unwrap();
    let (_, stocks) = sample(Layout::SharedRow, dir.path());
    fs::hard_link(stocks.path(), dir.path().join("second")).unwrap();
    assert!(stocks.read().unwrap().read_only.unwrap().contains("hard links"));
    assert!(matches!(edit(&stocks, &[set(ID, "2")]), Err(StoreError::ReadOnly { .. })));
}

#[test]
fn leftovers_beside_the_state_and_beside_a_linked_store_are_swept_too() {
    let dir = tempfile::tempdir().unwrap();
    let (real, links) = (dir.path().join("real"), dir.path().join("links"));
    start(&real);
    fs::create_dir(&links).unwrap();
    for name in ["auth-profiles.json", "auth-state.json"] {
        std::os::unix::fs::symlink(real.join(name), links.join(name)).unwrap();
    }
    let left: Vec<PathBuf> = ["auth-profiles.json", "auth-state.json"]
        .iter()
        .flat_map(|name| [&real, &links].map(|dir| dir.join(format!(".{name}.keyshoal-00ff.tmp"))))
        .collect();
    let age = |path: &PathBuf, seconds| {
        let then = SystemTime::now() - Duration::from_secs(seconds);
        let file = fs::File::create(path).unwrap();
        file.set_times(fs::FileTimes::new().set_modified(then)).unwrap();
    };
    left.iter().for_each(|path| age(path, 3600));
    let at_work = real.join(".auth-state.json.keyshoal-00aa.tmp");
    age(&at_work, 1);
    edit(&StoreFile::json(&links, true), &[set(ID, "2")]).unwrap();
    assert_eq!(left.iter().filter(|path| path.exists()).count(), 0);
    assert!(at_work.exists(), "another writer may be about to use it");
}

#[test]
fn a_store_is_locked_in_every_directory_from_which_a_link_leads_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let (main, linked) = (dir.path().join("main"), dir.path().join("linked"));
    let (store, _) = start(&main);
    fs::create_dir(&linked).unwrap();
    std::os::unix::fs::symlink(store.path(), linked.join("auth-profiles.json")).unwrap();
    let store = store.linked_from(vec![linked.clone(), main.clone()]);
    // The program's lock of the agent that has the link.
    let lock = linked.join("auth-profiles.json.lock");
    let text = json!({ "pid": std::process::id(), "createdAt": jiff::Timestamp::now().to_string() });
    fs::write(&lock, text.to_string()).unwrap();
    thread::scope(|scope| {
        let ours = scope.spawn(|| edit(&store, &[set(ID, "2")]).unwrap());
        thread::sleep(Duration::from_millis(60));
        assert!(!ours.is_finished(), "it waits");
        assert_eq!(read_key(&store, ID).as_deref(), Some("1"));
        fs::remove_file(&lock).unwrap();
        ours.join().unwrap();
    });
    assert_eq!(read_key(&store.links().next().unwrap(), ID).as_deref(), Some("2"));
    assert!(!lock.exists() && !main.join("auth-profiles.json.lock").exists());
}
