//! Key files are made once, whole, private, and refused when anybody else could have touched them.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these tests make the files that must be refused"
)]

use keyshoal_seal::KeyError;
use keyshoal_seal::keys::{from_credentials, load, load_or_create};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Barrier;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn made_once_private_and_whole() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("config/keyshoal/keys");
    assert!(load(&dir, "seal").unwrap().is_none(), "reading makes nothing");
    assert!(!dir.exists());

    let made = load_or_create(&dir, "seal").unwrap();
    let file = dir.join("seal.key");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(fs::metadata(&file).unwrap().nlink(), 1);
    assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o7777, 0o700);
    assert_eq!(made.path(), Some(file.as_path()));

    let before = fs::read(&file).unwrap();
    for again in [load_or_create(&dir, "seal").unwrap(), load(&dir, "seal").unwrap().unwrap()] {
        assert_eq!(again.seal_key().id(), made.seal_key().id());
    }
    assert_eq!(fs::read(&file).unwrap(), before);
    let other = load_or_create(&dir, "fingerprint").unwrap();
    assert_ne!(other.seal_key().id(), made.seal_key().id());
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 2, "no draft is left");
}

#[test]
fn all_who_start_at_once_get_the_same_key() {
    for _ in 0..20 {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("keys");
        let gate = Barrier::new(4);
        let ids: Vec<_> = std::thread::scope(|scope| {
            let one = || {
                gate.wait();
                load_or_create(&dir, "seal").unwrap().seal_key().id()
            };
            let all: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    }
}

#[test]
fn what_others_could_touch_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("keys");
    load_or_create(&dir, "seal").unwrap();
    let file = dir.join("seal.key");

    for mode in [0o640, 0o604, 0o660] {
        chmod(&file, mode);
        let error = load_or_create(&dir, "seal").unwrap_err();
        assert!(matches!(error, KeyError::TooOpen { .. }), "{error}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    chmod(&file, 0o600);
    chmod(&dir, 0o770);
    assert!(matches!(load(&dir, "seal"), Err(KeyError::TooOpen { .. })));
    chmod(&dir, 0o755);
    assert!(load(&dir, "seal").unwrap().is_some(), "others may list the directory");
}

#[test]
fn links_and_other_things_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let real = home.path().join("real");
    load_or_create(&real, "seal").unwrap();

    let linked_dir = home.path().join("linked");
    symlink(&real, &linked_dir).unwrap();
    let error = load_or_create(&linked_dir, "seal").unwrap_err();
    assert!(matches!(error, KeyError::NotPlain { found: "a symbolic link", .. }), "{error}");

    let dir = home.path().join("keys");
    fs::create_dir(&dir).unwrap();
    symlink(real.join("seal.key"), dir.join("seal.key")).unwrap();
    let error = load_or_create(&dir, "seal").unwrap_err();
    assert!(matches!(error, KeyError::NotPlain { found: "a symbolic link", .. }), "{error}");

    fs::create_dir(dir.join("other.key")).unwrap();
    assert!(matches!(load(&dir, "other"), Err(KeyError::NotPlain { found: "a directory", .. })));
    for name in ["", "../seal", "Seal", "a/b", "a.key"] {
        assert!(matches!(load_or_create(&dir, name), Err(KeyError::BadName { .. })), "{name}");
    }
}

#[test]
fn a_damaged_file_is_an_error_and_stays() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("keys");
    load_or_create(&dir, "seal").unwrap();
    let file = dir.join("seal.key");
    let whole = fs::read(&file).unwrap();
    for content in
        [&b""[..], b"\xff\xfe", b"keyshoal-key-v2:AAAA\n", &whole[..whole.len() - 10], &[b'#'; 5000]]
    {
        fs::write(&file, content).unwrap();
        let error = load_or_create(&dir, "seal").unwrap_err();
        assert!(matches!(error, KeyError::Malformed { .. }), "{error}");
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
        assert_eq!(fs::read(&file).unwrap(), content, "it was overwritten");
    }
}

/// As systemd has it: owned by root, mode 0440 by the mask of its access list, on a read-only file system.
#[test]
fn credentials_are_read_in_both_forms() {
    let home = tempfile::tempdir().unwrap();
    let raw = home.path().join("keyshoal-seal");
    fs::write(&raw, [5; 32]).unwrap();
    chmod(&raw, 0o440);
    let by_raw = from_credentials(home.path(), "seal").unwrap().unwrap();
    assert_eq!(by_raw.seal_key().id(), keyshoal_seal::KeyFile::from_bytes([5; 32]).seal_key().id());

    let dir = home.path().join("keys");
    let made = load_or_create(&dir, "fingerprint").unwrap();
    fs::copy(dir.join("fingerprint.key"), home.path().join("keyshoal-fingerprint")).unwrap();
    let by_text = from_credentials(home.path(), "fingerprint").unwrap().unwrap();
    assert_eq!(by_text.fingerprint_key(b"s").id(), made.fingerprint_key(b"s").id());

    assert!(from_credentials(home.path(), "absent").unwrap().is_none());
    assert!(from_credentials(&home.path().join("nowhere"), "seal").unwrap().is_none());
    chmod(&raw, 0o444);
    assert!(matches!(from_credentials(home.path(), "seal"), Err(KeyError::TooOpen { .. })));
}

/// Whoever only looks can go on without a key of its own.
#[test]
fn where_no_key_can_be_made_that_is_said() {
    let error = load_or_create(Path::new("/sys/keyshoal"), "seal").unwrap_err();
    assert!(error.is_not_writable(), "{error}");
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), b"").unwrap();
    let error = load_or_create(&home.path().join("file"), "seal").unwrap_err();
    assert!(!error.is_not_writable(), "{error}");
}
