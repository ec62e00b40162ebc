//! What stays in the stores of agents that somebody has taken out of the config: nothing that the vault gave them, once they are disabled.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

fn run(stage: &Stage, arguments: &[&str], code: i32) -> String {
    let run = stage.run(arguments);
    assert_eq!(run.code, code, "{arguments:?}: {}{}", run.out, run.err);
    (run.out + &run.err).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Main, ops with a key of its own, and night in a vault.
fn vaulted(layout: Layout) -> Stage {
    let stage = Stage::with(layout, |sample| {
        let ops = StoreId::Agent("ops".into());
        sample.agent("ops").agent("night").api_key(StoreId::Base, PROFILE, NEW).api_key(ops, PROFILE, OWN)
    });
    run(&stage, &["vault", "init"], 0);
    run(&stage, &["instance", "add", "--yes"], 0);
    stage
}

/// Changes the roster as an editor does, in either form.
fn edited(stage: &Stage, change: impl Fn(&str, &mut Value) -> bool) {
    let path = stage.state_dir().join("openclaw.json");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let agents = config["agents"].as_object_mut().unwrap();
    if let Some(list) = agents.get_mut("list") {
        let stays = |one: &mut Value| {
            let id = one["id"].as_str().unwrap().to_owned();
            change(&id, one)
        };
        list.as_array_mut().unwrap().retain_mut(stays);
    }
    if let Some(entries) = agents.get_mut("entries") {
        entries.as_object_mut().unwrap().retain(|id, one| change(id, one));
    }
    fs::write(&path, format!("{config:#}")).unwrap();
}

fn orphans(stage: &Stage) -> Value {
    stage.run(&["status", "--json"]).json()["orphans"].clone()
}

fn store_of_ops(stage: &Stage) -> PathBuf {
    stage.state_dir().join("agents/ops/agent/auth-profiles.json")
}

fn held(stage: &Stage) -> String {
    fs::read_to_string(store_of_ops(stage)).unwrap()
}

#[test]
fn who_is_taken_out_of_the_config_and_disabled_keeps_nothing_of_the_vaults() {
    let all = [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedRow];
    for (layout, delivery) in all.iter().flat_map(|layout| [(*layout, "inline"), (*layout, "refs")]) {
        let stage = vaulted(layout);
        if delivery == "refs" {
            run(&stage, &["instance", "set", "--delivery", "refs", "--yes"], 0);
        }
        edited(&stage, |id, _| id != "ops");
        assert_eq!(orphans(&stage)[0]["id"], "ops", "{layout:?}");
        // As long as nobody has decided, it is left.
        run(&stage, &["sync", "--yes"], 2);
        let dry = run(&stage, &["instance", "adopt", "--dry-run"], 2);
        for said in ["ops is disabled: it is not in the config any more", PROFILE, "remove "] {
            assert!(dry.contains(said), "{layout:?} {delivery}: {said}: {dry}");
        }
        assert_eq!(orphans(&stage)[0]["id"], "ops", "{layout:?}: a dry run writes nothing");
        let planned = stage.run(&["instance", "adopt", "--dry-run", "--json"]).json()["plan"].clone();
        assert_eq!(planned["actions"][0]["agent"], "ops", "{planned:#}");
        let done = run(&stage, &["instance", "adopt", "--yes"], 0);
        assert!(done.contains("ops is disabled") && done.contains("✓ durable"), "{layout:?}: {done}");
        assert_eq!(orphans(&stage), json!([]), "{layout:?} {delivery}");
        for calm in [&["status"] as &[&str], &["diff"], &["artifacts", "--list"]] {
            run(&stage, calm, 0);
        }
        run(&stage, &["agent", "enable", "ops", "--yes"], 0);
        let told = stage.run(&["artifacts", "--list", "--agent", "ops", "--json"]).json();
        let how = &told["agents"][0]["artifacts"][0]["how"];
        assert_eq!((&how["how"], &how["there"]), (&json!("emitted"), &json!(true)), "{layout:?}: {told:#}");
    }
}

#[test]
fn what_a_disabled_agent_still_holds_is_told_and_goes_with_the_next_sync() {
    let stage = vaulted(Layout::JsonFile);
    let store = held(&stage);
    run(&stage, &["agent", "disable", "ops", "--yes"], 0);
    assert!(!held(&stage).contains(OWN));
    // Somebody puts a copy of the directory back.
    fs::write(store_of_ops(&stage), store).unwrap();
    for arguments in [&["status"] as &[&str], &["diff"], &["doctor"], &["artifacts", "--list"]] {
        let told = run(&stage, arguments, 2);
        assert!(!told.contains("keyshoal quarantine"), "{arguments:?}: {told}");
    }
    assert!(
        run(&stage, &["status"], 2)
            .contains("ops is in the roster no more by the vault's word → keyshoal sync")
    );
    assert!(
        run(&stage, &["artifacts", "--list"], 2).contains("the agent is disabled, and its store still holds")
    );
    run(&stage, &["sync", "--yes"], 0);
    assert!(!held(&stage).contains(OWN));
    run(&stage, &["status"], 0);
    // So does the change that takes it out of the vault, where it is out of the config already.
    run(&stage, &["agent", "enable", "ops", "--yes"], 0);
    edited(&stage, |id, _| id != "ops");
    run(&stage, &["agent", "remove", "ops", "--yes"], 0);
    assert!(!held(&stage).contains(OWN));
}

#[test]
fn what_is_not_the_vaults_stays_there_and_so_does_what_another_agent_uses() {
    let stage = vaulted(Layout::JsonFile);
    let mut store: Value = serde_json::from_str(&held(&stage)).unwrap();
    store["profiles"]["openai:mine"] = json!({ "type": "api_key", "provider": "openai", "key": GIVEN });
    store["profiles"]["openai-codex:me"] = json!({ "type": "oauth", "provider": "openai-codex", "access": ACCESS, "refresh": REFRESH,
                                                   "expires": 4_000_000_000_000_i64 });
    fs::write(store_of_ops(&stage), store.to_string()).unwrap();
    edited(&stage, |id, _| id != "ops");
    run(&stage, &["instance", "adopt", "--yes"], 0);
    let left = held(&stage);
    assert!(!left.contains(OWN) && left.contains(GIVEN) && left.contains(REFRESH));
    assert_eq!(orphans(&stage)[0]["profiles"], json!(["openai-codex:me", "openai:mine"]));

    // Somebody has had night work in the directory of ops.
    let stage = vaulted(Layout::JsonFile);
    let dir = store_of_ops(&stage).parent().unwrap().display().to_string();
    edited(&stage, |id, one| {
        if id == "night" {
            one["agentDir"] = json!(dir);
        }
        id != "ops"
    });
    stage.run(&["instance", "adopt", "--yes"]);
    assert!(held(&stage).contains(OWN), "it is night's");
}
