//! Rotations in waves: who comes first, who may fail, and when one is over.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use keyshoal_emulator::{Behaviour, Emulator};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;

/// An installation with a vault, and agents with copies of their own of what all share.
pub fn taken_in() -> Stage {
    let stage = Stage::with(Layout::JsonFile, |mut sample| {
        sample = sample.api_key(StoreId::Base, PROFILE, NEW);
        for id in ["a1", "a2", "a3", "a4"] {
            sample = sample.agent(id).api_key(StoreId::Agent(id.into()), PROFILE, NEW);
        }
        sample
    });
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--name", "home", "--yes"]] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    }
    std::fs::write(stage.path("given"), GIVEN).unwrap();
    stage
}

fn rotate(stage: &Stage, more: &[&str]) -> Run {
    let given = stage.path("given");
    let words = ["rotate", PROFILE, "--yes", "--from-file", given.to_str().unwrap()];
    stage.run(&[&words[..], more].concat())
}

/// Has a rotation's provider change once it has been asked about the new value so many times: that last answer is made already, and on its way.
pub fn midway(stage: &Stage, asked: usize, more: &[&str], change: impl FnOnce(&Emulator)) -> Run {
    stage.emulator.clear_log();
    stage.emulator.set_latency(Duration::from_millis(500));
    let given = stage.path("given");
    let rotation = std::process::Command::new(env!("CARGO_BIN_EXE_keyshoal"))
        .env_clear()
        .env("HOME", stage.path(""))
        .arg("--state-dir")
        .arg(stage.state_dir())
        .args(["rotate", PROFILE, "--yes", "--from-file", given.to_str().unwrap()])
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while stage.emulator.log().iter().filter(|row| row.key.as_deref() == Some(GIVEN)).count() < asked {
        std::thread::yield_now();
    }
    change(&stage.emulator);
    stage.emulator.set_latency(Duration::ZERO);
    Run::ended(rotation.wait_with_output().unwrap())
}

/// One whose provider breaks down once it was asked about the new value: the first agent has that, and nobody knows whether it works.
pub fn half_done() -> Stage {
    let stage = taken_in();
    let run = midway(&stage, 1, &[], |emulator| emulator.everyone(Some(Behaviour::ServerError)));
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    stage.emulator.everyone(None);
    assert!(holds(&stage, "a1", GIVEN) && holds(&stage, "a2", NEW));
    stage
}

pub fn holds(stage: &Stage, agent: &str, value: &str) -> bool {
    let store = stage.state_dir().join(format!("agents/{agent}/agent/auth-profiles.json"));
    std::fs::read_to_string(store).unwrap_or_default().contains(value)
}

fn rotations(stage: &Stage) -> Value {
    stage.run(&["status", "--json"]).json()["rotations"].clone()
}

#[test]
fn an_agent_that_is_ahead_is_no_override_and_verify_tells_of_the_rotation() {
    let stage = half_done();
    let status = stage.run(&["status", "--json"]).json();
    let of = |id: &str| {
        let agents = status["agents"].as_array().unwrap().iter();
        agents.filter(|one| one["id"] == id).map(ToString::to_string).collect::<String>()
    };
    assert!(of("a1").contains("in_sync") && !of("a1").contains("kept"), "{}", of("a1"));
    let run = stage.run(&["verify"]);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    let said = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["half rotated", "rotate anthropic:default --resume", "a1 before the others"] {
        assert!(said.contains(words), "{words}: {}", run.out);
    }
    assert!(!said.contains("on purpose"), "{}", run.out);
    let told = stage.run(&["verify", "--json"]).json();
    assert_eq!(told["rotations"], rotations(&stage));
    assert_eq!(
        (&told["checks"][0]["id"], &told["checks"][0]["result"]),
        (&json!("same_generation"), &json!("no"))
    );
    let done = stage.run(&["rotate", PROFILE, "--resume", "--yes"]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    let run = stage.run(&["verify", "--json"]);
    assert_eq!((run.code, &run.json()["rotations"]), (0, &json!([])), "{}{}", run.out, run.err);
}

#[test]
fn a_rotation_is_over_only_when_every_agent_is_back_whatever_became_of_the_value_before() {
    let stage = half_done();
    // Both are rejected by now, and that is known.
    stage.emulator.only_accept(&[OWN]);
    stage.run(&["status", "--check"]);
    for _ in 0..2 {
        let run = stage.run(&["rotate", PROFILE, "--resume", "--yes", "--error-budget", "3"]);
        assert_eq!(run.code, 2, "{}{}", run.out, run.err);
        assert!(run.out.contains("not every agent could be brought back"), "{}{}", run.out, run.err);
        assert!(run.out.contains("a1: it still holds") && run.out.contains("--rollback"), "{}", run.out);
        assert!(!run.out.contains(" a2: "), "{}", run.out);
        assert!(holds(&stage, "a1", GIVEN));
        assert_eq!(rotations(&stage)[0]["stage"], "rolled_back");
        assert_eq!(stage.run(&["rotate", "--due"]).code, 2);
    }
    // A person says so.
    let run = stage.run(&["rotate", PROFILE, "--rollback", "--yes"]);
    assert!(run.code == 2 && run.err.contains("the agents fail with it"), "{}{}", run.out, run.err);
    assert!(run.out.contains("as you asked"), "{}", run.out);
    for agent in ["main", "a1", "a2", "a3", "a4"] {
        assert!(holds(&stage, agent, NEW) && !holds(&stage, agent, GIVEN), "{agent}");
    }
    assert_eq!(rotations(&stage), json!([]));
}

#[test]
fn who_cannot_come_first_is_refused_and_an_instance_that_does_is_no_agent() {
    let stage = taken_in();
    let run = rotate(&stage, &["--canary", "main"]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    let why = "what the others inherit";
    assert!(run.err.contains("cannot come first") && run.err.contains(why), "{}", run.err);
    assert!(holds(&stage, "a1", NEW));
    let plan = rotate(&stage, &["--canary", "a3", "--dry-run", "--json"]);
    let (code, plan) = (plan.code, plan.json());
    assert_eq!((code, &plan["waves"][0]), (2, &json!(["a3"])), "{plan}");
    assert!(plan["old"].is_string() && plan["new"].is_string() && plan["old"] != plan["new"], "{plan}");
    let together = rotate(&stage, &["--instances", "home", "--canary", "home", "--dry-run", "--json"]).json();
    let there = &together["instances"][0]["rotation"];
    assert_eq!(there["waves"][0], json!(["a1"]), "{together}");
    assert_eq!((&there["old"], &there["new"]), (&plan["old"], &plan["new"]));
}

#[test]
fn what_is_said_to_lead_out_of_the_rotation_of_one_instance_does() {
    let stage = half_done();
    let again = rotate(&stage, &["--instances", "home"]);
    assert_eq!(again.code, 1, "{}{}", again.out, again.err);
    assert!(
        again.err.contains("keyshoal rotate anthropic:default --instances home --resume"),
        "{}",
        again.err
    );
    let run = stage.run(&["rotate", PROFILE, "--instances", "home", "--resume", "--yes"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(holds(&stage, "main", GIVEN));
    // Where it would lead is told, with both values and what is known of the one.
    let way = stage.run(&["rotate", PROFILE, "--rollback", "--dry-run", "--json"]).json();
    assert_eq!(way["tested"][0]["verdict"]["kind"], "ok", "{way}");
    assert!(way["old"].is_string() && way["new"].is_string(), "{way}");
    let done = stage.run(&["rotate", PROFILE, "--instances", "home", "--finish", "--yes"]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    // Nobody was looked at for this, so nothing is said of the agents.
    assert!(done.out.contains("stays the value") && !done.out.contains("works with"), "{}", done.out);
    assert_eq!(stage.run(&["rotate", "--due", "--json"]).json()["credentials"][0]["stage"], Value::Null);
}

#[test]
fn where_nobody_of_a_wave_can_be_told_of_it_goes_to_nobody_else_whatever_the_budget() {
    let stage = taken_in();
    let down = |emulator: &Emulator| emulator.everyone(Some(Behaviour::ServerError));
    // The first agent is shown to work, and then its provider breaks down.
    let run = midway(&stage, 2, &["--error-budget", "3"], down);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    assert!(run.err.contains("halted: nobody of this wave is shown to work"), "{}", run.err);
    assert!(run.err.contains("--resume") && rotations(&stage)[0]["stage"] == "publishing", "{}", run.err);
    assert!(holds(&stage, "a1", GIVEN) && holds(&stage, "a2", GIVEN));
    for agent in ["main", "a3", "a4"] {
        assert!(holds(&stage, agent, NEW) && !holds(&stage, agent, GIVEN), "{agent}");
    }
    stage.emulator.everyone(None);
    let run = stage.run(&["rotate", PROFILE, "--resume", "--yes"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
}

#[test]
fn a_rotation_that_goes_back_to_a_value_that_is_dead_says_so_and_brings_it_to_nobody() {
    let dead = |emulator: &Emulator| emulator.only_accept(&[OWN]);
    // Nobody knows it yet: the value before is asked about on the way.
    let stage = taken_in();
    let run = midway(&stage, 1, &[], dead);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    let line = run.out.lines().find(|line| line.contains("failing with the value before")).unwrap_or("");
    assert!(line.contains("a2, a3, a4, main (its provider does not know it)"), "{}{}", run.out, run.err);
    assert!(run.out.contains("a1: it still holds") && run.out.contains("--rollback"), "{}", run.out);
    assert!(holds(&stage, "a1", GIVEN) && holds(&stage, "a2", NEW));

    // So it is where one file is delivered for all.
    let stage = taken_in();
    let run = stage.run(&["instance", "set", "--delivery", "refs", "--yes"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let run = midway(&stage, 1, &["--json"], dead);
    let (code, told) = (run.code, run.json());
    assert_eq!((code, &told["ended"], &told["dead"]), (2, &json!("rolled_back"), &json!([])), "{told}");
    let file = stage.state_dir().join(".keyshoal/delivered/secrets.json");
    assert!(std::fs::read_to_string(file).unwrap().contains(GIVEN));
    assert!(run.out.contains("its provider rejects the value before"), "{}", run.out);
}

#[test]
fn whoever_is_called_otherwise_now_or_has_a_value_of_its_own_is_in_no_wave_any_more() {
    let changes: [&[&str]; 3] = [
        &["agent", "rename", "a2", "z2", "--yes"],
        &["agent", "disable", "a2", "--yes"],
        &["credential", "override", "a2", PROFILE, "--yes", "--from-file"],
    ];
    for change in changes {
        let stage = half_done();
        std::fs::write(stage.path("own"), OWN).unwrap();
        let own = stage.path("own").to_str().unwrap().to_owned();
        let own: &[&str] = if change.contains(&"override") { &[&own] } else { &[] };
        let changed = stage.run(&[change, own].concat());
        assert!(changed.code != 1, "{change:?}: {}{}", changed.out, changed.err);
        let planned = stage.run(&["rotate", PROFILE, "--resume", "--dry-run"]);
        assert!(!planned.err.contains("a2"), "{change:?}: {}{}", planned.out, planned.err);
        let run = stage.run(&["rotate", PROFILE, "--resume", "--yes"]);
        let said = run.out.clone() + &run.err;
        assert_eq!(run.code, 0, "{change:?}: {said}");
        assert!(said.contains("wave 1 of 2: a1") && said.contains("wave 2 of 2: everybody"), "{said}");
        assert!(holds(&stage, "a3", GIVEN) && !holds(&stage, "a2", NEW), "{change:?}");
    }
}
