//! What others change in the vault while a command is under way: the command goes by what the vault has then.

use crate::stage::*;
use crate::watching_a_vault::{KEY, give, store, taken_in};
use keyshoal_ledger::RunLock;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn begin(stage: &Stage, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_keyshoal"))
        .env_clear()
        .env("HOME", stage.path(""))
        .arg("--state-dir")
        .arg(stage.state_dir())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn end(child: Child) -> Run {
    let said = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: said.status.code().unwrap_or(-1), out: text(said.stdout), err: text(said.stderr) }
}

fn add(stage: &Stage, agent: &str) {
    let run = stage.run(&["agent", "add", agent, "--yes", "--offline"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
}

#[test]
fn a_command_under_whose_hands_the_vault_has_changed_is_done_anew() {
    for wait in ["0", "60"] {
        let stage = taken_in("report");
        stage.emulator.clear_log();
        stage.emulator.hold(true);
        let mut set = begin(&stage, &["credential", "set", PROFILE, "--yes", "--wait", wait]);
        set.stdin.take().unwrap().write_all(GIVEN.as_bytes()).unwrap();
        while stage.emulator.log().is_empty() {
            std::thread::yield_now();
        }
        add(&stage, "late");
        stage.emulator.hold(false);
        let set = end(set);
        let brought = ["main", "stocks"].iter().all(|agent| store(&stage, agent).contains(GIVEN));
        match wait {
            "0" => {
                assert!(set.code == 1 && set.err.contains("meanwhile") && !brought, "{}{}", set.out, set.err)
            }
            _ => assert!(set.code == 0 && set.err.contains("once more") && brought, "{}{}", set.out, set.err),
        }
        assert!(stage.run(&["agent", "list"]).out.contains("late"));
    }
}

#[test]
fn a_rotation_goes_on_whatever_else_of_the_vault_has_changed() {
    let stage = taken_in("report");
    let mut rotation = begin(&stage, &["rotate", PROFILE, "--yes"]);
    // It has read what there is, and waits for the value.
    std::thread::sleep(Duration::from_secs(3));
    add(&stage, "late");
    rotation.stdin.take().unwrap().write_all(GIVEN.as_bytes()).unwrap();
    let rotation = end(rotation);
    assert_eq!(rotation.code, 0, "{}{}", rotation.out, rotation.err);
    assert!(!rotation.err.contains("once more"), "{}", rotation.err);
    assert!(["main", "stocks"].iter().all(|agent| store(&stage, agent).contains(GIVEN)));
}

/// Where the value itself was changed meanwhile, nobody knows whether this one is still meant to follow: it is begun anew.
#[test]
fn a_rotation_of_what_was_changed_meanwhile_begins_anew() {
    let stage = taken_in("report");
    let mut rotation = begin(&stage, &["rotate", PROFILE, "--yes", "--wait", "0"]);
    std::thread::sleep(Duration::from_secs(3));
    give(&stage, KEY, OWN);
    rotation.stdin.take().unwrap().write_all(GIVEN.as_bytes()).unwrap();
    let rotation = end(rotation);
    assert!(rotation.code == 1 && rotation.err.contains("meanwhile"), "{}{}", rotation.out, rotation.err);
    assert_eq!(stage.run(&["status", "--json"]).json()["rotations"], serde_json::json!([]));
}

/// What another has brought until it was this one's turn is what the vault wants by then, and no copy that was left behind.
#[test]
fn a_command_that_waited_for_another_goes_by_what_that_one_has_left() {
    let stage = taken_in("report");
    let now = keyshoal_local::clock::now();
    let lock = RunLock::acquire(&stage.state_dir(), "rotate", now, Duration::ZERO).unwrap();
    let waits = begin(&stage, &["agent", "add", "late", "--yes", "--wait", "60"]);
    std::thread::sleep(Duration::from_secs(3));
    give(&stage, KEY, GIVEN);
    for agent in ["main", "stocks"] {
        let path = stage.state_dir().join(format!("agents/{agent}/agent/auth-profiles.json"));
        std::fs::write(path, store(&stage, agent).replace(NEW, GIVEN)).unwrap();
    }
    drop(lock);
    let waited = end(waits);
    assert_eq!(waited.code, 0, "{}{}", waited.out, waited.err);
    assert!(!waited.out.contains("stale"), "{}", waited.out);
    assert!(["main", "stocks"].iter().all(|agent| store(&stage, agent).contains(GIVEN)));
}
