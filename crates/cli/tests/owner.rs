//! Root on another user's installation: it becomes that user, for reading as well, and leaves nothing of root's behind.
//!
//! Only root can show this. Where the tests run as somebody else there is nothing to become, and that is what is tested then.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test says by panicking what does not hold, and reads and writes files as it likes"
)]

use keyshoal_core::{Layout, StoreId};
use keyshoal_openclaw::sample;
use serde_json::{Value, json};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A user that no file of the system belongs to and that no table names.
const STRANGER: u32 = 54_321;

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keyshoal"))
        .env_clear()
        .env("HOME", dir.join("roots-home"))
        .env("OPENCLAW_STATE_DIR", dir.join("state"))
        .args(["--keys-dir", dir.join("keys").to_str().unwrap()])
        .args(args)
        .output()
        .unwrap()
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    found.push(dir.to_owned());
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), found)
        } else {
            found.push(entry.path())
        }
    }
}

fn everything(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(dir, &mut found);
    found
}

fn house(layout: Layout) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["state", "keys"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::fs::set_permissions(dir.path().join(name), std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    sample::Installation::new(layout)
        .agent("stocks")
        .agent("research")
        .config(json!({ "gateway": { "port": 1 } }))
        .api_key(StoreId::Base, "acme:default", "key-new")
        .api_key(StoreId::Agent("stocks".into()), "acme:default", "key-old")
        .api_key(StoreId::Agent("research".into()), "acme:default", "key-old")
        .write(&dir.path().join("state"))
        .unwrap();
    dir
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn root_leaves_nothing_of_its_own_behind() {
    for layout in [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedRow] {
        let dir = house(layout);
        let owner = if is_root() { STRANGER } else { std::fs::metadata(dir.path()).unwrap().uid() };
        for path in everything(dir.path()) {
            chown(&path, Some(owner), Some(owner)).unwrap();
        }
        for args in
            [&["status", "--json"][..], &["sync", "--yes", "--offline", "--include", "foreign"], &["history"]]
        {
            let output = run(dir.path(), args);
            assert!(matches!(output.status.code(), Some(0 | 2)), "{layout} {args:?}: {output:?}");
        }
        let status: Value = serde_json::from_slice(&run(dir.path(), &["status", "--json"]).stdout).unwrap();
        assert_eq!(status["summary"]["drifted"], 0, "{layout}: {status}");
        for path in everything(dir.path()) {
            assert_eq!(
                std::fs::symlink_metadata(&path).unwrap().uid(),
                owner,
                "{layout}: {}",
                path.display()
            );
        }
        assert!(!dir.path().join("roots-home").exists(), "{layout}: root's home was used");
    }
}

#[test]
fn root_has_no_vault_of_its_own_where_the_owner_has_one() {
    let dir = house(Layout::JsonFile);
    let owner = if is_root() { STRANGER } else { std::fs::metadata(dir.path()).unwrap().uid() };
    let place = dir.path().join("data");
    std::fs::create_dir(&place).unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o700)).unwrap();
    for path in everything(dir.path()).iter().filter(|path| *path != dir.path()) {
        chown(path, Some(owner), Some(owner)).unwrap();
    }
    let vault = place.join("vault.sqlite");
    let vault = vault.to_str().unwrap();
    let backup = place.join("one.backup");
    for args in [
        &["vault", "init", "--vault", vault][..],
        &["vault", "status", "--vault", vault],
        &["vault", "backup", backup.to_str().unwrap(), "--vault", vault],
        &["recipient", "new"],
        // Without an installation it is the vault that says whose it is.
        &["vault", "verify", "--vault", vault, "--state-dir", "/nowhere/state"],
    ] {
        let output = run(dir.path(), args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
    }
    let found = everything(dir.path());
    assert!(found.contains(&backup) && found.contains(&dir.path().join("keys/recipient.key")), "{found:?}");
    for path in found.iter().filter(|path| *path != dir.path()) {
        assert_eq!(std::fs::symlink_metadata(path).unwrap().uid(), owner, "{}", path.display());
    }
    assert!(!dir.path().join("roots-home").exists(), "root's home was used");
}

#[test]
fn what_root_imports_belongs_to_whose_directory_it_goes_to() {
    let dir = house(Layout::JsonFile);
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let owner = if is_root() { STRANGER } else { std::fs::metadata(dir.path()).unwrap().uid() };
    for name in ["home", "there"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::fs::set_permissions(dir.path().join(name), std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    for path in everything(dir.path()).iter().filter(|path| *path != dir.path()) {
        chown(path, Some(owner), Some(owner)).unwrap();
    }
    let vault = dir.path().join("home/vault.sqlite");
    let payload = dir.path().join("state");
    for (to, name) in [("home/new/.openclaw", "one"), ("there", "two")] {
        let to = dir.path().join(to);
        let [from, to, vault] = [&payload, &to, &vault].map(|path| path.to_str().unwrap());
        let import = ["import", from, "--state-dir", to, "--vault", vault, "--name", name];
        let output = run(dir.path(), &[&import[..], &["--offline", "--yes"]].concat());
        assert!(matches!(output.status.code(), Some(0 | 2)), "{to}: {output:?}");
        assert!(Path::new(to).join("openclaw.json").exists(), "{to}: {output:?}");
    }
    for path in everything(dir.path()).iter().filter(|path| *path != dir.path()) {
        assert_eq!(std::fs::symlink_metadata(path).unwrap().uid(), owner, "{}", path.display());
    }
    assert!(!dir.path().join("roots-home").exists(), "root's home was used");
}

#[test]
fn root_reads_nothing_that_the_owner_may_not_read() {
    let dir = house(Layout::JsonFile);
    let private = tempfile::tempdir().unwrap();
    let secret = private.path().join("auth-profiles.json");
    std::fs::write(
        &secret,
        r#"{"version":1,"profiles":{"acme:stolen":{"type":"api_key","provider":"acme","key":"of-root"}}}"#,
    )
    .unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
    let store = dir.path().join("state/agents/stocks/agent/auth-profiles.json");
    std::fs::remove_file(&store).unwrap();
    std::os::unix::fs::symlink(&secret, &store).unwrap();
    if is_root() {
        for path in everything(dir.path()) {
            std::os::unix::fs::lchown(&path, Some(STRANGER), Some(STRANGER)).unwrap();
        }
    }
    let output = run(dir.path(), &["status", "--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(!text.contains("acme:stolen"), "{text}");
    assert!(text.contains("unreadable"), "{text}");
    assert_eq!(std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0);
}
