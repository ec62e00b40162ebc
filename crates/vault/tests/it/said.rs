//! What is said of a vault that cannot be read: which way leads out, and in how many lines.

use crate::world::{House, at, author, furnish, key, ring};
use keyshoal_vault::{Cause, Vault};

#[test]
fn of_damage_to_what_opens_it_only_a_backup_is_named() {
    for sql in [
        "UPDATE vault SET created = created + 1",
        "DELETE FROM vault",
        "DELETE FROM keys",
        "UPDATE keys SET added = added + 1",
        "UPDATE keys SET id = zeroblob(8)",
        "UPDATE keys SET wrapped = zeroblob(length(wrapped))",
        "UPDATE keys SET wrapped = CAST(substr(wrapped, 1, 20) || zeroblob(length(wrapped) - 20) AS BLOB)",
        "UPDATE keys SET source = 'x'",
    ] {
        let (house, vault) = House::new();
        drop(vault);
        assert_eq!(house.meddle(sql), 1, "{sql}");
        let error = Vault::open(&house.path(), ring(&[1])).unwrap_err();
        assert!(matches!(error.cause, Cause::Header(_)), "{sql}: {error}");
        let said = error.to_string();
        assert!(said.contains("vault restore") && !said.contains("vault repair"), "{sql}: {said}");
    }
}

#[test]
fn of_a_damaged_backup_nobody_is_sent_to_mend_a_vault() {
    let (house, vault) = House::new();
    furnish(&vault, "one", 0);
    let backup = house.dir.path().join("one.backup");
    vault.backup(&backup, &author(), at(5), &mut |_| ()).unwrap();
    let mut bytes = std::fs::read(&backup).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&backup, bytes).unwrap();
    let to = house.dir.path().join("made/vault.sqlite");
    let restored = Vault::restore(&backup, &to, ring(&[1]), None, &author(), at(6)).unwrap_err();
    let verified = Vault::verify_backup(&backup, &ring(&[1])).unwrap_err();
    for error in [restored, verified, Vault::read_backup(&backup, &ring(&[1])).unwrap_err()] {
        assert!(matches!(error.cause, Cause::DamagedBackup(_)) && error.path == backup, "{error}");
        assert!(!error.to_string().contains("repair"), "{error}");
    }
}

#[test]
fn a_key_that_is_not_at_hand_is_one_line() {
    let (house, mut vault) = House::new();
    furnish(&vault, "one", 0);
    let mut seen = Vec::new();
    let mut meanwhile = |_| {
        if let Ok(other) = Vault::open(&house.path(), ring(&[1])) {
            seen.push(other.verify().unwrap().problems);
        }
    };
    vault.rekey_in_batches(&key(2), &author(), at(5), 2, &mut meanwhile).unwrap();
    let all: Vec<_> = seen.iter().flatten().map(|one| (one.what.as_str(), one.why.as_str())).collect();
    let wanted = format!(
        "2 records: what is sealed under key {} ({}) does not open, as that key is not at hand; nothing of it is damaged, and nothing was changed",
        key(2).key.id(),
        key(2).source
    );
    assert!(all.contains(&("instance one", wanted.as_str())), "{seen:?}");
    assert!(seen.iter().all(|problems| problems.len() < 2), "{seen:?}");
}
