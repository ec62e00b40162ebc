//! Backups, and what becomes of them.

use crate::world::{House, at, author, change, furnish, id, key, ring, stage, value};
use keyshoal_core::vault::Delivery;
use keyshoal_vault::{BackupStep, Cause, Change, KeySource, Vault};
use proptest::prelude::*;
use std::path::PathBuf;

fn nothing(_: BackupStep) {}

fn backed_up() -> (House, Vault, PathBuf) {
    let (house, vault) = House::new();
    furnish(&vault, "one", 0);
    furnish(&vault, "two", 1);
    let backup = house.dir.path().join("one.backup");
    vault.backup(&backup, &author(), at(5), &mut nothing).unwrap();
    (house, vault, backup)
}

#[test]
fn what_is_restored_is_what_was_there() {
    let (house, vault, backup) = backed_up();
    let before = vault.instances().unwrap();
    change(&vault, "one", vec![Change::SetDelivery(Delivery::Refs)]).unwrap();
    let (header, verified) = Vault::verify_backup(&backup, &ring(&[1])).unwrap();
    assert_eq!(
        (verified.instances, verified.versions, verified.documents, verified.problems.len()),
        (2, 4, 2, 0)
    );
    assert_eq!((header.vault.as_str(), header.made), (vault.id(), at(5)));
    let to = house.dir.path().join("elsewhere/deep/vault.sqlite");
    let source = KeySource::Credential { name: "vault".to_owned() };
    let (restored, _) = Vault::restore(&backup, &to, ring(&[1]), Some(&source), &author(), at(6)).unwrap();
    assert_eq!(restored.instances().unwrap(), before);
    assert_eq!(restored.values(&id("two")).unwrap()[1].value, value("own-two"));
    assert_eq!(restored.status().unwrap().keys[0].source, source);
    assert!(restored.events(None, 1).unwrap()[0].what.starts_with("restored from backup"));
    assert_eq!(restored.verify().unwrap().problems, []);
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&to), mode(to.parent().unwrap()), mode(&backup)), (0o600, 0o700, 0o600));
}

#[test]
fn nothing_is_written_over() {
    let (house, vault, backup) = backed_up();
    let bytes = std::fs::read(&backup).unwrap();
    let error = vault.backup(&backup, &author(), at(6), &mut nothing).unwrap_err();
    assert!(matches!(error.cause, Cause::Exists), "{error}");
    assert_eq!(std::fs::read(&backup).unwrap(), bytes);
    let restore =
        |to: &std::path::Path| Vault::restore(&backup, to, ring(&[1]), None, &author(), at(6)).unwrap_err();
    assert!(matches!(restore(&house.path()).cause, Cause::Exists));
    // A log that lies there would be taken for a part of what is restored.
    let to = house.dir.path().join("other.sqlite");
    std::fs::write(house.dir.path().join("other.sqlite-wal"), "left").unwrap();
    for error in [restore(&to), Vault::create(&to, &key(1), &author(), at(6)).unwrap_err()] {
        assert!(error.to_string().contains("other.sqlite: is gone, but "), "{error}");
        assert!(
            matches!(&error.cause, Cause::LeftBeside(left) if left.ends_with("other.sqlite-wal")),
            "{error}"
        );
    }
    assert!(!to.exists());
}

#[test]
fn the_wrong_key_opens_nothing_and_says_which_is_right() {
    let (house, _vault, backup) = backed_up();
    let error = Vault::verify_backup(&backup, &ring(&[2])).unwrap_err();
    assert!(matches!(error.cause, Cause::WrongKey { wanted, .. } if wanted == key(1).key.id()), "{error}");
    let to = house.dir.path().join("new/vault.sqlite");
    Vault::restore(&backup, &to, ring(&[2]), None, &author(), at(6)).unwrap_err();
    assert!(!to.exists());
}

#[test]
fn a_backup_in_the_middle_of_a_rekey_is_whole() {
    let (house, mut vault) = House::new();
    furnish(&vault, "one", 0);
    let other = Vault::open(&house.path(), ring(&[1, 2])).unwrap();
    let mut number = 0;
    let mut backups = Vec::new();
    let mut meanwhile = |_| {
        let backup = house.dir.path().join(format!("{number}.backup"));
        other.backup(&backup, &author(), at(6), &mut nothing).unwrap();
        backups.push(backup);
        number += 1;
    };
    vault.rekey_in_batches(&key(2), &author(), at(5), 1, &mut meanwhile).unwrap();
    assert_eq!(backups.len(), 5);
    for backup in &backups {
        // It has arrived at the new key, whether or not the vault had.
        assert_eq!(Vault::verify_backup(backup, &ring(&[2])).unwrap().1.problems, []);
        let to = backup.with_extension("sqlite");
        let (restored, _) = Vault::restore(backup, &to, ring(&[2]), None, &author(), at(7)).unwrap();
        assert_eq!(restored.status().unwrap().rekey, None);
        let restored = Vault::open(&to, ring(&[2])).unwrap();
        assert_eq!(restored.values(&id("one")).unwrap()[0].value, value("shared-one"));
    }
}

/// A vault of several chunks.
fn large() -> (House, Vec<u8>) {
    let (house, vault) = House::new();
    furnish(&vault, "one", 0);
    let long = "x".repeat(700_000);
    change(&vault, "one", vec![stage(1, &long)]).unwrap();
    let backup = house.dir.path().join("large.backup");
    vault.backup(&backup, &author(), at(5), &mut nothing).unwrap();
    (house, std::fs::read(backup).unwrap())
}

const SEALED_CHUNK: usize = 256 * 1024 + 41;

fn refused(house: &House, bytes: &[u8]) {
    let changed = house.dir.path().join("changed.backup");
    std::fs::write(&changed, bytes).unwrap();
    let to = house.dir.path().join("made/vault.sqlite");
    assert!(Vault::restore(&changed, &to, ring(&[1]), None, &author(), at(6)).is_err());
    assert!(Vault::verify_backup(&changed, &ring(&[1])).is_err());
    let left: Vec<_> = std::fs::read_dir(to.parent().unwrap()).into_iter().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn parts_that_are_cut_off_swapped_or_of_another_backup_are_refused() {
    let (house, whole) = large();
    let (_other, other) = large();
    let header = u32::from_le_bytes(whole[24..28].try_into().unwrap()) as usize;
    let first = 28 + header + 81;
    let part = |bytes: &[u8], number: usize| bytes[first + number * SEALED_CHUNK..][..SEALED_CHUNK].to_vec();
    assert!(whole.len() > first + 2 * SEALED_CHUNK);
    let with = |number: usize, new: &[u8]| {
        let mut bytes = whole.clone();
        bytes[first + number * SEALED_CHUNK..][..SEALED_CHUNK].copy_from_slice(new);
        bytes
    };
    refused(
        &house,
        &[
            with(0, &part(&whole, 1))[..first + SEALED_CHUNK].to_vec(),
            with(1, &part(&whole, 0))[first + SEALED_CHUNK..].to_vec(),
        ]
        .concat(),
    );
    refused(&house, &with(1, &part(&whole, 0)));
    refused(&house, &with(1, &part(&other, 1)));
    refused(&house, &[whole.as_slice(), b"\0"].concat());
    for length in [0, 10, 24, 28, first - 1, first, first + SEALED_CHUNK, whole.len() - 1] {
        refused(&house, &whole[..length]);
    }
    // A header that promises more, or less, is bound to what it was sealed with.
    let text = String::from_utf8_lossy(&whole[28..28 + header]).into_owned();
    let length = text.split("\"length\":").nth(1).unwrap().trim_end_matches('}').to_owned();
    let less = text.replace(
        &length,
        &format!("{:0>width$}", 262_144, width = length.len()).replace("0262144", " 262144"),
    );
    assert_eq!(less.len(), text.len());
    let shorter = [&whole[..28], less.as_bytes(), &whole[28 + header..first + SEALED_CHUNK]].concat();
    refused(&house, &shorter);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    /// No byte of a backup can be another one.
    #[test]
    fn a_flipped_byte_is_refused(at in any::<prop::sample::Index>(), bit in 0_u8..8, near_the_start: bool) {
        static WHOLE: std::sync::OnceLock<(House, Vec<u8>)> = std::sync::OnceLock::new();
        let (_, whole) = WHOLE.get_or_init(large);
        let house = House { dir: tempfile::tempdir().unwrap() };
        let mut bytes = whole.clone();
        let at = if near_the_start { at.index(700) } else { at.index(bytes.len()) };
        bytes[at] ^= 1 << bit;
        refused(&house, &bytes);
    }
}
