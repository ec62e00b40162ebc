//! One run at a time, in one process or in several, however they end.

use crate::crash::Helper;
use crate::world::at;
use keyshoal_ledger::{LockError, RunLock};
use std::fs;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(60);

#[test]
fn the_second_is_told_who_is_first() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(RunLock::holder(dir.path()).unwrap(), None);
    let first = RunLock::acquire(dir.path(), "sync --yes", at(0), NOW).unwrap();
    let error = RunLock::acquire(dir.path(), "set", at(1), NOW).unwrap_err();
    let LockError::Held { holder: Some(holder), .. } = &error else { panic!("{error}") };
    assert_eq!((holder.pid, holder.command.as_str()), (std::process::id(), "sync --yes"));
    assert_eq!(holder.since.as_second(), at(0).as_second());
    assert!(error.to_string().contains("keyshoal sync --yes"), "{error}");
    assert_eq!(RunLock::holder(dir.path()).unwrap().as_ref(), Some(holder));

    drop(first);
    assert_eq!(RunLock::holder(dir.path()).unwrap(), None);
    let short = RunLock::acquire(dir.path(), "x", at(2), NOW).unwrap();
    assert_eq!(
        RunLock::holder(dir.path()).unwrap().unwrap().command,
        "x",
        "the longer old text shows through"
    );
    drop(short);
}

#[test]
fn who_waits_gets_it_when_the_first_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let first = RunLock::acquire(dir.path(), "sync", at(0), NOW).unwrap();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| RunLock::acquire(dir.path(), "set", at(1), LONG).map(drop));
        drop(first);
        second.join().unwrap().unwrap();
    });
}

/// Never two at once, however many try.
#[test]
fn never_two_at_once() {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    let dir = tempfile::tempdir().unwrap();
    let (inside, entered) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let lock = RunLock::acquire(dir.path(), "sync", at(0), LONG).unwrap();
                    assert_eq!(inside.fetch_add(1, SeqCst), 0, "two were inside");
                    entered.fetch_add(1, SeqCst);
                    std::thread::yield_now();
                    inside.fetch_sub(1, SeqCst);
                    drop(lock);
                }
            });
        }
    });
    assert_eq!(entered.load(SeqCst), 40);
}

/// Another process holds it, and then is killed without a chance to give it back.
#[test]
fn a_killed_holder_keeps_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut helper = Helper::start("hold_the_lock", dir.path());
    let error = RunLock::acquire(dir.path(), "set", at(1), NOW).unwrap_err();
    let LockError::Held { holder: Some(holder), .. } = &error else { panic!("{error}") };
    assert_eq!((holder.pid, holder.command.as_str()), (helper.pid(), "helper"));
    helper.kill();
    assert_eq!(RunLock::holder(dir.path()).unwrap(), None, "a dead holder still counts");
    RunLock::acquire(dir.path(), "set", at(1), NOW).unwrap();
}

/// What stands in the file is for people: the kernel's lock alone decides.
#[test]
fn garbage_does_not_fool_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(".keyshoal/run.lock");
    drop(RunLock::acquire(dir.path(), "sync", at(0), NOW).unwrap());
    for garbage in [&b""[..], b"{", b"{\"pid\":\"x\"}", &[0xff; 9000]] {
        fs::write(&file, garbage).unwrap();
        let lock = RunLock::acquire(dir.path(), "sync", at(0), NOW).unwrap();
        assert_eq!(RunLock::holder(dir.path()).unwrap().unwrap().command, "sync");
        fs::write(&file, garbage).unwrap();
        let error = RunLock::acquire(dir.path(), "sync", at(0), NOW).unwrap_err();
        assert!(matches!(&error, LockError::Held { holder: None, .. }), "{error}");
        assert!(RunLock::holder(dir.path()).unwrap().is_some(), "held, whatever stands in it");
        drop(lock);
    }
}
