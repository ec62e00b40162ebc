//! Going back by the vault: a plan and a question, what is known of the old value, and no value that is lost by it.

use crate::questions::typed;
use crate::stage::*;
use keyshoal_core::Layout;
use serde_json::{Value, json};

/// An installation with a vault whose key was rotated from NEW to GIVEN, and is in its grace time.
fn rotated(delivery: &str) -> Stage {
    let stage = Stage::calm(Layout::JsonFile);
    for arguments in [
        &["vault", "init"] as &[&str],
        &["instance", "add", "--name", "home", "--yes"],
        &["instance", "set", "--delivery", delivery, "--yes"],
    ] {
        fine(&stage, arguments);
    }
    let run = stage.run_with(&["rotate", PROFILE, "--yes"], &format!("{GIVEN}\n"));
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    stage
}

fn fine(stage: &Stage, arguments: &[&str]) -> Run {
    let run = stage.run(arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    run
}

/// The states of the versions, and the value that an agent holds.
fn stands(stage: &Stage) -> (Vec<String>, Vec<&'static str>) {
    let shown = fine(stage, &["credential", "show", PROFILE, "--json"]).json();
    let versions = shown["instance"]["credentials"][0]["versions"].as_array().unwrap().clone();
    let states = versions.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect();
    let read = |path: &str| std::fs::read_to_string(stage.state_dir().join(path)).unwrap_or_default();
    let text = read("agents/main/agent/auth-profiles.json") + &read(".keyshoal/delivered/secrets.json");
    (states, [NEW, GIVEN].into_iter().filter(|value| text.contains(value)).collect())
}

fn versions(states: &[&str]) -> Vec<String> {
    states.iter().map(|state| (*state).to_owned()).collect()
}

#[test]
fn nobody_goes_back_without_being_asked() {
    let stage = rotated("inline");
    let before = stands(&stage);
    for words in [
        &["rotate", PROFILE, "--rollback"] as &[&str],
        &["rotate", "anthropic", "--instances", "all", "--rollback"],
    ] {
        let run = stage.run(words);
        if words.len() == 3 {
            assert_eq!(run.code, 2, "{}{}", run.out, run.err);
            assert!(
                run.err.contains("nobody is there to ask") && run.err.contains("✓ accepted"),
                "{}",
                run.err
            );
        }
        assert_eq!(stands(&stage), before, "{words:?}");
    }
    for answer in ["\n", "n\n", ""] {
        let (_, out, err) = typed(&stage, &["rotate", PROFILE, "--rollback"], answer);
        assert!(err.contains("go back? [y/N]") && err.contains("stays at hand"), "{out}{err}");
        assert_eq!(stands(&stage), before, "{answer:?}");
    }
    assert_eq!(fine(&stage, &["rotate", "--due", "--json"]).json()["credentials"][0]["stage"], "proven");
    let (code, out, err) = typed(&stage, &["rotate", PROFILE, "--rollback"], "y\n");
    assert_eq!((code, stands(&stage).1), (0, vec![NEW]), "{out}{err}");
}

#[test]
fn the_newer_value_stays_at_hand_and_comes_back() {
    for delivery in ["inline", "refs"] {
        let stage = rotated(delivery);
        // Where nobody is asked, what is known is said with its time.
        let back = fine(&stage, &["rotate", PROFILE, "--rollback", "--yes", "--offline"]);
        assert!(back.err.contains("✓ accepted") && back.err.contains("not asked now"), "{}", back.err);
        assert!(back.out.contains("stays at hand until") && back.out.contains("--resume"), "{}", back.out);
        let is_back = (versions(&["current", "previous"]), vec![NEW]);
        assert_eq!(stands(&stage), is_back, "{delivery}");
        // Nothing is half done, and who says it again changes nothing.
        assert_eq!(fine(&stage, &["status", "--json"]).json()["rotations"], json!([]));
        let again = fine(&stage, &["rotate", PROFILE, "--rollback", "--json"]).json();
        assert_eq!(again["ended"], "rolled_back");
        assert!(again["grace_until"].is_string(), "{again}");
        let due = fine(&stage, &["rotate", "--due"]);
        assert!(due.out.contains("the newer value, which was taken back,"), "{}", due.out);
        assert_eq!(stands(&stage), is_back, "{delivery}");

        // Forward again is asked about as well, and proven.
        assert_eq!(stage.run(&["rotate", PROFILE, "--resume"]).code, 2);
        assert_eq!(stands(&stage), is_back, "{delivery}");
        let forward = fine(&stage, &["rotate", PROFILE, "--resume", "--yes", "--json"]).json();
        assert_eq!((&forward["ended"], &forward["stage"]), (&json!("grace"), &json!("proven")));
        assert_eq!(stands(&stage), (versions(&["previous", "current"]), vec![GIVEN]), "{delivery}");

        // Once it is retired, there is no way forward any more.
        fine(&stage, &["rotate", PROFILE, "--rollback", "--yes"]);
        fine(&stage, &["rotate", PROFILE, "--finish", "--yes"]);
        assert_eq!(stands(&stage), (versions(&["current", "retired"]), vec![NEW]), "{delivery}");
        assert_eq!(stage.run(&["rotate", PROFILE, "--resume", "--yes"]).code, 1);
        fine(&stage, &["verify"]);
    }
}

#[test]
fn the_next_one_that_comes_by_retires_the_newer_value_once_its_time_is_over() {
    let stage = rotated("inline");
    fine(&stage, &["rotate", PROFILE, "--rollback", "--yes", "--grace", "0"]);
    assert_eq!(stands(&stage).0, versions(&["current", "retired"]));

    // What is set in the grace time has a way back of its own, and it is not the newer value's to end.
    let stage = rotated("inline");
    fine(&stage, &["rotate", PROFILE, "--rollback", "--yes"]);
    let set = stage.run_with(&["credential", "set", PROFILE, "--yes"], &format!("{OWN}\n"));
    assert_eq!(set.code, 0, "{}{}", set.out, set.err);
    fine(&stage, &["rotate", PROFILE, "--rollback", "--yes"]);
    assert_eq!(stands(&stage), (versions(&["current", "retired", "previous"]), vec![NEW]));
    fine(&stage, &["rotate", PROFILE, "--resume", "--yes"]);
    assert_eq!(stands(&stage).0, versions(&["previous", "retired", "current"]));
    // A new rotation closes the one before it.
    fine(&stage, &["rotate", PROFILE, "--rollback", "--yes"]);
    let run = stage.run_with(&["rotate", PROFILE, "--yes"], &format!("{GIVEN}\n"));
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(stands(&stage).0, versions(&["previous", "retired", "retired", "current"]));
}

#[test]
fn a_value_that_is_dead_by_now_is_told_before_and_after() {
    let stage = rotated("inline");
    let before = stands(&stage);
    // It was accepted when it was last asked about; its provider has revoked it since.
    stage.emulator.only_accept(&[GIVEN]);
    let asked = stage.run(&["rotate", PROFILE, "--rollback"]);
    assert_eq!(asked.code, 2, "{}{}", asked.out, asked.err);
    assert!(asked.err.contains("the agents would fail with that value"), "{}", asked.err);
    assert_eq!(stands(&stage), before);
    let back = stage.run(&["rotate", PROFILE, "--rollback", "--yes"]);
    assert_eq!(back.code, 2, "{}{}", back.out, back.err);
    assert!(back.err.contains("✗ the agents fail with it"), "{}", back.err);
    let none: Value = json!([]);
    assert_eq!(stage.run(&["status", "--json"]).json()["rotations"], none);
    fine(&stage, &["rotate", PROFILE, "--resume", "--yes"]);
    assert_eq!(stands(&stage), before);
}
