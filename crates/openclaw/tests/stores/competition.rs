//! Other writers at work on the same store: nobody's update is lost, and each protection is seen to matter.

use super::*;
use keyshoal_openclaw::store::Safety;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

const OTHER: &str = "other:1";

fn both(key: &str, count: u32) -> Value {
    json!({ "version": 1, "profiles": {
        ID: { "type": "api_key", "provider": "openai", "key": key },
        OTHER: { "type": "api_key", "provider": "other", "key": count.to_string() },
    }})
}

fn count(store: &StoreFile) -> u32 {
    read_key(store, OTHER).unwrap().parse().unwrap()
}

/// The program: reads, adds one to its own value, writes the way its releases do.
struct Program {
    path: PathBuf,
}

impl Program {
    fn of(store: &StoreFile) -> Self {
        Self { path: store.path().to_owned() }
    }

    fn added(&self) -> String {
        let mut now: Value = serde_json::from_slice(&fs::read(&self.path).unwrap()).unwrap();
        let value = now["profiles"][OTHER]["key"].as_str().unwrap().parse::<u32>().unwrap() + 1;
        now["profiles"][OTHER]["key"] = value.to_string().into();
        format!("{now:#}\n")
    }

    /// As 2026.3.28: truncates and writes in place.
    fn in_place(&self) {
        fs::write(&self.path, self.added()).unwrap();
    }

    /// As 2026.4.8 and later: another file in its place.
    fn by_rename(&self) {
        let new = self.path.with_extension("json.theirs");
        fs::write(&new, self.added()).unwrap();
        fs::rename(new, &self.path).unwrap();
    }

    /// Truncates now and writes later.
    fn slowly(&self, pause: Duration) -> thread::JoinHandle<()> {
        let text = self.added();
        let mut file = fs::OpenOptions::new().write(true).truncate(true).open(&self.path).unwrap();
        thread::spawn(move || {
            let (first, rest) = text.split_at(text.len() / 2);
            thread::sleep(pause / 2);
            file.write_all(first.as_bytes()).unwrap();
            thread::sleep(pause / 2);
            file.write_all(rest.as_bytes()).unwrap();
        })
    }

    fn lock_path(&self) -> PathBuf {
        self.path.with_extension("json.lock")
    }

    fn lock(&self, pid: u32, created: SystemTime) {
        let created = jiff::Timestamp::try_from(created).unwrap();
        while fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.lock_path())
            .and_then(|mut file| write!(file, "{{\n  \"pid\": {pid},\n  \"createdAt\": \"{created:.3}\"\n}}"))
            .is_err()
        {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn unlock(&self) {
        fs::remove_file(self.lock_path()).unwrap();
    }
}

fn start(dir: &Path) -> (StoreFile, Program) {
    let store = json_store(dir, &both("1", 0).to_string());
    let program = Program::of(&store);
    (store, program)
}

pub(crate) fn without(change: impl FnOnce(&mut Safety)) -> WriteRules {
    let mut rules = rules();
    change(&mut rules.safety);
    rules
}

/// Runs an update during which the program acts at the given call of `decide`: 0 is before the lock, 1 under it, after the read.
pub(crate) fn act_during(
    store: &StoreFile,
    rules: &WriteRules,
    at: u32,
    mut act: impl FnMut(),
) -> Result<Written, StoreError> {
    let mut call = 0;
    store.update(rules, &mut |_| {
        if call == at {
            act();
        }
        call += 1;
        Ok(vec![set(ID, "2")])
    })
}

#[test]
fn a_lock_free_writer_is_noticed_before_the_replacement() {
    let write: [fn(&Program); 2] = [Program::in_place, Program::by_rename];
    for write in write {
        for (compare, kept) in [(true, 1), (false, 0)] {
            let dir = tempfile::tempdir().unwrap();
            let (store, program) = start(dir.path());
            // The late-write check alone would save the in-place writer: this is about the compare.
            let rules = without(|safety| (safety.compare, safety.late_write_check) = (compare, false));
            act_during(&store, &rules, 1, || write(&program)).unwrap();
            assert_eq!(
                (read_key(&store, ID).as_deref(), count(&store)),
                (Some("2"), kept),
                "compare: {compare}"
            );
        }
    }
}

#[test]
fn a_write_into_the_replaced_file_is_merged() {
    for (check, kept) in [(true, 1), (false, 0)] {
        let dir = tempfile::tempdir().unwrap();
        let (store, program) = start(dir.path());
        // Without the compare the program gets to the point that only microseconds separate in reality: it has opened and
        // truncated the file, we replace it, and then it writes.
        let rules = without(|safety| (safety.compare, safety.late_write_check) = (false, check));
        let mut late = None;
        let written = act_during(&store, &rules, 1, || {
            late = Some(program.slowly(Duration::from_millis(30)));
        })
        .unwrap();
        late.unwrap().join().unwrap();
        assert_eq!((read_key(&store, ID).as_deref(), count(&store)), (Some("2"), kept), "check: {check}");
        assert_eq!(written.merged_late_writes, kept);
    }
}

#[test]
fn a_file_that_slipped_in_is_merged() {
    let dir = tempfile::tempdir().unwrap();
    let (store, program) = start(dir.path());
    // Without the compare, another file takes the place at the moment that lies between the compare and the replacement.
    let rules = without(|safety| safety.compare = false);
    let written = act_during(&store, &rules, 1, || program.by_rename()).unwrap();
    assert_eq!((read_key(&store, ID).as_deref(), count(&store)), (Some("2"), 1));
    assert_eq!((written.merged_late_writes, fs::read_dir(dir.path()).unwrap().count()), (1, 1));
}

#[test]
fn a_late_write_is_kept_even_if_the_edit_is_then_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (store, program) = start(dir.path());
    let rules = without(|safety| safety.compare = false);
    let mut call = 0;
    let mut late = None;
    let result = store.update(&rules, &mut |contents| {
        if call == 1 {
            late = Some(program.slowly(Duration::from_millis(10)));
        }
        call += 1;
        match key_of(contents, OTHER).as_deref() {
            Some("0") => Ok(vec![set(ID, "2")]),
            _ => Err(keyshoal_openclaw::store::Refusal::Other("it changed".into())),
        }
    });
    late.unwrap().join().unwrap();
    assert!(matches!(result, Err(StoreError::Refused { .. })));
    assert_eq!(
        (read_key(&store, ID).as_deref(), count(&store)),
        (Some("1"), 1),
        "theirs as it was, ours not made"
    );
}

#[test]
fn the_programs_lock_is_respected() {
    for lock in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let (store, program) = start(dir.path());
        program.lock(std::process::id(), SystemTime::now());
        let stale = program.added();
        let ours = {
            let (store, rules) = (store.clone(), without(|safety| safety.lock = lock));
            thread::spawn(move || store.update(&rules, &mut |_| Ok(vec![set(ID, "2")])).unwrap())
        };
        if lock {
            thread::sleep(Duration::from_millis(40));
            assert!(!ours.is_finished(), "it waits for the lock");
            fs::write(&program.path, stale).unwrap();
            program.unlock();
            ours.join().unwrap();
            assert_eq!((read_key(&store, ID).as_deref(), count(&store)), (Some("2"), 1));
        } else {
            ours.join().unwrap();
            fs::write(&program.path, stale).unwrap();
            assert_eq!(read_key(&store, ID).as_deref(), Some("1"), "without the lock ours is lost");
        }
    }
}

#[test]
fn a_reader_that_caches_by_modification_time_sees_the_new_value() {
    for distinct in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let (store, program) = start(dir.path());
        let known = fs::metadata(&program.path).unwrap().modified().unwrap();
        // The run happens to have just the time that the program knows.
        let mut rules = without(|safety| safety.distinct_time = distinct);
        rules.mtime = Some(known);
        store.update(&rules, &mut |_| Ok(vec![set(ID, "2")])).unwrap();
        let now = fs::metadata(&program.path).unwrap().modified().unwrap();
        assert_eq!(now != known, distinct);
    }
}

#[test]
fn a_half_written_file_is_read_again_under_the_lock() {
    for retry in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let (store, program) = start(dir.path());
        let rules = without(|safety| safety.torn_read_retry = retry);
        let pause = Duration::from_millis(if retry { 20 } else { 2000 });
        let late = program.slowly(pause);
        let result = store.update(&rules, &mut |_| Ok(vec![set(ID, "2")]));
        if retry {
            result.unwrap();
            late.join().unwrap();
            assert_eq!((read_key(&store, ID).as_deref(), count(&store)), (Some("2"), 1));
        } else {
            assert!(matches!(result, Err(StoreError::Unreadable { .. })));
        }
    }
}

#[test]
fn stale_locks_are_broken() {
    let dir = tempfile::tempdir().unwrap();
    let (store, program) = start(dir.path());
    let long_ago = SystemTime::now() - Duration::from_secs(31);
    let aged = |age: u64| {
        let file = fs::OpenOptions::new().write(true).open(program.lock_path()).unwrap();
        let then = SystemTime::now() - Duration::from_secs(age);
        file.set_times(fs::FileTimes::new().set_modified(then)).unwrap();
    };
    // A living process whose lock is older than 30 s by its own word.
    program.lock(std::process::id(), long_ago);
    edit(&store, &[set(ID, "2")]).unwrap();
    // By the file's age, with nothing readable in it.
    fs::write(program.lock_path(), "").unwrap();
    aged(31);
    edit(&store, &[set(ID, "3")]).unwrap();
    // A process that is dead.
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    program.lock(child.id(), SystemTime::now());
    aged(3);
    edit(&store, &[set(ID, "4")]).unwrap();
    assert_eq!(read_key(&store, ID).as_deref(), Some("4"));
    assert!(!program.lock_path().exists());
}

#[test]
fn who_took_our_lock_away_is_waited_for_and_nothing_of_either_side_is_lost() {
    // 0 is before the lock, 1 under it.
    for at in [0, 1] {
        let dir = tempfile::tempdir().unwrap();
        let (store, program) = start(dir.path());
        let mut theirs = None;
        act_during(&store, &rules(), at, || {
            // As the real program does when a lock is given back while it looks at it: it removes the next one for it, reads,
            // and writes a little later.
            let _ = fs::remove_file(program.lock_path());
            program.lock(std::process::id(), SystemTime::now());
            let (program, stale) = (Program::of(&store), program.added());
            theirs = Some(thread::spawn(move || {
                thread::sleep(Duration::from_millis(40));
                assert!(program.lock_path().exists(), "what is theirs stays");
                fs::write(&program.path, stale).unwrap();
                program.unlock();
            }));
        })
        .unwrap();
        theirs.unwrap().join().unwrap();
        assert_eq!((read_key(&store, ID).as_deref(), count(&store)), (Some("2"), 1), "call {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// The program acts in any of its ways at any of our reads; both sides' updates are there at the end.
    #[test]
    fn no_update_of_either_side_is_lost(plan in proptest::collection::vec(proptest::option::of(0..3u8), 1..8)) {
        let dir = tempfile::tempdir().unwrap();
        let (store, program) = start(dir.path());
        let mut acts = plan.into_iter();
        let mut done = 0;
        let mut writers = Vec::new();
        for key in ["2", "3"] {
            store.update(&rules(), &mut |_| {
                let busy = writers.last().is_some_and(|writer: &thread::JoinHandle<()>| !writer.is_finished());
                match acts.next().flatten() {
                    // A program that is not done with its last write cannot begin another one.
                    Some(_) if busy => {}
                    Some(0) => { program.in_place(); done += 1; }
                    Some(1) => { program.by_rename(); done += 1; }
                    Some(_) => { writers.push(program.slowly(Duration::from_millis(6))); done += 1; }
                    None => {}
                }
                Ok(vec![set(ID, key)])
            }).unwrap();
        }
        for writer in writers {
            writer.join().unwrap();
        }
        prop_assert_eq!((read_key(&store, ID), count(&store)), (Some("3".to_owned()), done));
    }
}

#[test]
fn many_writers_with_locks_and_caches_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = start(dir.path());
    let rounds = 60;
    let ours = Arc::new(AtomicU32::new(0));
    thread::scope(|scope| {
        // The program as 2026.3.28 has it: lock, a cache by modification time, writes in place.
        scope.spawn(|| {
            let program = Program::of(&store);
            let mut cache: Option<(SystemTime, Value)> = None;
            for _ in 0..rounds {
                program.lock(std::process::id(), SystemTime::now());
                let modified = |path| fs::metadata(path).unwrap().modified().unwrap();
                let mut now = match &cache {
                    Some((at, value)) if *at == modified(&program.path) => value.clone(),
                    _ => serde_json::from_slice(&fs::read(&program.path).unwrap()).unwrap(),
                };
                let value = now["profiles"][OTHER]["key"].as_str().unwrap().parse::<u32>().unwrap() + 1;
                now["profiles"][OTHER]["key"] = value.to_string().into();
                fs::write(&program.path, format!("{now:#}\n")).unwrap();
                cache = Some((modified(&program.path), now));
                program.unlock();
                thread::sleep(Duration::from_millis(1));
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..rounds {
                    let rules = WriteRules::new(SystemTime::now(), true);
                    let add = |contents: &StoreContents| {
                        let now: u32 = key_of(contents, ID).unwrap().parse().unwrap();
                        Ok(vec![set(ID, &(now + 1).to_string())])
                    };
                    store.update(&rules, &mut |contents| add(contents)).unwrap();
                    ours.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let mine = read_key(&store, ID).unwrap().parse::<u32>().unwrap();
    assert_eq!((mine, count(&store)), (1 + ours.load(Ordering::Relaxed), rounds));
}
