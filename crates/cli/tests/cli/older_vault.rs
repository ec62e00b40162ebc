//! A vault that is older than what the stores hold: a backup of it was restored. What it has staged, or has never had, is newer than its
//! present value, and is asked about.

use crate::stage::*;
use crate::waving::{half_done, holds, taken_in};
use serde_json::Value;
use std::fs;
use std::process::{Command, Stdio};

const ALL: [&str; 5] = ["main", "a1", "a2", "a3", "a4"];

fn fine(stage: &Stage, arguments: &[&str]) -> Run {
    let run = stage.run(arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    run
}

fn set(stage: &Stage, value: &str) {
    let run = stage.run_with(&["credential", "set", PROFILE, "--yes"], value);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
}

fn back_up(stage: &Stage) {
    fine(stage, &["vault", "backup", stage.path("old.backup").to_str().unwrap()]);
}

fn restore(stage: &Stage) {
    fs::remove_dir_all(stage.path(".local/share/keyshoal")).unwrap();
    fine(stage, &["vault", "restore", stage.path("old.backup").to_str().unwrap()]);
    fs::write(stage.path(".config/keyshoal/keyshoal.toml"), "[watch]\npolicy = \"repair\"\n").unwrap();
}

fn all_hold(stage: &Stage, value: &str, when: &str) {
    for agent in ALL {
        assert!(holds(stage, agent, value), "{agent} lost its value: {when}");
    }
}

/// Whatever looks, and whatever repairs unasked, leaves the value and says how to go on.
fn is_asked_about(stage: &Stage, value: &str, says: &[&str]) {
    for look in
        [&["status"] as &[&str], &["sync", "--yes"], &["sync", "--yes", "--offline"], &["watch", "--once"]]
    {
        let run = stage.run(look);
        let said: Vec<&str> = run.out.split_whitespace().chain(run.err.split_whitespace()).collect();
        let said = said.join(" ");
        assert_eq!(run.code, 2, "{look:?}: {said}");
        for one in says {
            assert!(said.contains(one), "{look:?} does not say {one:?}: {said}");
        }
        all_hold(stage, value, &said);
    }
}

/// One whose vault was backed up in the midst of a rotation, which came to its end since.
fn restored_amid_a_rotation() -> Stage {
    let stage = half_done();
    back_up(&stage);
    fine(&stage, &["rotate", PROFILE, "--resume", "--yes"]);
    fine(&stage, &["rotate", PROFILE, "--finish", "--yes"]);
    all_hold(&stage, GIVEN, "the rotation came to its end");
    restore(&stage);
    stage
}

#[test]
fn what_its_rotation_did_not_bring_there_is_no_earlier_value() {
    let stage = restored_amid_a_rotation();
    let says = [
        "the newer value of a rotation that is half done",
        "keyshoal rotate anthropic:default --resume goes on",
    ];
    is_asked_about(&stage, GIVEN, &says);
    fine(&stage, &["rotate", PROFILE, "--resume", "--yes"]);
    all_hold(&stage, GIVEN, "it was resumed");
    fine(&stage, &["status"]);
}

/// A rotation that was killed while it waited for its provider: nobody has the newer value yet.
pub fn only_staged(stage: &Stage, of: &[&str]) {
    stage.emulator.clear_log();
    stage.emulator.hold(true);
    let mut first = Command::new(env!("CARGO_BIN_EXE_keyshoal"))
        .env_clear()
        .env("HOME", stage.path(""))
        .arg("--state-dir")
        .arg(stage.state_dir())
        .args(["rotate", PROFILE, "--yes", "--from-file", stage.path("given").to_str().unwrap()])
        .args(of)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while stage.emulator.log().is_empty() {
        std::thread::yield_now();
    }
    first.kill().unwrap();
    first.wait().unwrap();
    stage.emulator.hold(false);
    assert_eq!(stage.run(&["status", "--json"]).json()["rotations"][0]["stage"], "staged");
}

#[test]
fn what_was_only_staged_is_asked_about_whichever_way_it_is_delivered() {
    for delivery in ["inline", "refs"] {
        let stage = taken_in();
        fine(&stage, &["instance", "set", "--delivery", delivery, "--yes"]);
        let file = stage.state_dir().join(".keyshoal/delivered/secrets.json");
        let all_send = |value: &str, when: &str| match delivery {
            "inline" => all_hold(&stage, value, when),
            _ => assert!(fs::read_to_string(&file).unwrap().contains(value), "{when}"),
        };
        only_staged(&stage, &[]);
        back_up(&stage);
        fine(&stage, &["rotate", PROFILE, "--resume", "--yes"]);
        fine(&stage, &["rotate", PROFILE, "--finish", "--yes"]);
        restore(&stage);
        for look in [&["status"] as &[&str], &["sync", "--yes"], &["watch", "--once"]] {
            let run = stage.run(look);
            assert_eq!(run.code, 2, "{delivery} {look:?}: {}{}", run.out, run.err);
            assert!(run.out.contains("rotation that is half done"), "{delivery} {look:?}: {}", run.out);
            all_send(GIVEN, &format!("{delivery} {look:?}: {}{}", run.out, run.err));
        }
        fine(&stage, &["rotate", PROFILE, "--resume", "--yes"]);
        all_send(GIVEN, delivery);
        fine(&stage, &["rotate", PROFILE, "--rollback", "--yes"]);
        all_send(NEW, delivery);
        fine(&stage, &["status"]);
    }
}

#[test]
fn an_override_that_was_only_staged_is_asked_about_as_well() {
    for delivery in ["inline", "refs"] {
        let stage = taken_in();
        fine(&stage, &["instance", "set", "--delivery", delivery, "--yes"]);
        let own = stage.run_with(&["credential", "override", "a2", PROFILE, "--yes"], OWN);
        assert_eq!(own.code, 0, "{}{}", own.out, own.err);
        only_staged(&stage, &["--agent", "a2"]);
        back_up(&stage);
        fine(&stage, &["rotate", PROFILE, "--agent", "a2", "--resume", "--yes"]);
        fine(&stage, &["rotate", PROFILE, "--agent", "a2", "--finish", "--yes"]);
        restore(&stage);
        let file = stage.state_dir().join(".keyshoal/delivered/secrets.json");
        let has = || match delivery {
            "inline" => holds(&stage, "a2", GIVEN),
            _ => fs::read_to_string(&file).unwrap().contains(GIVEN),
        };
        for look in [
            &["status"] as &[&str],
            &["sync", "--yes"],
            &["sync", "--yes", "--offline"],
            &["watch", "--once"],
        ] {
            let run = stage.run(look);
            assert_eq!(run.code, 2, "{delivery} {look:?}: {}{}", run.out, run.err);
            let said = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.contains("--agent a2 --resume") && has(), "{delivery} {look:?}: {said}");
        }
        fine(&stage, &["rotate", PROFILE, "--agent", "a2", "--resume", "--yes"]);
        fine(&stage, &["status"]);
        assert!(has());
    }
}

#[test]
fn what_was_only_staged_and_is_held_is_given_up_by_bringing_all_back() {
    for delivery in ["inline", "refs"] {
        let stage = taken_in();
        fine(&stage, &["instance", "set", "--delivery", delivery, "--yes"]);
        only_staged(&stage, &[]);
        back_up(&stage);
        fine(&stage, &["rotate", PROFILE, "--resume", "--yes"]);
        fine(&stage, &["rotate", PROFILE, "--finish", "--yes"]);
        restore(&stage);
        let run = fine(&stage, &["rotate", PROFILE, "--rollback", "--yes"]);
        assert!(!run.out.contains("no agent has the new value"), "{delivery}: {}", run.out);
        let file = stage.state_dir().join(".keyshoal/delivered/secrets.json");
        match delivery {
            "inline" => all_hold(&stage, NEW, "it was given up"),
            _ => assert!(fs::read_to_string(&file).unwrap().contains(NEW), "{}", run.out),
        }
        fine(&stage, &["status"]);
    }
}

#[test]
fn a_person_gives_it_up_all_the_same() {
    let stage = restored_amid_a_rotation();
    fine(&stage, &["rotate", PROFILE, "--rollback", "--yes"]);
    all_hold(&stage, NEW, "it was given up");
    fine(&stage, &["status"]);
}

#[test]
fn what_the_provider_refuses_gives_way_to_what_it_accepts() {
    let stage = restored_amid_a_rotation();
    stage.emulator.only_accept(&[NEW]);
    stage.run(&["status", "--check"]);
    let run = stage.run(&["sync", "--yes"]);
    for agent in ["main", "a2", "a3", "a4"] {
        assert!(holds(&stage, agent, NEW), "{agent}: {}{}", run.out, run.err);
    }
}

#[test]
fn copies_of_a_newer_shared_value_are_no_overrides() {
    let stage = taken_in();
    back_up(&stage);
    set(&stage, GIVEN);
    restore(&stage);
    let adopt = "keyshoal credential adopt base anthropic:default (into the vault)";
    is_asked_about(&stage, GIVEN, &["and the vault has never had it", adopt]);
    let found = stage.run(&["status", "--json"]).json()["findings"].as_array().unwrap().clone();
    let of =
        |agent: &str| found.iter().find(|one| one["agent"] == agent && one["profile"] == PROFILE).unwrap();
    for agent in ALL {
        assert_eq!(of(agent)["finding"], "foreign", "{agent}");
        assert!(of(agent)["fix"].as_str().unwrap().starts_with(adopt), "{agent}");
    }
    fine(&stage, &["credential", "adopt", "base", PROFILE, "--yes"]);
    all_hold(&stage, GIVEN, "it was taken in");
    let after = fine(&stage, &["status", "--json"]).json();
    let kept = |one: &&Value| one["finding"] == "kept";
    assert_eq!(after["findings"].as_array().unwrap().iter().find(kept), None);
    // Nothing was remembered as an agent's own: the next value reaches all of them.
    set(&stage, OWN);
    all_hold(&stage, OWN, "it was set");
}

#[test]
fn a_person_may_have_the_vaults_value_back_everywhere() {
    let stage = taken_in();
    back_up(&stage);
    set(&stage, GIVEN);
    restore(&stage);
    fine(&stage, &["sync", "--profile", PROFILE, "--include", "foreign", "--yes"]);
    all_hold(&stage, NEW, "a person said so");
}

#[test]
fn the_first_agent_of_a_rotation_is_not_offered_what_all_share_as_its_own() {
    let stage = half_done();
    back_up(&stage);
    fine(&stage, &["rotate", PROFILE, "--resume", "--yes"]);
    set(&stage, OWN);
    restore(&stage);
    is_asked_about(&stage, OWN, &["keyshoal credential adopt base anthropic:default"]);
    let status = stage.run(&["status"]);
    assert!(!status.out.contains("adopt a1"), "{}", status.out);
}
