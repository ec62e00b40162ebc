//! A watch beside a vault that another process changes: where it may repair, the installation follows; else it tells.

use crate::stage::*;
use crate::watching::{start, told};
use keyshoal_core::{Layout, Secret};
use keyshoal_seal::{Keyring, keys};
use keyshoal_vault::{Author, Change, ORGANISATION, Vault};
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

pub const KEY: &str = ".config/keyshoal/vault.key";

/// An installation that was taken into a vault, with a policy for the watch.
pub fn taken_in(policy: &str) -> Stage {
    let stage = Stage::with(Layout::JsonFile, |sample| {
        sample.agent("stocks").api_key(keyshoal_core::StoreId::Base, PROFILE, NEW).api_key(
            keyshoal_core::StoreId::Agent("stocks".into()),
            PROFILE,
            NEW,
        )
    });
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--name", "home", "--yes"]] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    }
    let text = format!("[watch]\npolicy = \"{policy}\"\nevery_seconds = 5\n");
    std::fs::write(stage.path(".config/keyshoal/keyshoal.toml"), text).unwrap();
    stage
}

/// Gives the vault another value, as another process does that ends before it has written any store. `key` is the vault's key file.
pub fn give(stage: &Stage, key: &str, value: &str) {
    let key = keys::load_at(&stage.path(key)).unwrap().unwrap();
    let ring: Keyring = std::iter::once(key.key_encryption_key()).collect();
    let vault = Vault::open(&stage.path(".local/share/keyshoal/vault.sqlite"), ring).unwrap();
    let instance = vault.instance_named(ORGANISATION, "home").unwrap().unwrap();
    let credential = instance.credentials.iter().find(|one| one.profile.as_str() == PROFILE).unwrap().uid;
    let entry = format!(r#"{{"type":"api_key","provider":"anthropic","key":"{value}"}}"#);
    let changes = vec![
        Change::StageVersion { credential, value: Secret::new(entry), expires: None },
        Change::Publish(credential),
    ];
    let author = Author { by: "another process".to_owned(), why: None };
    vault.change(&instance.id, instance.revision, changes, &author, keyshoal_local::clock::now()).unwrap();
}

pub fn store(stage: &Stage, agent: &str) -> String {
    std::fs::read_to_string(stage.state_dir().join(format!("agents/{agent}/agent/auth-profiles.json")))
        .unwrap()
}

pub fn until(what: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

#[test]
fn the_installation_follows_a_vault_that_another_process_changes() {
    let stage = taken_in("repair");
    let socket = stage.path("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let child = start(&stage, &socket);
    told(&manager, "READY=1");
    give(&stage, KEY, GIVEN);
    let followed = until(|| ["main", "stocks"].iter().all(|agent| store(&stage, agent).contains(GIVEN)));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(followed, "{text}");
    assert_eq!(output.status.code(), Some(0), "{text}");
    for secret in SECRETS {
        assert!(!text.contains(secret), "a secret in the journal");
    }
}

#[test]
fn a_watch_that_only_reports_tells_that_the_vault_wants_something_else() {
    let stage = taken_in("report");
    let socket = stage.path("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut child = start(&stage, &socket);
    told(&manager, "READY=1");
    give(&stage, KEY, GIVEN);
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let line =
        lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("stocks") && line.contains(PROFILE)));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(line.is_some(), "nothing was told");
    assert!(["main", "stocks"].iter().all(|agent| store(&stage, agent).contains(NEW)), "it only reports");
}

#[test]
fn a_rotation_that_is_half_done_is_told_of_once() {
    let stage = taken_in("report");
    let rotate = ["rotate", PROFILE, "--offline", "--yes"];
    assert_eq!(stage.run_with(&rotate, &format!("{GIVEN}\n")).code, 2);
    let once = stage.run(&["watch", "--once", "--offline"]);
    assert!(
        once.code == 2 && once.out.contains("half rotated: anthropic:default"),
        "{}{}",
        once.out,
        once.err
    );
    let told_of = |what: &str| {
        let dir = std::fs::read_dir(stage.path(".config/keyshoal/alarms")).unwrap();
        let texts = dir.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
        texts.into_iter().any(|text| text.contains(what))
    };
    assert!(told_of("half_rotated"));
    let json = stage.run(&["watch", "--once", "--offline", "--json"]);
    assert_eq!((json.code, &json.json()["rotations"][0]["stage"]), (2, &serde_json::json!("published")));

    let socket = stage.path("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut child = start(&stage, &socket);
    told(&manager, "READY=1");
    told(&manager, "needs attention");
    // The second round of it says nothing more.
    std::thread::sleep(Duration::from_secs(7));
    let back = stage.run(&["rotate", PROFILE, "--rollback", "--yes", "--offline"]);
    assert_eq!(back.code, 0, "{}{}", back.out, back.err);
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut said = Vec::new();
    for line in lines.map(Result::unwrap) {
        let is_over = line.contains("as they should be");
        said.push(line);
        if is_over {
            break;
        }
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let stands = said.iter().filter(|line| line.contains("it stands at published")).count();
    assert_eq!(stands, 1, "{said:?}");
    assert!(said[0].contains("--resume") && said[0].contains("--rollback"), "{said:?}");
    assert!(!stage.run(&["watch", "--once", "--offline"]).out.contains("half rotated"));
    assert!(!told_of("half_rotated"));
}

#[test]
fn a_watch_goes_by_the_vault_that_is_under_its_path() {
    let stage = taken_in("repair");
    std::fs::write(stage.path("given"), GIVEN).unwrap();
    let (given, backup) = (stage.path("given"), stage.path("old.backup"));
    for arguments in [
        &["rotate", PROFILE, "--yes", "--from-file", given.to_str().unwrap()] as &[&str],
        &["vault", "backup", backup.to_str().unwrap()],
    ] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    }
    let text = "[watch]\npolicy = \"repair\"\nevery_seconds = 1\n";
    std::fs::write(stage.path(".config/keyshoal/keyshoal.toml"), text).unwrap();
    let socket = stage.path("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let child = start(&stage, &socket);
    told(&manager, "READY=1");
    told(&manager, "as they should be");
    std::fs::rename(stage.path(".local/share/keyshoal"), stage.path("aside")).unwrap();
    // It says so, and goes by it again once it is there.
    told(&manager, "needs attention");
    std::fs::create_dir(stage.path(".local/share/keyshoal")).unwrap();
    for arguments in [
        &["vault", "restore", backup.to_str().unwrap()] as &[&str],
        &["rotate", PROFILE, "--rollback", "--yes"],
    ] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    }
    // Two rounds and more, in which it may write.
    std::thread::sleep(Duration::from_secs(6));
    let held = ["main", "stocks"].map(|agent| store(&stage, agent));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(held.iter().all(|store| store.contains(NEW)), "{text}");
    assert!(text.contains("vault.sqlite: was open here, and is not there any more"), "{text}");
}
