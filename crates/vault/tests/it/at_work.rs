//! Who works on a rotation has it alone, and leaves nothing behind.

use crate::world::{House, at, author, credential_uid};
use keyshoal_vault::Cause;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn one_is_at_work_and_the_next_is_told_who() {
    let (house, vault) = House::new();
    let other = house.open();
    let first = vault.work_on_rotation(credential_uid(1), &author(), at(7)).unwrap();
    let error = other.work_on_rotation(credential_uid(1), &author(), at(8)).unwrap_err();
    let said = error.to_string();
    for part in ["another keyshoal is at work", "ann@there", &std::process::id().to_string()] {
        assert!(matches!(error.cause, Cause::AtWork(_)) && said.contains(part), "{said}");
    }
    // Another credential is another matter.
    drop(other.work_on_rotation(credential_uid(2), &author(), at(8)).unwrap());
    drop(first);
    drop(other.work_on_rotation(credential_uid(1), &author(), at(9)).unwrap());
    let names = std::fs::read_dir(house.path().parent().unwrap()).unwrap();
    let left: Vec<String> = names.map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| !name.contains("rotation")), "{left:?}");
}

#[test]
fn a_file_that_somebody_left_is_taken_over() {
    let (house, vault) = House::new();
    let left = format!("{}.rotation-{}", house.path().display(), credential_uid(1));
    std::fs::write(&left, "somebody, process 1, since long ago").unwrap();
    let held = vault.work_on_rotation(credential_uid(1), &author(), at(7)).unwrap();
    assert!(std::fs::read_to_string(&left).unwrap().starts_with("ann@there"));
    drop(held);
    assert!(!std::path::Path::new(&left).exists());
}

#[test]
fn who_is_at_work_is_known_to_whoever_asks() {
    let (house, vault) = House::new();
    let other = house.open();
    let who = || other.who_is_at_work(credential_uid(1)).unwrap();
    assert_eq!(who(), None);
    let left = format!("{}.rotation-{}", house.path().display(), credential_uid(1));
    std::fs::write(&left, "somebody, process 1, since long ago").unwrap();
    assert_eq!(who(), None, "nobody has the lock of a file that was left");
    let held = vault.work_on_rotation(credential_uid(1), &author(), at(7)).unwrap();
    let said = who().unwrap();
    assert!(said.contains("ann@there") && said.contains(&std::process::id().to_string()), "{said}");
    assert_eq!(other.who_is_at_work(credential_uid(2)).unwrap(), None);
    drop(held);
    assert_eq!(who(), None);
}

/// Where a file was left, who asks takes a part in its lock for a moment: that keeps nobody from beginning.
#[test]
fn asking_keeps_nobody_out() {
    let (house, vault) = House::new();
    let left = format!("{}.rotation-{}", house.path().display(), credential_uid(1));
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let other = house.open();
            while !over.load(Ordering::SeqCst) {
                other.who_is_at_work(credential_uid(1)).unwrap();
            }
        });
        let begun = (0..2000).all(|_| {
            std::fs::write(&left, "").unwrap();
            vault.work_on_rotation(credential_uid(1), &author(), at(7)).is_ok()
        });
        over.store(true, Ordering::SeqCst);
        assert!(begun, "who only asked was taken for one at work");
    });
}

/// The file comes and goes under everybody's feet: still never two at once.
#[test]
fn never_two_at_once() {
    let (house, _vault) = House::new();
    let (inside, turns) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let vault = house.open();
                for _ in 0..300 {
                    match vault.work_on_rotation(credential_uid(1), &author(), at(7)) {
                        Ok(held) => {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            std::thread::yield_now();
                            inside.fetch_sub(1, Ordering::SeqCst);
                            turns.fetch_add(1, Ordering::SeqCst);
                            drop(held);
                        }
                        Err(error) => assert!(matches!(error.cause, Cause::AtWork(_)), "{error}"),
                    }
                }
            });
        }
    });
    assert!(turns.into_inner() > 0);
}
