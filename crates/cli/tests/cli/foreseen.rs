//! What a rotation says that it would do, or has done, is what it does: in dry runs, in the vault alone, and for an agent that is disabled.

use crate::older_vault::only_staged;
use crate::stage::*;
use crate::waving::{holds, midway, taken_in};
use keyshoal_emulator::Behaviour;
use serde_json::{Value, json};
use std::fs;

/// Its provider refuses it.
const BAD: &str = "sk-ant-api03-seeded-bad-1f2e3d4c5b6a7988";

fn ended(stage: &Stage, arguments: &[&str], code: i32) -> Run {
    let run = stage.run(arguments);
    assert_eq!(run.code, code, "{arguments:?}: {}{}", run.out, run.err);
    run
}

fn rotated(stage: &Stage) {
    let given = stage.path("given");
    ended(stage, &["rotate", PROFILE, "--yes", "--from-file", given.to_str().unwrap()], 0);
}

fn paste(stage: &Stage, agent: &str, key: &str) {
    let store = stage.state_dir().join(format!("agents/{agent}/agent/auth-profiles.json"));
    let entry = json!({ "type": "api_key", "provider": "anthropic", "key": key });
    fs::write(store, json!({ "version": 1, "profiles": { PROFILE: entry } }).to_string()).unwrap();
}

fn versions(stage: &Stage, more: &[&str]) -> Value {
    let shown = stage.run(&[&["credential", "show", PROFILE, "--json"], more].concat()).json();
    shown["instance"]["credentials"][0]["versions"].clone()
}

#[test]
fn what_was_only_staged_is_given_up_without_a_word_of_the_stores_but_what_they_hold() {
    for way in [&[] as &[&str], &["--instances", "all"]] {
        let back = [&["rotate", PROFILE, "--rollback"] as &[&str], way].concat();
        let stage = taken_in();
        only_staged(&stage, way);
        let dry = ended(&stage, &[&back[..], &["--dry-run"]].concat(), 2);
        assert!(
            dry.out.contains("would give up the rotation") && dry.out.contains("write no store"),
            "{}",
            dry.out
        );
        let done = ended(&stage, &[&back[..], &["--yes"]].concat(), 0);
        assert!(done.out.contains("no agent was given it"), "{}", done.out);
        assert!(!done.out.contains("before again"), "{}", done.out);

        only_staged(&stage, way);
        for agent in ["main", "a2"] {
            paste(&stage, agent, BAD);
        }
        ended(&stage, &["status", "--check"], 2);
        let done = ended(&stage, &[&back[..], &["--yes"]].concat(), 2);
        assert!(done.out.contains("no agent was given it"), "{}", done.out);
        assert!(done.out.contains("✗ stale  main, a2 anthropic:default"), "{}", done.out);
        assert!(!done.out.contains("before again") && holds(&stage, "main", BAD), "{}", done.out);
        assert_eq!(stage.run(&["status", "--json"]).json()["rotations"], json!([]));

        only_staged(&stage, way);
        let dry = ended(&stage, &[&back[..], &["--dry-run", "--json"]].concat(), 2).json();
        let there = if way.is_empty() { &dry } else { &dry["instances"][0]["rotation"] };
        assert_eq!(there["findings"][0]["finding"], "stale", "{dry:#}");
        let done = ended(&stage, &[&back[..], &["--yes", "--json"]].concat(), 2).json();
        let there = if way.is_empty() { &done } else { &done["instances"][0]["rotation"] };
        assert_eq!((&there["findings"][0]["finding"], &there["not_looked"]), (&json!("stale"), &Value::Null));
    }
}

#[test]
fn a_dry_run_says_what_is_left_from_where_a_rotation_stands() {
    let stage = taken_in();
    only_staged(&stage, &[]);
    let dry = ended(&stage, &["rotate", PROFILE, "--resume", "--dry-run"], 2);
    for words in ["stands at staged: test → publish", "canary 1: a1", "wave 2: a2"] {
        assert!(dry.err.contains(words), "{words}: {}", dry.err);
    }
    ended(&stage, &["rotate", PROFILE, "--resume", "--yes"], 0);
    // Nothing is to be gone on with.
    let (dry, run) = (
        ended(&stage, &["rotate", PROFILE, "--resume", "--dry-run"], 0),
        ended(&stage, &["rotate", PROFILE, "--resume", "--yes"], 0),
    );
    assert_eq!((&dry.out, &dry.err), (&run.out, &run.err));
    assert!(run.out.contains("stays the value, and was proven before"), "{}", run.out);
    let before = versions(&stage, &[]);
    for (more, would) in [
        (&["--finish"] as &[&str], "would retire the value before"),
        (&["--resume", "--grace", "1"], "would keep the value before"),
        (&["--rollback"], "would bring anthropic:default back to"),
    ] {
        let dry = ended(&stage, &[&["rotate", PROFILE, "--dry-run"] as &[&str], more].concat(), 2);
        assert!(dry.out.contains(would), "{would}: {}", dry.out);
    }
    ended(&stage, &["rotate", PROFILE, "--rollback", "--yes"], 0);
    let dry = ended(&stage, &["rotate", PROFILE, "--rollback", "--dry-run"], 0);
    assert!(dry.out.contains("stays the value, as you asked before"), "{}", dry.out);
    let dry = ended(&stage, &["rotate", PROFILE, "--finish", "--dry-run"], 2);
    assert!(dry.out.contains("would retire the newer value"), "{}", dry.out);
    let states =
        |all: &Value| all.as_array().unwrap().iter().map(|one| one["state"].clone()).collect::<Vec<_>>();
    assert_eq!(states(&before), ["previous", "current"]);
    assert_eq!(states(&versions(&stage, &[])), ["current", "previous"]);
}

#[test]
fn what_was_known_of_a_value_is_said_where_its_provider_is_silent() {
    let stage = taken_in();
    ended(&stage, &["status", "--check"], 0);
    rotated(&stage);
    stage.emulator.everyone(Some(Behaviour::ServerError));
    for _ in 0..2 {
        let dry = ended(&stage, &["rotate", PROFILE, "--rollback", "--dry-run"], 2);
        assert!(dry.err.contains("✓ accepted") && dry.err.contains("did not answer now"), "{}", dry.err);
    }
}

#[test]
fn a_disabled_agent_is_given_nothing_that_no_store_would_hold() {
    let stage = taken_in();
    let own = stage.run_with(&["credential", "override", "a2", PROFILE, "--yes"], OWN);
    assert_eq!(own.code, 0, "{}{}", own.out, own.err);
    ended(&stage, &["agent", "disable", "a2", "--yes"], 0);
    let before = versions(&stage, &["--agent", "a2"]);
    let given = stage.path("given");
    let given = given.to_str().unwrap();
    let rotate = ["rotate", PROFILE, "--agent", "a2"];
    for more in [&["--yes"] as &[&str], &["--dry-run"]] {
        let run = ended(&stage, &[&rotate[..], &["--from-file", given], more].concat(), 1);
        for words in
            ["a2 is disabled", "nothing was changed", "keyshoal agent enable a2", "credential override a2"]
        {
            assert!(run.err.contains(words), "{words}: {}", run.err);
        }
    }
    assert_eq!(versions(&stage, &["--agent", "a2"]), before);
    // The vault may have another value for it, and goes back from that: nobody is said to have either.
    ended(&stage, &["credential", "override", "a2", PROFILE, "--yes", "--from-file", given], 0);
    let back = ended(&stage, &[&rotate[..], &["--rollback", "--yes"]].concat(), 0);
    assert!(back.out.contains("which is disabled, so no store holds it"), "{}", back.out);
    let forward = ended(&stage, &[&rotate[..], &["--resume", "--yes"]].concat(), 1);
    assert!(forward.err.contains("keyshoal agent enable a2"), "{}", forward.err);
    ended(&stage, &["agent", "enable", "a2", "--yes"], 0);
    assert!(holds(&stage, "a2", OWN));
    ended(&stage, &[&rotate[..], &["--resume", "--yes"]].concat(), 0);
    assert!(holds(&stage, "a2", GIVEN));
}

#[test]
fn what_is_current_already_is_taken_in_as_nothing_new() {
    let stage = taken_in();
    rotated(&stage);
    let before = versions(&stage, &[]);
    for more in [&["--yes"] as &[&str], &["--dry-run"]] {
        let words = [&["credential", "adopt", "base", PROFILE] as &[&str], more].concat();
        let run = ended(&stage, &words, 0);
        assert!(run.err.contains("this is the current value already"), "{}", run.err);
        assert_eq!(versions(&stage, &[]), before);
    }
    ended(&stage, &["rotate", PROFILE, "--rollback", "--yes"], 0);
    assert!(holds(&stage, "main", NEW), "the way back was lost");
}

#[test]
fn the_value_at_hand_goes_for_one_that_is_accepted_and_is_not_asked_about_again() {
    let stage = taken_in();
    fs::write(stage.path("own"), OWN).unwrap();
    let own = stage.path("own");
    ended(&stage, &["rotate", PROFILE, "--yes", "--from-file", own.to_str().unwrap()], 0);
    // Its provider breaks down once it has been asked about the next value.
    let run = midway(&stage, 1, &[], |emulator| emulator.everyone(Some(Behaviour::ServerError)));
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    assert!(run.err.contains("is retired") && !run.err.contains("nothing was changed"), "{}", run.err);
    assert!(run.err.contains("· tested") && run.err.contains("halted"), "{}{}", run.out, run.err);
    let refused = stage.run_with(&["rotate", PROFILE, "--yes"], BAD);
    assert_eq!(refused.code, 1, "{}{}", refused.out, refused.err);
}
