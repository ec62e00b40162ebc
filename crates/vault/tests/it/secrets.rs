//! Planted secrets are found nowhere outside the sealed columns.

use crate::world::{
    House, at, author, change, credential, credential_uid, furnish, id, key, new, ring, stage, value,
};
use keyshoal_core::Secret;
use keyshoal_vault::{Change, Vault};
use std::path::Path;

const PLANTED: &[&str] = &[
    "planted-shared-5f0c8e1db2",
    "planted-staged-93b1aa40c8",
    "planted-document-c2d77b19e0",
    "planted-gone-7be6f0a1d2",
];

/// Fails when a file below a directory holds a secret, a part of one, or one as base64 or hexadecimal digits.
fn nowhere(dir: &Path, expected: usize) {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { files.push(path) }
        }
    }
    assert!(files.len() >= expected, "{files:?}");
    for file in &files {
        clean(&std::fs::read(file).unwrap(), &file.display().to_string());
    }
}

fn clean(bytes: &[u8], what: &str) {
    for secret in PLANTED {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for part in [*secret, &secret[secret.len() - 8..], &hex] {
            assert!(!bytes.windows(part.len()).any(|at| at == part.as_bytes()), "{what} holds {part}");
        }
    }
}

#[test]
fn planted_secrets_are_nowhere() {
    let (house, mut vault) = House::new();
    furnish(&vault, "one", 0);
    let document = Change::PutDocument { name: "channels/irc".to_owned(), value: value(PLANTED[2]) };
    let changes = vec![
        credential(5, "anthropic:planted", None, PLANTED[0]),
        stage(5, PLANTED[1]),
        document,
        credential(6, "anthropic:gone", None, PLANTED[3]),
    ];
    change(&vault, "one", changes).unwrap();
    change(&vault, "one", vec![Change::DropCredential(credential_uid(6))]).unwrap();
    vault.forget_expired(&author(), at(100), 0).unwrap();
    vault.backup(&house.dir.path().join("one.backup"), &author(), at(5), &mut |_| ()).unwrap();
    vault.rekey(&key(2), &author(), at(6), &mut |_| ()).unwrap();
    change(&vault, "one", vec![Change::Publish(credential_uid(5))]).unwrap();
    // The log is there, beside the file, its index, its lock and the backup.
    nowhere(house.dir.path(), 5);

    let mut said = Vec::new();
    let mut errors = vec![
        change(&vault, "one", vec![stage(5, PLANTED[0]), stage(5, PLANTED[1])]).unwrap_err(),
        change(&vault, "one", vec![credential(7, "anthropic:planted", None, PLANTED[0])]).unwrap_err(),
        change(&vault, "one", vec![credential(5, "anthropic:other", None, PLANTED[0])]).unwrap_err(),
        vault.change(&id("one"), 99, vec![stage(5, PLANTED[1])], &author(), at(9)).unwrap_err(),
        vault.add_instance(&new("one"), vec![stage(5, PLANTED[1])], &author(), at(9)).unwrap_err(),
        Vault::open(&house.path(), ring(&[3])).unwrap_err(),
    ];
    house.meddle("UPDATE versions SET sealed = zeroblob(90) WHERE number = 2");
    errors.push(vault.values(&id("one")).unwrap_err());
    for error in errors {
        said.push(format!("{error} {error:?}"));
    }
    said.push(format!("{:?} {:?}", vault.verify().unwrap(), vault.status().unwrap()));
    said.push(format!("{:?}", vault.events(None, 1000).unwrap()));
    said.push(format!("{:?} {:?}", vault, vault.instance(&id("one")).unwrap()));
    said.push(format!("{:?}", vault.documents(&id("one")).unwrap()));
    said.push(format!("{:?}", [stage(5, PLANTED[1]), credential(5, "a:b", None, PLANTED[0])]));
    for text in said {
        clean(text.as_bytes(), &text);
    }
}

/// The search would find one.
#[test]
#[should_panic(expected = "holds planted-shared")]
fn a_secret_in_the_clear_is_found() {
    let (house, _vault) = House::new();
    let Change::PutCredential(new) = credential(1, "a:b", None, PLANTED[0]) else { unreachable!() };
    let text: &Secret = &new.value;
    std::fs::write(house.dir.path().join("left.txt"), text.reveal_secret()).unwrap();
    nowhere(house.dir.path(), 1);
}

/// What was forgotten is gone even in its sealed form: nobody who gets the key later reads it out of free pages.
#[test]
fn what_was_forgotten_is_gone_sealed_too() {
    let (house, vault) = House::new();
    furnish(&vault, "one", 0);
    let changes = vec![
        stage(1, PLANTED[1]),
        Change::Publish(credential_uid(1)),
        Change::RetirePrevious(credential_uid(1)),
    ];
    change(&vault, "one", changes).unwrap();
    let sealed: Vec<u8> = rusqlite::Connection::open(house.path())
        .unwrap()
        .query_row("SELECT sealed FROM versions WHERE state = 'retired'", [], |row| row.get(0))
        .unwrap();
    let held = || {
        let files = std::fs::read_dir(house.path().parent().unwrap()).unwrap();
        files
            .filter(|file| {
                let bytes = std::fs::read(file.as_ref().unwrap().path()).unwrap();
                bytes.windows(24).any(|at| at == &sealed[1..25])
            })
            .count()
    };
    assert!(held() > 0);
    assert_eq!(vault.forget_expired(&author(), at(100), 0).unwrap(), 1);
    assert_eq!(held(), 0);
}
