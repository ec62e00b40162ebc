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

fn own(stage: &Stage) -> PathBuf {
    stage.state_dir().join("agents/ops/agent/auth-profiles.json")
}

fn held_in(store: PathBuf) -> Option<String> {
    let document: Value = serde_json::from_str(&fs::read_to_string(store).unwrap()).unwrap();
    Some(document["profiles"][PROFILE]["key"].as_str()?.to_owned())
}

fn held(stage: &Stage) -> Option<String> {
    held_in(store(stage))
}

/// Puts a key there as OpenClaw's own command does.
fn paste(stage: &Stage, key: &str) {
    paste_into(store(stage), key);
}

fn paste_into(store: PathBuf, key: &str) {
    let empty = || json!({ "version": 1, "profiles": {} });
    let mut document: Value =
        fs::read_to_string(&store).map_or_else(|_| empty(), |text| serde_json::from_str(&text).unwrap());
    document["profiles"][PROFILE] = json!({ "type": "api_key", "provider": "anthropic", "key": key });
    fs::create_dir_all(store.parent().unwrap()).unwrap();
    fs::write(store, document.to_string()).unwrap();
}

/// Whatever looks, and whatever repairs unasked, leaves the key where it is and says so.
fn is_asked_about(stage: &Stage, key: &str, says: &str) {
    stays(stage, store(stage), key, says);
}

fn stays(stage: &Stage, store: PathBuf, key: &str, says: &str) {
    for look in [&["status"][..], &["sync", "--yes"], &["watch", "--once"]] {
        let run = stage.run(look);
        assert_eq!(run.code, 2, "{look:?}: {}{}", run.out, run.err);
        let said: Vec<&str> = run.out.split_whitespace().chain(run.err.split_whitespace()).collect();
        assert!(said.join(" ").contains(says), "{look:?}: {}{}", run.out, run.err);
        assert_eq!(held_in(store.clone()).as_deref(), Some(key), "{look:?}: {}", run.out);
    }
}

#[test]
fn in_an_agents_own_store_an_earlier_value_of_its_own_or_of_all_is_asked_about_as_well() {
    let stage = vaulted();
    let set = stage.run_with(&["credential", "set", PROFILE, "--yes"], GIVEN);
    assert_eq!(set.code, 0, "{}{}", set.out, set.err);
    // ops inherited; somebody gives it the value that all had before.
    paste_into(own(&stage), NEW);
    stays(&stage, own(&stage), NEW, "somebody has put that earlier value there");
    fine(&stage, &["credential", "adopt", "ops", PROFILE, "--yes"]);
    fine(&stage, &["status"]);
    let renewed = stage.run_with(&["credential", "override", "ops", PROFILE, "--yes"], OWN);
    assert_eq!(renewed.code, 0, "{}{}", renewed.out, renewed.err);
    assert_eq!(held_in(own(&stage)).as_deref(), Some(OWN), "the vault renews what it gave");
    paste_into(own(&stage), NEW);
    stays(&stage, own(&stage), NEW, "somebody has put that earlier value there");
    fine(&stage, &["replace", "ops", PROFILE]);
    fine(&stage, &["sync", "--yes"]);
    assert_eq!(held_in(own(&stage)).as_deref(), Some(OWN), "a person agreed");
    // What was taken back of its own and stands there again.
    fine(&stage, &["credential", "override", "ops", PROFILE, "--remove", "--yes"]);
    paste_into(own(&stage), OWN);
    stays(&stage, own(&stage), OWN, "somebody has put that earlier value there");
}

#[test]
fn a_copy_that_a_rotation_did_not_reach_is_left_behind_and_written() {
    let stage = vaulted();
    paste_into(own(&stage), NEW);
    fine(&stage, &["sync", "--yes"]);
    let before = fs::read_to_string(own(&stage)).unwrap();
    let set = stage.run_with(&["credential", "set", PROFILE, "--yes"], GIVEN);
    assert_eq!(set.code, 0, "{}{}", set.out, set.err);
    // A process that was killed before ops' store: it has been told that it would be written.
    let db = keyshoal_testkit::rusqlite::Connection::open(stage.state_dir().join(".keyshoal/ledger.sqlite"));
    let gone = db.unwrap().execute("DELETE FROM delivered_to WHERE agent = 'ops'", []).unwrap();
    assert_eq!(gone, 1, "what ops' store held is remembered");
    fs::write(own(&stage), before).unwrap();
    fine(&stage, &["sync", "--yes"]);
    assert_eq!(held_in(own(&stage)).as_deref(), Some(GIVEN));
}

#[test]
fn a_newer_value_that_the_vault_went_back_from_is_asked_about_when_somebody_puts_it_there() {
    let stage = vaulted();
    let set = stage.run_with(&["credential", "set", PROFILE, "--yes"], GIVEN);
    assert_eq!(set.code, 0, "{}{}", set.out, set.err);
    fine(&stage, &["rotate", PROFILE, "--rollback", "--yes"]);
    assert_eq!(held(&stage).as_deref(), Some(NEW), "a rollback is no hand");
    paste(&stage, GIVEN);
    is_asked_about(&stage, GIVEN, "somebody has put that value of the vault's there");
}

#[test]
fn what_a_person_only_looked_at_decides_nothing() {
    let stage = vaulted();
    let set = stage.run_with(&["credential", "set", PROFILE, "--yes"], GIVEN);
    assert_eq!(set.code, 0, "{}{}", set.out, set.err);
    paste(&stage, NEW);
    stage.run(&["credential", "adopt", "base", PROFILE, "--dry-run"]);
    is_asked_about(&stage, NEW, "somebody has put that earlier value there");
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
    db.execute("DELETE FROM delivered_to", []).unwrap();
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
