//! What somebody has put into a store beside the vault, and a person decides about: no way of a rotation writes over it, and each names it.

use crate::stage::*;
use crate::waving::{holds, taken_in};
use keyshoal_core::{Layout, StoreId};
use keyshoal_openclaw::sample::Installation as Sample;
use serde_json::{Value, json};
use std::fs;

/// Accepted, and never in the vault.
const OTHER: &str = "sk-ant-api03-seeded-other-1f2e3d4c5b6a7988";

fn ended(stage: &Stage, arguments: &[&str], code: i32) -> String {
    let run = stage.run(arguments);
    assert_eq!(run.code, code, "{arguments:?}: {}{}", run.out, run.err);
    (run.out + " " + &run.err).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn rotated(stage: &Stage, value: &str, more: &[&str], code: i32) -> String {
    let run = stage.run_with(&[&["rotate", PROFILE, "--yes"] as &[&str], more].concat(), value);
    assert_eq!(run.code, code, "{more:?}: {}{}", run.out, run.err);
    (run.out + " " + &run.err).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Main, and ops, which inherits, with a vault whose key was NEW, then GIVEN, then OWN.
fn rotated_twice(layout: Layout) -> Stage {
    let stage = Stage::calm(layout);
    ended(&stage, &["vault", "init"], 0);
    ended(&stage, &["instance", "add", "--name", "home", "--yes"], 0);
    rotated(&stage, GIVEN, &[], 0);
    rotated(&stage, OWN, &[], 0);
    stage
}

/// Puts a key where all inherit it, as OpenClaw's own command does.
fn paste(stage: &Stage, layout: Layout, key: &str) {
    let other = stage.path("other");
    Sample::new(layout).agent("ops").api_key(StoreId::Base, PROFILE, key).write(&other).unwrap();
    let part = if layout == Layout::JsonFile { "agents" } else { "state" };
    fs::remove_dir_all(stage.state_dir().join(part)).unwrap();
    fs::rename(other.join(part), stage.state_dir().join(part)).unwrap();
    fs::remove_dir_all(other).unwrap();
}

fn paste_into(stage: &Stage, agent: &str, key: &str) {
    let store = stage.state_dir().join(format!("agents/{agent}/agent/auth-profiles.json"));
    fs::create_dir_all(store.parent().unwrap()).unwrap();
    let entry = json!({ "type": "api_key", "provider": "anthropic", "key": key });
    fs::write(store, json!({ "version": 1, "profiles": { PROFILE: entry } }).to_string()).unwrap();
}

/// Returns what `status` says that the base store holds where the vault has another value.
fn foreign(stage: &Stage) -> String {
    let found = stage.run(&["status", "--json"]).json()["findings"].clone();
    let found = found.as_array().unwrap().iter().find(|one| one["finding"] == "foreign").cloned();
    let message = found.unwrap_or_else(|| panic!("nothing is foreign"))["message"].clone();
    message.as_str().unwrap().split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn an_earlier_value_that_all_inherit_stays_on_every_way() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let stage = rotated_twice(layout);
        paste(&stage, layout, NEW);
        let there = foreign(&stage);
        let adopt = "keyshoal credential adopt base anthropic:default takes it into the vault";
        let stays = format!("main, ops with {there}");
        ended(&stage, &["sync", "--yes"], 2);

        let dry = ended(&stage, &["rotate", PROFILE, "--rollback", "--dry-run"], 2);
        for words in [&format!("left as it is: {stays}"), adopt, "everywhere but where somebody else"] {
            assert!(dry.contains(words), "{layout:?}, {words}: {dry}");
        }
        let dry = stage.run(&["rotate", PROFILE, "--rollback", "--dry-run", "--json"]).json();
        assert_eq!(dry["strange"][0]["fingerprint"].as_str().unwrap()[..8], there, "{dry:#}");
        let all = ended(&stage, &["rotate", "anthropic", "--instances", "all", "--rollback", "-n"], 2);
        assert!(all.contains(&stays) && all.contains("home: dry run: would bring"), "{all}");

        let back = ended(&stage, &["rotate", PROFILE, "--rollback", "--yes"], 2);
        for words in ["what somebody else has put there stays", &stays, adopt] {
            assert!(back.contains(words), "{layout:?}, {words}: {back}");
        }
        assert_eq!(foreign(&stage), there, "{layout:?}: {back}");
        // Neither forward again, nor anew, as nobody would get it.
        for more in [&["--dry-run"] as &[&str], &["--yes"]] {
            let forward = ended(&stage, &[&["rotate", PROFILE, "--resume"] as &[&str], more].concat(), 1);
            assert!(forward.contains("main, ops would not get the new value"), "{layout:?}: {forward}");
            assert!(forward.contains("nothing was changed") && forward.contains(adopt), "{forward}");
        }
        let again = rotated(&stage, OTHER, &[], 1);
        assert!(again.contains("main, ops would not get the new value"), "{again}");
        // Who says once more what is done is told of it as well, and a dry run says no less.
        for more in [&["--dry-run"] as &[&str], &["--yes"]] {
            let again = ended(&stage, &[&["rotate", PROFILE, "--rollback"] as &[&str], more].concat(), 2);
            assert!(again.contains("stays the value, as you asked before"), "{again}");
            assert!(again.contains(&format!("holds {there} where the vault has")), "{again}");
            assert!(!again.contains("has the value before again"), "{again}");
        }
        assert_eq!(foreign(&stage), there, "{layout:?}");
        ended(&stage, &["credential", "adopt", "base", PROFILE, "--yes"], 0);
        ended(&stage, &["status"], 0);
    }
}

#[test]
fn an_earlier_value_in_an_agents_own_store_stays_and_holds_up_nobody_else() {
    let stage = taken_in();
    rotated(&stage, GIVEN, &[], 0);
    paste_into(&stage, "a2", NEW);
    let adopt = "keyshoal credential adopt a2 anthropic:default takes it into the vault";
    let stays = |said: &str, others: &str| {
        assert!(holds(&stage, "a2", NEW), "a2 lost its value: {said}");
        assert!(said.contains("a2 with ") && said.contains(adopt), "{said}");
        for agent in ["main", "a1", "a3", "a4"] {
            assert!(holds(&stage, agent, others), "{agent}: {said}");
        }
    };
    stays(&rotated(&stage, OWN, &["--dry-run"], 2), GIVEN);
    let all = ["rotate", "anthropic", "--instances", "all", "--dry-run"];
    let all = stage.run_with(&all, OWN);
    assert!(all.code == 2 && all.err.contains("left as it is: a2 with"), "{}{}", all.out, all.err);
    let on = rotated(&stage, OWN, &[], 2);
    stays(&on, OWN);
    assert!(
        on.contains("not where somebody else has put another value") && on.contains("works with"),
        "{on}"
    );
    stays(&ended(&stage, &["rotate", PROFILE, "--rollback", "--dry-run"], 2), OWN);
    stays(&ended(&stage, &["rotate", PROFILE, "--rollback", "--yes"], 2), GIVEN);
    stays(&ended(&stage, &["rotate", PROFILE, "--resume", "--dry-run"], 2), GIVEN);
    stays(&ended(&stage, &["rotate", PROFILE, "--resume", "--yes"], 2), OWN);
    let all = ended(&stage, &["rotate", "anthropic", "--instances", "home", "--rollback", "--yes"], 2);
    stays(&all, GIVEN);
    // A person may have it otherwise.
    ended(&stage, &["replace", "a2", PROFILE], 0);
    ended(&stage, &["rotate", PROFILE, "--resume", "--yes"], 0);
    assert!(holds(&stage, "a2", OWN));
}

#[test]
fn a_value_of_which_nobody_was_asked_yet_takes_no_rotation_back() {
    let stage = taken_in();
    stage.emulator.only_accept(&[NEW, GIVEN, OTHER]);
    paste_into(&stage, "a2", OTHER);
    let on = rotated(&stage, GIVEN, &[], 2);
    assert!(on.contains("a2 with ") && !on.contains("rolled back"), "{on}");
    assert!(holds(&stage, "a2", OTHER) && holds(&stage, "a4", GIVEN) && holds(&stage, "main", GIVEN));
}

#[test]
fn what_somebody_gives_one_agent_stays_while_its_override_is_at_hand_in_two_versions() {
    let stage = taken_in();
    stage.emulator.only_accept(&[NEW, GIVEN, OWN, OTHER]);
    let own = stage.run_with(&["credential", "override", "a2", PROFILE, "--yes"], GIVEN);
    assert_eq!(own.code, 0, "{}{}", own.out, own.err);
    rotated(&stage, OWN, &["--agent", "a2"], 0);
    // Never in the vault, or what all share: the vault has another for it alone.
    for put in [OTHER, NEW] {
        paste_into(&stage, "a2", put);
        for look in [&["status"] as &[&str], &["sync", "--yes"], &["sync", "--yes", "--offline"]] {
            let said = ended(&stage, look, 2);
            assert!(said.contains("credential adopt a2 anthropic:default"), "{look:?}: {said}");
            assert!(holds(&stage, "a2", put), "{look:?}: {said}");
        }
    }
    let back = ["rotate", PROFILE, "--agent", "a2", "--rollback"];
    let dry = ended(&stage, &[&back[..], &["--dry-run"]].concat(), 2);
    assert!(dry.contains("left as it is: a2 with") && dry.contains("for a2 in the vault"), "{dry}");
    let done = ended(&stage, &[&back[..], &["--yes"]].concat(), 2);
    assert!(done.contains("for a2, and what somebody else has put there stays"), "{done}");
    assert!(!done.contains("every other agent") && holds(&stage, "a2", NEW), "{done}");
    let forward = ended(&stage, &["rotate", PROFILE, "--agent", "a2", "--resume", "--yes"], 1);
    assert!(forward.contains("keyshoal replace a2") && forward.contains("nothing was changed"), "{forward}");
    // The way that is named leads there.
    ended(&stage, &["replace", "a2", PROFILE], 0);
    ended(&stage, &["sync", "--yes"], 0);
    assert!(holds(&stage, "a2", GIVEN));
    let versions = stage.run(&["credential", "show", PROFILE, "--agent", "a2", "--json"]).json();
    let states = versions["instance"]["credentials"][0]["versions"].as_array().unwrap().clone();
    assert_eq!(states.iter().map(|one| &one["state"]).collect::<Vec<_>>(), ["current", "previous"]);
}

#[test]
fn a_rotation_that_has_begun_does_not_go_on_over_it_and_says_how() {
    let stage = crate::waving::half_done();
    paste_into(&stage, "main", OWN);
    let before: Value = stage.run(&["credential", "show", PROFILE, "--json"]).json();
    for resume in
        [&["rotate", PROFILE, "--resume", "--dry-run"] as &[&str], &["rotate", PROFILE, "--resume", "--yes"]]
    {
        let said = ended(&stage, resume, 1);
        assert!(said.contains("main would not get the new value"), "{said}");
        for way in ["--rollback gives the rotation up", "credential adopt base", "--include foreign"] {
            assert!(said.contains(way), "{way}: {said}");
        }
        assert_eq!(stage.run(&["credential", "show", PROFILE, "--json"]).json(), before);
        assert!(holds(&stage, "main", OWN) && holds(&stage, "a1", GIVEN), "{said}");
    }
    // Both ways lead on.
    ended(&stage, &["sync", "--profile", PROFILE, "--include", "foreign", "--yes"], 2);
    assert!(holds(&stage, "main", NEW));
    ended(&stage, &["rotate", PROFILE, "--resume", "--yes"], 0);
    let stage = crate::waving::half_done();
    paste_into(&stage, "main", OWN);
    let back = ended(&stage, &["rotate", PROFILE, "--rollback", "--yes"], 2);
    assert!(holds(&stage, "main", OWN) && holds(&stage, "a1", NEW), "{back}");
    ended(&stage, &["credential", "adopt", "base", PROFILE, "--yes"], 0);
    ended(&stage, &["status"], 0);
}
