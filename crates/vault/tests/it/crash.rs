//! Processes that end in the middle: at every durable step, and anywhere. The helpers are tests of this binary that are ignored unless
//! called for.

use crate::world::{House, at, author, change, credential, credential_uid, furnish, id, key, ring, value};
use keyshoal_vault::{Cause, KeyState, Vault};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const DIR: &str = "KEYSHOAL_TEST_VAULT_DIR";
const STEP: &str = "KEYSHOAL_TEST_STEP";

/// Another process that does something in a house and is killed at a step of it. Tells whether it came to its end.
fn helper(name: &str, house: &House, step: usize) -> bool {
    let mut command = run(name, house);
    let status = command.env(STEP, step.to_string()).status().unwrap();
    use std::os::unix::process::ExitStatusExt;
    assert!(status.success() || status.signal() == Some(9), "{name}: {status}");
    status.success()
}

fn run(name: &str, house: &House) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", &format!("crash::{name}")])
        .env(DIR, house.dir.path())
        .env(STEP, usize::MAX.to_string())
        .stdout(Stdio::null());
    command
}

fn dir() -> PathBuf {
    std::env::var_os(DIR).expect("only called by another test").into()
}

fn vault_in(dir: &Path) -> PathBuf {
    dir.join("kept/vault.sqlite")
}

/// Counts steps, and kills this process at the one that was asked for, as the system does when it runs out of memory.
fn killer() -> impl FnMut() {
    let at: usize = std::env::var(STEP).unwrap().parse().unwrap();
    let mut seen = 0;
    move || {
        if seen == at {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
        }
        seen += 1;
    }
}

#[test]
#[ignore = "a helper of the other tests"]
fn rekey() {
    let mut vault = Vault::open(&vault_in(&dir()), ring(&[1, 2])).unwrap();
    let mut step = killer();
    vault.rekey_in_batches(&key(2), &author(), at(5), 1, &mut |_| step()).unwrap();
}

#[test]
#[ignore = "a helper of the other tests"]
fn back_up() {
    let vault = Vault::open(&vault_in(&dir()), ring(&[1])).unwrap();
    let mut step = killer();
    vault.backup(&dir().join("one.backup"), &author(), at(5), &mut |_| step()).unwrap();
}

/// Everything that the vault held is there and opens with both keys, with nothing wrong.
fn whole(vault: &Vault, names: &[&str]) {
    assert_eq!(vault.verify().unwrap().problems, []);
    for name in names {
        let values = vault.values(&id(name)).unwrap();
        assert_eq!(values[0].value, value(&format!("shared-{name}")));
        assert_eq!(values[1].value, value(&format!("own-{name}")));
        assert_eq!(vault.documents(&id(name)).unwrap()[0].1, value(&format!("bot-{name}")));
    }
}

#[test]
fn a_rekey_that_was_killed_at_any_step_goes_on() {
    let mut steps = 0;
    loop {
        let (house, vault) = House::new();
        furnish(&vault, "one", 0);
        furnish(&vault, "two", 1);
        drop(vault);
        if helper("rekey", &house, steps) {
            break;
        }
        steps += 1;
        let mut vault = Vault::open(&house.path(), ring(&[1, 2])).unwrap();
        whole(&vault, &["one", "two"]);
        // It can be used before it goes on.
        change(&vault, "one", vec![credential(9, "anthropic:later", None, "later")]).unwrap();
        if vault.status().unwrap().rekey.is_some() {
            vault.rekey(&key(2), &author(), at(6), &mut |_| ()).unwrap();
        }
        drop(vault);
        let vault = Vault::open(&house.path(), ring(&[2])).unwrap();
        whole(&vault, &["one", "two"]);
        let status = vault.status().unwrap();
        assert_eq!((status.rekey, status.keys[0].state), (None, KeyState::Retired));
        let error = Vault::open(&house.path(), ring(&[1])).unwrap_err();
        assert!(matches!(error.cause, Cause::WrongKey { .. }), "{error}");
        assert!(vault.values(&id("one")).unwrap().iter().any(|one| one.credential == credential_uid(9)));
    }
    assert_eq!(steps, 8, "begun, six records, finished");
}

#[test]
fn a_rekey_that_was_killed_anywhere_goes_on() {
    for round in 0..8_u64 {
        let (house, vault) = House::new();
        for (salt, name) in ["one", "two", "three", "four"].iter().enumerate() {
            furnish(&vault, name, salt as u128);
        }
        drop(vault);
        let mut child = run("rekey", &house).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(4 + round * 7));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut vault = match Vault::open(&house.path(), ring(&[1, 2])) {
            Ok(vault) => vault,
            Err(error) => panic!("round {round}: {error}"),
        };
        whole(&vault, &["one", "two", "three", "four"]);
        if vault.status().unwrap().keys.iter().all(|key| key.state != KeyState::Retired) {
            vault.rekey(&key(2), &author(), at(6), &mut |_| ()).unwrap();
        }
        drop(vault);
        whole(&Vault::open(&house.path(), ring(&[2])).unwrap(), &["one", "two", "three", "four"]);
    }
}

#[test]
fn a_backup_that_was_killed_at_any_step_is_whole_or_not_there() {
    let mut steps = 0;
    loop {
        let (house, vault) = House::new();
        furnish(&vault, "one", 0);
        // Several chunks.
        change(&vault, "one", vec![credential(9, "anthropic:long", None, &"x".repeat(600_000))]).unwrap();
        drop(vault);
        let backup = house.dir.path().join("one.backup");
        let ended = helper("back_up", &house, steps);
        whole(&house.open(), &["one"]);
        let settled = backup.exists();
        if settled {
            assert_eq!(Vault::verify_backup(&backup, &ring(&[1])).unwrap().1.problems, []);
        }
        assert!(settled || !ended);
        if ended {
            break;
        }
        steps += 1;
        // The next one works, and takes away what was left.
        let next = house.dir.path().join("two.backup");
        house.open().backup(&next, &author(), at(6), &mut |_| ()).unwrap();
        assert_eq!(Vault::verify_backup(&next, &ring(&[1])).unwrap().1.problems, []);
        for dir in [house.dir.path(), house.path().parent().unwrap()] {
            let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
            let left: Vec<_> = names.filter(|name| name.to_string_lossy().contains("draft")).collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }
    assert!(steps >= 5, "copied, three chunks or more, settled: {steps}");
}
