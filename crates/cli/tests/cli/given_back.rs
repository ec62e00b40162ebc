//! Keys that somebody puts into the shared store of an instance with a vault by another way, after Keyshoal has had them: they are asked
//! about, and neither taken away nor written over.

use crate::stage::*;
use keyshoal_core::Layout;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

/// main and ops share a key that the vault has; both need it.
fn vaulted() -> Stage {
    let stage = Stage::with(Layout::JsonFile, |sample| {
        sample.agent("ops").api_key(keyshoal_core::StoreId::Base, PROFILE, NEW).config(json!({
            "agents": { "defaults": { "model": "anthropic/claude-test" }, "list": [{ "id": "main" }, { "id": "ops" }] }
        }))
    });
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"], &["sync", "--yes"]] {
        fine(&stage, arguments);
    }
    stage
}

fn fine(stage: &Stage, arguments: &[&str]) {
    let run = stage.run(arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
}

fn store(stage: &Stage) -> PathBuf {
    stage.state_dir().join("agents/main/agent/auth-profiles.json")
}

fn held(stage: &Stage) -> Option<String> {
    let document: Value = serde_json::from_str(&fs::read_to_string(store(stage)).unwrap()).unwrap();
    Some(document["profiles"][PROFILE]["key"].as_str()?.to_owned())
}

/// Puts a key there as OpenClaw's own command does.
fn paste(stage: &Stage, key: &str) {
    let mut document: Value = serde_json::from_str(&fs::read_to_string(store(stage)).unwrap()).unwrap();
    document["profiles"][PROFILE] = json!({ "type": "api_key", "provider": "anthropic", "key": key });
    fs::write(store(stage), document.to_string()).unwrap();
}

/// Whatever looks, and whatever repairs unasked, leaves the key where it is and says so.
fn is_asked_about(stage: &Stage, key: &str, says: &str) {
    for look in [&["status"][..], &["sync", "--yes"], &["watch", "--once"]] {
        let run = stage.run(look);
        assert_eq!(run.code, 2, "{look:?}: {}{}", run.out, run.err);
        let said: Vec<&str> = run.out.split_whitespace().chain(run.err.split_whitespace()).collect();
        assert!(said.join(" ").contains(says), "{look:?}: {}{}", run.out, run.err);
        assert_eq!(held(stage).as_deref(), Some(key), "{look:?}: {}", run.out);
    }
}

#[test]
fn an_earlier_value_that_is_put_back_is_asked_about_until_the_vault_takes_it_in() {
    let stage = vaulted();
    let set = stage.run_with(&["credential", "set", PROFILE, "--yes"], GIVEN);
    assert_eq!(set.code, 0, "{}{}", set.out, set.err);
    paste(&stage, NEW);
    is_asked_about(&stage, NEW, "somebody has put that earlier value there");
    fine(&stage, &["credential", "adopt", "base", PROFILE, "--yes"]);
    fine(&stage, &["status"]);
    // From then on it is the vault's again: what is left of the one before is an earlier value.
    let set = stage.run_with(&["credential", "set", PROFILE, "--yes"], GIVEN);
    assert_eq!((set.code, held(&stage).as_deref()), (0, Some(GIVEN)), "{}{}", set.out, set.err);
}

#[test]
fn a_key_that_is_put_back_under_a_name_that_the_vault_took_back_stays() {
    let stage = vaulted();
    assert_eq!(stage.run(&["credential", "remove", PROFILE, "--yes"]).code, 2, "nothing is left to send");
    assert_eq!(held(&stage), None);
    let run = stage.run(&["status"]);
    assert!(run.code == 2 && run.out.contains("✗ missing"), "whoever needs it has none: {}", run.out);
    paste(&stage, NEW);
    is_asked_about(&stage, NEW, "somebody has put it there since");
    fine(&stage, &["credential", "adopt", "base", PROFILE, "--yes"]);
    fine(&stage, &["status"]);
    // And it can be taken back again.
    stage.run(&["credential", "remove", PROFILE, "--yes"]);
    assert_eq!(held(&stage), None);
}

#[test]
fn a_removal_that_broke_off_before_the_stores_is_finished() {
    let stage = vaulted();
    let text = fs::read_to_string(store(&stage)).unwrap();
    stage.run(&["credential", "remove", PROFILE, "--yes"]);
    let memory = stage.state_dir().join(".keyshoal/ledger.sqlite");
    assert!(memory.is_file());
    // As it is for whoever never saw the stores without it: nothing says that somebody has put it back.
    let db = keyshoal_testkit::rusqlite::Connection::open(memory).unwrap();
    db.execute("DELETE FROM delivered", []).unwrap();
    drop(db);
    fs::write(store(&stage), text).unwrap();
    stage.run(&["sync", "--yes"]);
    assert_eq!(held(&stage), None);
}

#[test]
fn what_was_set_while_no_vault_counted_is_not_undone_when_it_counts_again() {
    let stage = vaulted();
    for (arguments, value) in [
        (&["credential", "set", PROFILE, "--yes"][..], GIVEN),
        (&["credential", "override", "ops", PROFILE, "--yes"], OWN),
        (&["credential", "set", PROFILE, "--yes"], NEW),
    ] {
        let run = stage.run_with(arguments, value);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    }
    fine(&stage, &["instance", "release", "--yes"]);
    for arguments in [&["set", PROFILE, "--yes"][..], &["set", PROFILE, "--agent", "ops", "--yes"]] {
        let run = stage.run_with(arguments, GIVEN);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    }
    fine(&stage, &["instance", "add", "--yes"]);
    is_asked_about(&stage, GIVEN, "somebody has put that earlier value there");
    let own = stage.state_dir().join("agents/ops/agent/auth-profiles.json");
    assert!(fs::read_to_string(own).unwrap().contains(GIVEN), "what a person gave ops is gone");
}
