//! A vault whose file is moved, restored or replaced while it is open.

use crate::world::{House, at, author, change, credential, furnish, id, key, ring};
use keyshoal_vault::{Cause, Vault};
use std::path::{Path, PathBuf};

fn put_to(from: &Path, to: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let name = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
        if name(from).exists() {
            std::fs::rename(name(from), name(to)).unwrap();
        }
    }
}

fn backed_up() -> (House, Vault, PathBuf) {
    let (house, vault) = House::new();
    furnish(&vault, "one", 0);
    let backup = house.dir.path().join("one.backup");
    vault.backup(&backup, &author(), at(5), &mut |_| ()).unwrap();
    (house, vault, backup)
}

#[test]
fn whoever_has_it_open_goes_by_the_file_that_is_there() {
    let (house, vault, backup) = backed_up();
    let before = vault.instance(&id("one")).unwrap();
    change(&vault, "one", vec![credential(30, "anthropic:later", None, "later")]).unwrap();
    put_to(&house.path(), &house.dir.path().join("aside.sqlite"));
    Vault::restore(&backup, &house.path(), ring(&[1]), None, &author(), at(6)).unwrap();
    assert_eq!(vault.instance(&id("one")).unwrap(), before);
    assert_eq!(vault.times_anew(), 1);
    // What another process does there is seen, and what this one does is done there.
    let other = Vault::open(&house.path(), ring(&[1])).unwrap();
    change(&other, "one", vec![credential(31, "anthropic:other", None, "other")]).unwrap();
    assert_eq!(vault.instance(&id("one")).unwrap(), other.instance(&id("one")).unwrap());
    change(&vault, "one", vec![credential(32, "anthropic:own", None, "own")]).unwrap();
    assert_eq!(vault.instance(&id("one")).unwrap(), other.instance(&id("one")).unwrap());
    assert_eq!(vault.times_anew(), 1);
    assert_eq!((vault.verify().unwrap().problems, other.verify().unwrap().problems), (vec![], vec![]));
    let aside = Vault::open(&house.dir.path().join("aside.sqlite"), ring(&[1])).unwrap();
    assert_eq!(aside.instance(&id("one")).unwrap().revision, before.revision + 1);
    assert_eq!(aside.verify().unwrap().problems, []);
}

#[test]
fn what_was_read_of_another_file_is_no_ground_for_a_change() {
    let (house, vault, backup) = backed_up();
    let revision = vault.instance(&id("one")).unwrap().revision;
    put_to(&house.path(), &house.dir.path().join("aside.sqlite"));
    Vault::restore(&backup, &house.path(), ring(&[1]), None, &author(), at(6)).unwrap();
    let write = || vault.change(&id("one"), revision, vec![], &author(), at(7));
    let refused = write().unwrap_err();
    assert!(matches!(refused.cause, Cause::Replaced) && refused.is_retryable(), "{refused}");
    write().unwrap();
}

#[test]
fn one_that_is_gone_or_another_one_is_said_until_it_is_back() {
    let (house, vault, _) = backed_up();
    let aside = house.dir.path().join("aside.sqlite");
    put_to(&house.path(), &aside);
    let gone = vault.instances().unwrap_err();
    assert!(matches!(gone.cause, Cause::Gone), "{gone}");
    let change = vault.change(&id("one"), 1, vec![], &author(), at(6)).unwrap_err();
    assert!(matches!(change.cause, Cause::Gone), "{change}");
    Vault::create(&house.path(), &key(1), &author(), at(6)).unwrap();
    let another = vault.instances().unwrap_err();
    assert!(matches!(another.cause, Cause::Another), "{another}");
    put_to(&house.path(), &house.dir.path().join("another.sqlite"));
    put_to(&aside, &house.path());
    assert_eq!(vault.instances().unwrap().len(), 1);
    assert_eq!(vault.times_anew(), 0, "it is the file that it was");
}
