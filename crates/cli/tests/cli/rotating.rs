//! A rotation has one process at a time, and whoever comes second, or stops it, is told the truth.

use crate::stage::*;
use keyshoal_core::Layout;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};

/// An installation with a vault whose provider keeps its answers back, and a rotation that waits for one.
struct Waiting {
    stage: Stage,
    first: Child,
}

impl Waiting {
    fn begin() -> Self {
        let stage = vaulted();
        std::fs::write(stage.path("given"), GIVEN).unwrap();
        stage.emulator.clear_log();
        stage.emulator.hold(true);
        let first = Command::new(env!("CARGO_BIN_EXE_keyshoal"))
            .env_clear()
            .env("HOME", stage.path(""))
            .arg("--state-dir")
            .arg(stage.state_dir())
            .args(["rotate", PROFILE, "--yes", "--from-file", stage.path("given").to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while stage.emulator.log().is_empty() {
            std::thread::yield_now();
        }
        Self { stage, first }
    }

    /// Lets the provider answer, and waits for what the first then says.
    fn end(self) -> (Stage, Run) {
        self.stage.emulator.hold(false);
        let said = self.first.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let run =
            Run { code: said.status.code().unwrap_or(-1), out: text(said.stdout), err: text(said.stderr) };
        (self.stage, run)
    }
}

fn vaulted() -> Stage {
    let stage = Stage::drifted(Layout::JsonFile);
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"], &["sync", "--yes"]] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    }
    stage
}

fn stands(stage: &Stage) -> Value {
    stage.run(&["status", "--json"]).json()["rotations"][0]["stage"].clone()
}

#[test]
fn a_second_process_is_told_of_the_first_and_changes_nothing() {
    let waiting = Waiting::begin();
    let (stage, key) = (&waiting.stage, waiting.stage.path("given"));
    let key = key.to_str().unwrap();
    for second in [
        &["rotate", PROFILE, "--rollback", "--yes"] as &[&str],
        &["rotate", PROFILE, "--resume", "--yes"],
        &["rotate", PROFILE, "--yes", "--from-file", key],
        &["rotate", PROFILE, "--instances", "all", "--yes", "--from-file", key],
    ] {
        let run = stage.run(second);
        assert_eq!(run.code, 1, "{second:?}: {}{}", run.out, run.err);
        let process = format!("process {}", waiting.first.id());
        for said in ["another keyshoal is at work", &process, "nothing was changed"] {
            assert!(run.err.contains(said), "{second:?}, {said}: {}", run.err);
        }
        assert_eq!(stands(stage), "staged", "{second:?}");
    }
    // What only shows is not kept waiting.
    assert_eq!(stage.run(&["rotate", PROFILE, "--resume", "--dry-run"]).code, 2);
    let (stage, first) = waiting.end();
    assert_eq!(first.code, 0, "{}{}", first.out, first.err);
    assert_eq!(stands(&stage), Value::Null);
    let back = stage.run(&["rotate", PROFILE, "--rollback", "--yes", "--offline"]);
    assert_eq!(back.code, 0, "{}{}", back.out, back.err);
}

#[test]
fn a_process_that_is_killed_keeps_nobody_waiting() {
    let mut waiting = Waiting::begin();
    waiting.first.kill().unwrap();
    waiting.first.wait().unwrap();
    waiting.stage.emulator.hold(false);
    let resumed = waiting.stage.run(&["rotate", PROFILE, "--resume", "--yes"]);
    assert_eq!(resumed.code, 0, "{}{}", resumed.out, resumed.err);
}

/// Where the lock keeps nobody out (somebody removed its file), the vault still does, and the truth is told.
#[test]
fn what_another_did_meanwhile_is_said() {
    let waiting = Waiting::begin();
    let stage = &waiting.stage;
    for entry in std::fs::read_dir(stage.path(".local/share/keyshoal")).unwrap() {
        let path = entry.unwrap().path();
        if path.to_str().unwrap().contains(".rotation-") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let back = stage.run(&["rotate", PROFILE, "--rollback", "--yes", "--offline"]);
    assert_eq!(back.code, 0, "{}{}", back.out, back.err);
    let (stage, first) = waiting.end();
    assert_eq!(first.code, 1, "{}{}", first.out, first.err);
    assert!(first.err.contains("another keyshoal has given it up"), "{}", first.err);
    assert!(!first.err.contains("--resume"), "{}", first.err);
    assert_eq!(stage.run(&["status", "--json"]).json()["rotations"], json!([]));
}

#[test]
fn whoever_stops_it_is_told_where_it_stands_and_how_to_go_on() {
    for signal in [Signal::INT, Signal::TERM] {
        let waiting = Waiting::begin();
        kill_process(Pid::from_child(&waiting.first), signal).unwrap();
        let (stage, stopped) = waiting.end();
        assert_eq!(stopped.code, 1, "{}{}", stopped.out, stopped.err);
        for said in ["stopped", PROFILE, "stands at staged", "--resume", "--rollback"] {
            assert!(stopped.err.contains(said), "{said}: {}", stopped.err);
        }
        assert_eq!(stands(&stage), "staged");
        let back = stage.run(&["rotate", PROFILE, "--rollback", "--yes", "--offline"]);
        assert_eq!(back.code, 0, "{}{}", back.out, back.err);
        let left = std::fs::read_dir(stage.path(".local/share/keyshoal")).unwrap();
        let left: Vec<_> = left.map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
        assert!(left.iter().all(|name| !name.contains("rotation")), "{left:?}");
    }
}
