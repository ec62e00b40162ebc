//! A vault gets another key.

use crate::world::{House, at, author, change, credential_uid, furnish, id, key, ring, stage, value};
use keyshoal_vault::{Cause, KeyState, RekeyStep, Sources, Vault};

fn nothing(_: RekeyStep) {}

#[test]
fn only_the_new_key_opens_it_then() {
    let (house, mut vault) = House::new();
    furnish(&vault, "one", 0);
    furnish(&vault, "two", 1);
    let mut steps = Vec::new();
    let done = vault.rekey(&key(2), &author(), at(5), &mut |step| steps.push(step)).unwrap();
    assert_eq!((done.from, done.to, done.records), (key(1).key.id(), key(2).key.id(), 6));
    let wrapped = |done| RekeyStep::Wrapped { done, total: 6 };
    assert_eq!(steps, [RekeyStep::Begun, wrapped(4), wrapped(6), RekeyStep::Finished]);
    assert_eq!(vault.values(&id("one")).unwrap().len(), 2);
    drop(vault);
    let error = Vault::open(&house.path(), ring(&[1])).unwrap_err();
    assert!(matches!(error.cause, Cause::WrongKey { wanted, .. } if wanted == key(2).key.id()), "{error}");
    let vault = Vault::open(&house.path(), ring(&[2])).unwrap();
    assert_eq!(vault.values(&id("two")).unwrap()[0].value, value("shared-two"));
    assert_eq!(vault.documents(&id("two")).unwrap()[0].1, value("bot-two"));
    assert_eq!(vault.verify().unwrap().problems, []);
    let states: Vec<_> = vault.status().unwrap().keys.iter().map(|key| (key.id, key.state)).collect();
    assert_eq!(states, [(key(1).key.id(), KeyState::Retired), (key(2).key.id(), KeyState::Active)]);
}

#[test]
fn it_is_used_meanwhile() {
    let (house, mut vault) = House::new();
    furnish(&vault, "one", 0);
    let (old, both) = (house.open(), Vault::open(&house.path(), ring(&[1, 2])).unwrap());
    let mut seen = 0;
    let mut meanwhile = |step| {
        if step == RekeyStep::Finished {
            return;
        }
        seen += 1;
        // Who knows both keys reads and writes; who has the old one hears which is needed, and breaks nothing.
        assert_eq!(both.values(&id("one")).unwrap()[0].value, value("shared-one"));
        if both.instance(&id("one")).unwrap().credentials[0].pending().is_none() {
            change(&both, "one", vec![stage(1, "written-meanwhile")]).unwrap();
        }
        let error = change(&old, "one", vec![stage(2, "by-the-old-key")]).unwrap_err();
        assert!(matches!(error.cause, Cause::WrongKey { .. }), "{error}");
        let mut third = Vault::open(&house.path(), ring(&[1, 2])).unwrap();
        let error = third.rekey(&key(2), &author(), at(6), &mut nothing).unwrap_err();
        assert!(matches!(error.cause, Cause::Busy), "{error}");
    };
    vault.rekey_in_batches(&key(2), &author(), at(5), 1, &mut meanwhile).unwrap();
    assert_eq!(seen, 4);
    let vault = Vault::open(&house.path(), ring(&[2])).unwrap();
    assert_eq!(vault.values(&id("one")).unwrap()[1].value, value("written-meanwhile"));
    assert_eq!(vault.verify().unwrap().problems, []);
}

#[test]
fn one_change_of_the_key_at_a_time() {
    let (house, mut vault) = House::new();
    furnish(&vault, "one", 0);
    // A panic in the middle is as good as a crash: what was committed stays.
    let stop = |step| assert_ne!(step, RekeyStep::Wrapped { done: 1, total: 3 });
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        vault.rekey_in_batches(&key(2), &author(), at(5), 1, &mut { stop })
    }));
    stopped.unwrap_err();
    drop(vault);
    let mut vault = house.open();
    let error = vault.rekey(&key(3), &author(), at(6), &mut nothing).unwrap_err();
    assert!(matches!(error.cause, Cause::OtherRekey { wanted, .. } if wanted == key(2).key.id()), "{error}");
    let open = vault.status().unwrap().rekey.unwrap();
    assert_eq!((open.to, open.left), (key(2).key.id(), 2));
    assert_eq!(vault.rekey(&key(2), &author(), at(7), &mut nothing).unwrap().records, 2);
    assert_eq!(vault.status().unwrap().rekey, None);
    let error = vault.rekey(&key(2), &author(), at(8), &mut nothing).unwrap_err();
    assert!(error.to_string().contains("already"), "{error}");
    // And back to a key that was retired.
    vault.rekey(&key(1), &author(), at(9), &mut nothing).unwrap();
    drop(vault);
    assert_eq!(house.open().verify().unwrap().problems, []);
    assert_eq!(house.open().values(&id("one")).unwrap()[0].credential, credential_uid(1));
}

/// What the old key alone could open is nowhere in the file any more, also not in its log.
#[test]
fn wrapped_keys_of_the_old_key_are_gone() {
    let (house, mut vault) = House::new();
    furnish(&vault, "one", 0);
    let wrapped: Vec<Vec<u8>> = {
        let database = rusqlite::Connection::open(house.path()).unwrap();
        let mut rows = database.prepare("SELECT wrapped FROM versions UNION SELECT wrapped FROM documents UNION SELECT wrapped FROM keys").unwrap();
        let rows = rows.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(wrapped.len(), 4);
    vault.rekey(&key(2), &author(), at(5), &mut nothing).unwrap();
    drop(vault);
    for entry in std::fs::read_dir(house.path().parent().unwrap()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for one in &wrapped {
            assert!(!bytes.windows(24).any(|at| at == &one[9..33]), "a nonce of the old key is left");
        }
    }
}

/// Gives a vault another key and breaks off after the first record.
fn break_off(vault: &mut Vault, to: u8) {
    let stop = |step| assert!(!matches!(step, RekeyStep::Wrapped { done: 1, .. }));
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        vault.rekey_in_batches(&key(to), &author(), at(5), 1, &mut { stop })
    }));
    stopped.unwrap_err();
}

#[test]
fn who_has_it_open_takes_up_the_new_key() {
    let (house, mut vault) = House::new();
    furnish(&vault, "one", 0);
    let reads = house.open().fetching(Box::new(|record| {
        assert_eq!(record.source, key(2).source);
        Ok(key(2).key)
    }));
    let writes = house.open().fetching(Box::new(|_| Ok(key(2).key)));
    let mut staged = false;
    let mut meanwhile = |_| {
        assert_eq!(reads.values(&id("one")).unwrap()[0].value, value("shared-one"));
        assert_eq!(reads.documents(&id("one")).unwrap()[0].1, value("bot-one"));
        if !std::mem::replace(&mut staged, true) {
            change(&writes, "one", vec![stage(1, "written-meanwhile")]).unwrap();
        }
    };
    vault.rekey_in_batches(&key(2), &author(), at(5), 1, &mut meanwhile).unwrap();
    assert_eq!(house.open_with(&[2]).verify().unwrap().problems, []);
    // Also who looks only when all of it is over.
    let late = house.open_with(&[2]).fetching(Box::new(|_| Ok(key(3).key)));
    vault.rekey(&key(3), &author(), at(6), &mut nothing).unwrap();
    assert_eq!(late.verify().unwrap().problems, []);
    assert_eq!(late.values(&id("one")).unwrap()[0].value, value("shared-one"));
}

#[test]
fn a_new_key_that_cannot_be_had_is_no_damage() {
    let (house, mut vault) = House::new();
    furnish(&vault, "one", 0);
    let nowhere = house.open().fetching(Box::new(|_| Err("nobody knows it".to_owned())));
    let another = house.open().fetching(Box::new(|_| Ok(key(9).key)));
    vault.rekey(&key(2), &author(), at(5), &mut nothing).unwrap();
    for (vault, why) in [(nowhere, "nobody knows it"), (another, "gives key")] {
        let error = vault.values(&id("one")).unwrap_err();
        assert!(
            matches!(error.cause, Cause::KeyAbsent { wanted, .. } if wanted == key(2).key.id()),
            "{error}"
        );
        assert!(error.to_string().contains(why) && error.to_string().contains("/keys/2.key"), "{error}");
        let error = change(&vault, "one", vec![stage(1, "unwritten")]).unwrap_err();
        assert!(matches!(error.cause, Cause::KeyAbsent { .. }), "{error}");
    }
}

#[test]
fn nothing_is_repaired_while_a_key_is_absent() {
    let (house, mut vault) = House::new();
    furnish(&vault, "one", 0);
    break_off(&mut vault, 2);
    for (at_hand, absent) in [(1, 2), (2, 1)] {
        let vault = house.open_with(&[at_hand]);
        let sources = Sources { take_out: true, ..Sources::default() };
        let error = vault.try_repair(sources, &author(), at(6)).unwrap_err();
        assert!(
            matches!(error.cause, Cause::KeyAbsent { wanted, .. } if wanted == key(absent).key.id()),
            "{error}"
        );
    }
    let whole = house.open_with(&[1, 2]);
    assert_eq!(whole.try_repair(Sources::default(), &author(), at(6)).unwrap(), []);
    assert_eq!(whole.verify().unwrap().problems, []);
}
