//! A vault between two keys: who has it open goes on, a change that was broken off can be ended, and an absent key is no damage.

use crate::stage::*;
use crate::watching::{start, told};
use crate::watching_a_vault::give;
use keyshoal_core::{Layout, Secret};
use keyshoal_seal::keys::{self, Passphrase};
use keyshoal_seal::{KeyEncryptionKey, Keyring};
use keyshoal_vault::{Author, KeySource, NewKey, RekeyStep, Vault};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command};
use std::time::{Duration, Instant};

fn vault(stage: &Stage) -> PathBuf {
    stage.path(".local/share/keyshoal/vault.sqlite")
}

/// An installation in a vault that is made with these options, and words on descriptor 3.
fn taken_in(options: &str) -> Stage {
    let stage = Stage::calm(Layout::JsonFile);
    for (name, words) in [("old", "the old words"), ("new", "the new words")] {
        std::fs::write(stage.path(name), words).unwrap();
    }
    let fd = if options.contains("passphrase") { "--passphrase-fd 3 3<old" } else { "" };
    for line in
        [format!("vault init {options} {fd}"), format!("instance add {fd} --name home --yes --offline")]
    {
        let run = shell(&stage, &line);
        assert_eq!(run.code, 0, "{line}: {}{}", run.out, run.err);
    }
    stage
}

/// Runs the binary by a shell in the stage's home, which opens descriptors.
fn shell(stage: &Stage, line: &str) -> Run {
    let program = env!("CARGO_BIN_EXE_keyshoal");
    let output = Command::new("/bin/sh")
        .args(["-c", &format!("exec {program} --state-dir state {line}")])
        .env_clear()
        .env("HOME", stage.path(""))
        .current_dir(stage.path(""))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn break_off(stage: &Stage, old: KeyEncryptionKey, new: &NewKey) {
    let mut vault = Vault::open(&vault(stage), Keyring::of(old)).unwrap();
    let author = Author { by: "another process".to_owned(), why: None };
    let mut stop = |step| assert!(!matches!(step, RekeyStep::Wrapped { .. }));
    let now = keyshoal_local::clock::now();
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        vault.rekey_in_batches(new, &author, now, 1, &mut stop)
    }));
    stopped.unwrap_err();
}

fn file_key(stage: &Stage) -> KeyEncryptionKey {
    keys::load_at(&stage.path(".config/keyshoal/vault.key")).unwrap().unwrap().key_encryption_key()
}

/// A change to a key that only systemd hands over, broken off.
fn half_way_to_a_credential() -> Stage {
    let stage = taken_in("");
    std::fs::create_dir(stage.path("credentials")).unwrap();
    let key = keys::load_or_create_at(&stage.path("credentials/keyshoal-w"), "vault").unwrap();
    let source = KeySource::Credential { name: "w".to_owned() };
    break_off(&stage, file_key(&stage), &NewKey { key: key.key_encryption_key(), source });
    stage
}

#[test]
fn nothing_is_repaired_and_nobody_is_told_to_while_a_key_is_absent() {
    let stage = half_way_to_a_credential();
    let before = std::fs::read(vault(&stage)).unwrap();
    let repaired = stage.run(&["vault", "repair", "--take-out", "--yes"]);
    assert_eq!(repaired.code, 1, "{}{}", repaired.out, repaired.err);
    assert!(repaired.err.contains("systemd credential keyshoal-w"), "{}", repaired.err);
    assert!(
        repaired.err.contains("not at hand") && repaired.err.contains("instance release"),
        "{}",
        repaired.err
    );
    let verified = stage.run(&["vault", "verify"]);
    assert_eq!(verified.code, 2, "{}{}", verified.out, verified.err);
    let refusal = repaired.err.split_once("what is sealed under key").unwrap().1.lines().next().unwrap();
    assert!(verified.out.contains(refusal), "{}{}", verified.out, repaired.err);
    assert!(
        verified.err.contains("keyshoal vault rekey") && !verified.err.contains("vault repair"),
        "{}",
        verified.err
    );
    assert_eq!(std::fs::read(vault(&stage)).unwrap(), before, "something was written");
    let status = stage.run(&["status", "--json"]);
    assert!(
        !format!("{}{}", status.out, status.err).contains("vault repair"),
        "{}{}",
        status.out,
        status.err
    );
    let with_it = ["vault", "rekey"];
    let output =
        stage.command(&with_it).env("CREDENTIALS_DIRECTORY", stage.path("credentials")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_change_that_was_broken_off_is_not_taken_for_another_one() {
    let stage = half_way_to_a_credential();
    let credentials = stage.path("credentials");
    let run = |arguments: &[&str]| {
        let output = stage.command(arguments).env("CREDENTIALS_DIRECTORY", &credentials).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let third = stage.path("third.key");
    let (code, err) = run(&["vault", "rekey", "--key-file", third.to_str().unwrap()]);
    assert!(code == Some(1) && err.contains("is not there yet"), "{err}");
    assert!(!third.exists());
    assert_eq!(run(&["vault", "status"]).0, Some(2), "it was ended all the same");
    let (code, err) = run(&["vault", "rekey", "--key-credential", "w"]);
    assert_eq!(code, Some(0), "{err}");
}

#[test]
fn a_change_between_passphrases_is_ended_by_two_descriptors() {
    let stage = taken_in("--passphrase");
    let recorded = Vault::keys(&vault(&stage)).unwrap().remove(0).source.as_passphrase().unwrap().unwrap();
    let old = recorded.key(&Secret::new("the old words")).unwrap().key_encryption_key();
    let how = Passphrase::recommended().unwrap();
    let key = how.key(&Secret::new("the new words")).unwrap().key_encryption_key();
    break_off(&stage, old, &NewKey { key, source: KeySource::passphrase(&how) });
    let one = shell(&stage, "vault status --passphrase-fd 4 4<new");
    assert!(one.code == 2 && one.err.contains("old passphrase of the vault was not given"), "{}", one.err);
    let ended = shell(&stage, "vault rekey --passphrase-fd 3 --new-passphrase-fd 4 3<old 4<new");
    assert_eq!(ended.code, 0, "{}", ended.err);
    let verified = shell(&stage, "vault verify --passphrase-fd 4 4<new");
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
}

#[test]
fn what_lacks_is_said_of_the_key_that_is_wanted() {
    let stage = taken_in("");
    let output = stage
        .command(&["vault", "rekey", "--key-credential", "nope"])
        .env("CREDENTIALS_DIRECTORY", stage.path(""))
        .output()
        .unwrap();
    let new = String::from_utf8(output.stderr).unwrap();
    assert!(new.contains("put the new key there first") && !new.contains("release"), "{new}");
    let typed = stage.run(&["vault", "rekey", "--passphrase"]).err;
    assert!(typed.contains("new key is to come from a passphrase"), "{typed}");
    assert!(typed.contains("--new-passphrase-fd 3 3< FILE"), "{typed}");
    let backup = stage.path("one.backup");
    let backup = backup.to_str().unwrap();
    assert_eq!(stage.run(&["vault", "backup", backup]).code, 0);
    let of_backup = stage.run(&["vault", "verify", backup, "--key-file", "missing"]).err;
    assert!(of_backup.contains("opens this backup") && !of_backup.contains("release"), "{of_backup}");
}

#[test]
fn a_unit_asks_systemd_for_the_vaults_key() {
    let stage = half_way_to_a_credential();
    let unit = stage.run(&["watch", "install-service", "--print"]);
    assert!(unit.out.contains(" watch\nLoadCredential=keyshoal-w\n"), "{}", unit.out);
    assert!(unit.err.contains("systemctl --user edit"), "{}", unit.err);
    let stage = taken_in("--passphrase");
    let unit = stage.run(&["watch", "install-service", "--print"]);
    assert!(!unit.out.contains("LoadCredential") && unit.err.contains("has nobody to ask"), "{}", unit.err);
}

/// Begins a watch that serves its numbers, and returns where, and what it says: that must stay open.
fn watched(stage: &Stage) -> (Child, String, Lines<BufReader<ChildStderr>>) {
    let policy = "[watch]\npolicy = \"repair\"\nevery_seconds = 5\n[metrics]\nlisten = \"127.0.0.1:0\"\n";
    std::fs::write(stage.path(".config/keyshoal/keyshoal.toml"), policy).unwrap();
    let socket = stage.path("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut child = start(stage, &socket);
    told(&manager, "READY=1");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| Some(line.split_once("http://")?.1.split_once("/metrics")?.0.to_owned()));
    (child, address.unwrap(), lines)
}

fn page(address: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

/// Waits until the page of numbers is so.
fn page_with(address: &str, what: impl Fn(&str) -> bool) -> Option<String> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        let page = page(address);
        if what(&page) {
            return Some(page);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    None
}

#[test]
fn a_watch_takes_up_the_new_key_and_is_not_well_where_it_cannot() {
    const FAILED: &str = "keyshoal_looks_total{result=\"failed\"} 0\n";
    let stage = taken_in("");
    let (child, address, _said) = watched(&stage);
    let second = stage.path("second.key");
    assert_eq!(stage.run(&["vault", "rekey", "--key-file", second.to_str().unwrap()]).code, 0);
    give(&stage, "second.key", GIVEN);
    let store = stage.state_dir().join("agents/main/agent/auth-profiles.json");
    let deadline = Instant::now() + Duration::from_secs(60);
    let holds = || std::fs::read_to_string(&store).unwrap().contains(GIVEN);
    while !holds() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let (held, after) = (holds(), page(&address));
    // A key that is handed over to another process alone.
    std::fs::create_dir(stage.path("credentials")).unwrap();
    keys::load_or_create_at(&stage.path("credentials/keyshoal-w"), "vault").unwrap();
    let output = stage
        .command(&["vault", "rekey", "--key-credential", "w"])
        .env("CREDENTIALS_DIRECTORY", stage.path("credentials"))
        .output()
        .unwrap();
    let blind = page_with(&address, |page| !page.contains(FAILED));
    let alarm = page_with(&address, |page| page.contains("keyshoal_alarms_active{nature=\"passing\"} 1"));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    child.wait_with_output().unwrap();
    assert!(held, "it did not follow");
    assert!(after.contains(FAILED), "{after}");
    assert_eq!(output.status.code(), Some(0));
    let blind = blind.unwrap();
    assert!(blind.contains("keyshoal_findings{finding=\"unreadable\"} 1"), "{blind}");
    assert!(!blind.contains("finding=\"in_sync\""), "{blind}");
    assert!(alarm.is_some(), "nobody was told");
}
