//! Other writers at work on the same database, and OpenClaw's doctor.

use super::competition::{act_during, without};
use super::*;
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

#[test]
fn a_database_is_read_and_written_in_one_transaction() {
    for lock in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let (_, stocks) = sample(Layout::SharedRow, dir.path());
        let other = rusqlite::Connection::open(stocks.path()).unwrap();
        other.busy_timeout(Duration::ZERO).unwrap();
        let sql = "UPDATE auth_profile_store SET store_json = replace(store_json, 'stocks-', 'theirs-')";
        let mut theirs = None;
        let rules = without(|safety| safety.lock = lock);
        let result = act_during(&stocks, &rules, 0, || theirs = Some(other.execute(sql, [])));
        match lock {
            true => {
                assert!(theirs.unwrap().is_err(), "they must wait");
                assert_eq!(key_of(&result.unwrap().contents, ID).as_deref(), Some("2"));
            }
            // SQLite itself refuses to build on what has changed; nothing is lost, but nothing is written either.
            false => {
                theirs.unwrap().unwrap();
                assert!(matches!(result, Err(StoreError::Locked { .. })));
                assert_eq!(read_key(&stocks, ID).as_deref(), Some("theirs-1"));
            }
        }
    }
}

#[test]
fn many_writers_of_one_database_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (base, _) = sample(Layout::SharedRow, dir.path());
    edit(&base, &[set(ID, "0")]).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let add = |contents: &StoreContents| {
                        let now: u32 = key_of(contents, ID).unwrap().parse().unwrap();
                        Ok(vec![set(ID, &(now + 1).to_string())])
                    };
                    base.update(&rules(), &mut |contents| add(contents)).unwrap();
                }
            });
        }
    });
    assert_eq!(read_key(&base, ID).as_deref(), Some("100"));
}

/// The base store of an installation, and where a doctor at work on it has its lock.
fn base_and_lock(dir: &Path) -> (StoreFile, PathBuf) {
    let (base, _) = sample(Layout::SharedRow, dir);
    let locks = dir.join("tmp/openclaw-0");
    fs::create_dir_all(&locks).unwrap();
    (base.within(dir), locks.join("gateway.state.lock"))
}

#[test]
fn the_doctor_at_work_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (base, lock) = base_and_lock(dir.path());
    let write = |role: &str, pid: u32| {
        fs::write(
            &lock,
            json!({ "pid": pid, "createdAt": "x", "configPath": "x", "role": role }).to_string(),
        )
        .unwrap();
    };
    write("gateway", std::process::id());
    edit(&base, &[set(ID, "2")]).unwrap();
    write("sqlite-maintenance", std::process::id());
    let waiting = {
        let base = base.clone();
        thread::spawn(move || edit(&base, &[set(ID, "3")]).unwrap())
    };
    thread::sleep(Duration::from_millis(150));
    assert!(!waiting.is_finished());
    fs::remove_file(&lock).unwrap();
    waiting.join().unwrap();
    assert_eq!(read_key(&base, ID).as_deref(), Some("3"));
    // It begins after we have looked, just before our transaction: that one writes nothing, and another one follows.
    thread::scope(|scope| {
        let db = rusqlite::Connection::open(base.path()).unwrap();
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        let ours = scope.spawn(|| edit(&base, &[set(ID, "4")]).unwrap());
        thread::sleep(Duration::from_millis(100));
        write("sqlite-maintenance", std::process::id());
        db.execute_batch("COMMIT").unwrap();
        thread::sleep(Duration::from_millis(200));
        assert!(!ours.is_finished());
        assert_eq!(read_key(&base, ID).as_deref(), Some("3"));
        fs::remove_file(&lock).unwrap();
        ours.join().unwrap();
    });
    assert_eq!(read_key(&base, ID).as_deref(), Some("4"));
}

#[test]
fn a_doctor_that_cannot_be_seen_from_here_is_not_taken_for_dead() {
    let dir = tempfile::tempdir().unwrap();
    let (base, lock) = base_and_lock(dir.path());
    // A doctor in a namespace of its own, where it is process 1; that it began when this process did not tells it from our own 1.
    let mut unshare = std::process::Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    let other = unshare
        .args(["--pid", "--fork", "--kill-child", "sh", "-c", "echo up; exec sleep 60"])
        .stdout(std::process::Stdio::piped())
        .spawn();
    let mut other = other.expect("this test needs unshare of util-linux");
    let mut up = [0; 3];
    std::io::Read::read_exact(other.stdout.as_mut().unwrap(), &mut up).unwrap();
    let start = {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", other.id())).unwrap();
        let stat = fs::read_to_string(format!("/proc/{}/stat", children.trim())).unwrap();
        let after = stat.rsplit_once(')').unwrap().1.to_owned();
        after.split_whitespace().nth(19).unwrap().parse::<i64>().unwrap()
    };
    let note = |pid: u32, start: i64| {
        let text = json!({ "pid": pid, "startTime": start, "role": "sqlite-maintenance" }).to_string();
        fs::write(&lock, text).unwrap();
    };
    note(1, start);
    thread::scope(|scope| {
        let ours = scope.spawn(|| edit(&base, &[set(ID, "2")]).unwrap());
        thread::sleep(Duration::from_millis(250));
        assert!(!ours.is_finished(), "it is waited for");
        assert_eq!(read_key(&base, ID).as_deref(), Some("base-1"));
        other.kill().unwrap();
        other.wait().unwrap();
        fs::remove_file(&lock).unwrap();
        ours.join().unwrap();
    });
    // Long ago, and nothing of it can be seen: no doctor works for that long.
    note(1, start);
    let then = SystemTime::now() - Duration::from_secs(3600);
    fs::File::options().write(true).open(&lock).unwrap().set_modified(then).unwrap();
    edit(&base, &[set(ID, "3")]).unwrap();
}
