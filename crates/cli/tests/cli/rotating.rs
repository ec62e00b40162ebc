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
        let run = Run::ended(self.first.wait_with_output().unwrap());
        (self.stage, run)
    }

    /// Tells the first to stop, and waits for what it says then. The provider goes on keeping its answer back until it has ended.
    fn stop(self, signal: Signal) -> (Stage, Run) {
        kill_process(Pid::from_child(&self.first), signal).unwrap();
        let run = Run::ended(self.first.wait_with_output().unwrap());
        self.stage.emulator.hold(false);
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

/// The same once the key was rotated: the value before stays at hand.
fn rotated(grace: &str) -> Stage {
    let stage = vaulted();
    let key = stage.path("given");
    std::fs::write(&key, GIVEN).unwrap();
    let key = key.to_str().unwrap();
    let done = stage.run(&["rotate", PROFILE, "--yes", "--grace", grace, "--from-file", key]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
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
    // Who asks how things stand is told of it, and not of commands that would be refused.
    let told = stage.run(&["status", "--json"]).json()["rotations"][0].clone();
    let process = format!("process {}", waiting.first.id());
    assert!(told["at_work"].as_str().unwrap().contains(&process), "{told}");
    let status = stage.run(&["status"]);
    assert_eq!(status.code, 2, "{}{}", status.out, status.err);
    let line = status.out.split("half rotated").nth(1).unwrap_or("").replace("\n    ", " ");
    assert!(line.contains(&format!("{process},")) && line.contains("is at work on it"), "{}", status.out);
    assert!(!line.contains("--resume") && line.contains("wait until it is done"), "{}", status.out);
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
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let (stage, stopped) = Waiting::begin().stop(signal);
        assert_eq!(stopped.code, code, "{}{}", stopped.out, stopped.err);
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

#[test]
fn a_rotation_in_its_grace_time_is_not_due() {
    let stage = rotated("48");
    let due = stage.run(&["rotate", "--due"]);
    assert_eq!(due.code, 0, "{}{}", due.out, due.err);
    assert!(due.out.contains("the value before stays at hand until"), "{}", due.out);
    let told = stage.run(&["rotate", "--due", "--json"]).json();
    let of = |name: &str| {
        let all = told["credentials"].as_array().unwrap().iter();
        all.filter(|one| one["shared"] == true).find(|one| one["profile"] == name).unwrap().clone()
    };
    let (one, until) = (of(PROFILE), &of(PROFILE)["grace_until"]);
    assert_eq!(one["stage"], "proven", "{told:#}");
    let until: keyshoal_core::Timestamp = until.as_str().unwrap().parse().unwrap();
    let hours = until.duration_since(keyshoal_core::Timestamp::now()).as_hours();
    assert!((46..=48).contains(&hours), "{until}");
    let finished = stage.run(&["rotate", PROFILE, "--finish", "--yes"]);
    assert_eq!(finished.code, 0, "{}{}", finished.out, finished.err);
    let due = stage.run(&["rotate", "--due"]);
    assert!(due.code == 0 && !due.out.contains("at hand"), "{}{}", due.out, due.err);
}

#[test]
fn the_delivery_may_change_while_the_value_before_waits() {
    let stage = rotated("24");
    let text = || {
        let store = stage.state_dir().join("agents/main/agent/auth-profiles.json");
        std::fs::read_to_string(store).unwrap()
    };
    let file = || {
        let path = stage.state_dir().join(".keyshoal/delivered/secrets.json");
        std::fs::read_to_string(path).unwrap_or_default()
    };
    let fine = |arguments: &[&str]| {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    };
    fine(&["instance", "set", "--delivery", "refs", "--yes"]);
    assert!(file().contains(GIVEN) && !text().contains(GIVEN));
    fine(&["verify"]);
    // The way back is as it was, and by the new way.
    fine(&["rotate", PROFILE, "--rollback", "--yes", "--offline"]);
    assert!(file().contains(NEW) && !file().contains(GIVEN), "it did not go back");
    fine(&["verify"]);
    let key = stage.path("given");
    fine(&["rotate", PROFILE, "--yes", "--from-file", key.to_str().unwrap()]);
    fine(&["instance", "set", "--delivery", "inline", "--yes"]);
    assert!(text().contains(GIVEN) && file().is_empty());
    fine(&["rotate", PROFILE, "--finish", "--yes"]);
    fine(&["verify"]);
}

#[test]
fn in_the_midst_of_a_rotation_the_delivery_stays_and_the_ways_out_are_named() {
    let stage = vaulted();
    let key = stage.path("given");
    std::fs::write(&key, GIVEN).unwrap();
    let half = stage.run(&["rotate", PROFILE, "--yes", "--offline", "--from-file", key.to_str().unwrap()]);
    assert_eq!(half.code, 2, "{}{}", half.out, half.err);
    let refused = stage.run(&["instance", "set", "--delivery", "refs", "--yes"]);
    assert_eq!(refused.code, 1, "{}{}", refused.out, refused.err);
    for said in ["published", "--resume", "--rollback"] {
        assert!(refused.err.contains(said), "{said}: {}", refused.err);
    }
    // Where the credential is taken back from all, there is nothing to go on with, and nothing that is half done.
    let gone = stage.run(&["credential", "remove", PROFILE, "--yes"]);
    assert_eq!(gone.code, 0, "{}{}", gone.out, gone.err);
    assert_eq!(stands(&stage), Value::Null);
    let set = stage.run(&["instance", "set", "--delivery", "refs", "--yes"]);
    assert_eq!(set.code, 0, "{}{}", set.out, set.err);
    let none = stage.run(&["rotate", PROFILE, "--resume"]);
    assert!(none.code == 1 && none.err.contains("--agent academic"), "{}", none.err);
    assert!(!none.err.contains("did you mean"), "{}", none.err);
}

#[test]
fn the_way_on_names_whose_override_it_is() {
    let stage = vaulted();
    let key = stage.path("given");
    std::fs::write(&key, GIVEN).unwrap();
    let run = [
        "rotate",
        PROFILE,
        "--agent",
        "academic",
        "--yes",
        "--offline",
        "--from-file",
        key.to_str().unwrap(),
    ];
    let run = stage.run(&run);
    let way = "keyshoal rotate anthropic:default --agent academic --resume";
    assert!(run.code == 2 && run.out.contains(way), "{}{}", run.out, run.err);
}

#[test]
fn what_is_no_value_is_refused_with_the_command_that_was_given() {
    let stage = vaulted();
    let nothing = stage.path("nothing");
    std::fs::write(&nothing, "").unwrap();
    let nothing = nothing.to_str().unwrap();
    for (arguments, again) in [
        (vec!["rotate", PROFILE], "keyshoal rotate anthropic:default"),
        (
            vec!["rotate", PROFILE, "--agent", "academic"],
            "keyshoal rotate anthropic:default --agent academic",
        ),
        (vec!["rotate", "anthropic", "--instances", "all"], "keyshoal rotate anthropic --instances all"),
        (vec!["credential", "set", "anthropic"], "keyshoal credential set anthropic"),
        (
            vec!["credential", "override", "ops", PROFILE],
            "keyshoal credential override ops anthropic:default",
        ),
        (vec!["set", "anthropic"], "keyshoal set anthropic"),
        (vec!["set", "anthropic", "--agent", "ops"], "keyshoal set anthropic --agent ops"),
    ] {
        let run = stage.run(&[&arguments[..], &["--yes", "--from-file", nothing]].concat());
        assert_eq!(run.code, 1, "{arguments:?}: {}{}", run.out, run.err);
        assert!(run.err.contains("no value was given; nothing was changed"), "{}", run.err);
        assert!(run.err.trim_end().ends_with(&format!("try again: {again}")), "{again}: {}", run.err);
    }
}

#[test]
fn a_rotation_speaks_of_those_whom_it_reached() {
    let stage = vaulted();
    let run = stage.run_with(&["rotate", PROFILE, "--yes"], GIVEN);
    let said: Vec<&str> = run.out.split_whitespace().collect();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(said.join(" ").contains("(not academic, with an override of its own) works with"), "{}", run.out);
    let run = stage.run_with(&["rotate", PROFILE, "--agent", "academic", "--yes", "--json"], NEW);
    assert_eq!((run.code, &run.json()["overridden"]), (0, &json!([])), "{}{}", run.out, run.err);
}

#[test]
fn what_is_due_is_told_of_what_was_named() {
    let stage = vaulted();
    let due = |more: &[&str]| {
        let run = stage.run(&[&["rotate", "--due", "--json"] as &[&str], more].concat());
        (run.code, run.json()["credentials"].as_array().cloned().unwrap_or_default())
    };
    let (code, all) = due(&[]);
    let own: Vec<&Value> = all.iter().filter(|one| one["agent"] == "academic").collect();
    assert!(code == 0 && own.len() == 1 && own[0]["shared"] == false, "{all:#?}");
    assert!(all.iter().any(|one| one["agent"].is_null() && one["profile"] == PROFILE), "{all:#?}");
    assert_eq!(due(&["anthropic"]).1.len(), 2);
    assert_eq!(due(&[PROFILE, "--agent", "academic"]).1, [own[0].clone()]);
    assert_eq!(due(&["anthropic", "--instances", "all"]).1.len(), 2);
    for none in [&["acme"] as &[&str], &["acme", "--instances", "all"], &["anthropic", "--agent", "ops"]] {
        let (code, all) = due(none);
        assert!(code == 1 && all.is_empty(), "{none:?}: {all:#?}");
    }
}
