//! Agents that stand in the config and that the vault has never heard of.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};
use std::fs;

fn run(stage: &Stage, arguments: &[&str], code: i32) -> String {
    let run = stage.run(arguments);
    assert_eq!(run.code, code, "{arguments:?}: {}{}", run.out, run.err);
    run.out + &run.err
}

fn config(stage: &Stage) -> Value {
    let text = fs::read_to_string(stage.state_dir().join("openclaw.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Main and ops with a binding in a vault, and then handy, which somebody has put into the config with a binding of its own.
fn stage() -> Stage {
    let stage = Stage::with(Layout::JsonFile, |sample| {
        sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW).config(json!({
            "bindings": [{ "agentId": "ops", "match": { "channel": "telegram" } }],
        }))
    });
    run(&stage, &["vault", "init"], 0);
    run(&stage, &["instance", "add", "--yes"], 0);
    let mut there = config(&stage);
    let handy = json!({ "id": "handy", "name": "Handy", "workspace": "/srv/handy" });
    there["agents"]["list"].as_array_mut().unwrap().push(handy);
    there["bindings"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "agentId": "handy", "match": { "channel": "slack" } }));
    fs::write(stage.state_dir().join("openclaw.json"), format!("{there:#}")).unwrap();
    stage
}

#[test]
fn an_agent_that_the_vault_does_not_know_is_told_with_the_way_in() {
    let stage = stage();
    let before = config(&stage);
    for arguments in [&["status"] as &[&str], &["diff"], &["doctor"], &["sync", "--yes"]] {
        let told = run(&stage, arguments, 2);
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains("agents[handy] is not in the vault"), "{arguments:?}: {told}");
        assert!(told.contains("keyshoal instance adopt"), "{arguments:?}: {told}");
    }
    let listed = run(&stage, &["artifacts", "--list"], 2);
    assert!(listed.contains("handy (not in the vault)") && listed.contains("agent add handy"), "{listed}");
    let agents = stage.run(&["artifacts", "--list", "--json"]).json()["agents"].clone();
    let known = |id: &str| {
        let one = agents.as_array().unwrap().iter().find(|one| one["agent"] == id).unwrap();
        one["in_vault"].clone()
    };
    assert_eq!((known("ops"), known("handy")), (json!(true), json!(false)));
    for refused in [
        &["agent", "disable", "handy", "--yes"] as &[&str],
        &["credential", "override", "handy", "anthropic", "--yes"],
        &["artifacts", "--list", "--agent", "handy"],
    ] {
        let said = run(&stage, refused, 1);
        assert!(said.contains("keyshoal agent add handy"), "{refused:?}: {said}");
    }
    assert_eq!(config(&stage), before);
}

#[test]
fn an_agent_that_the_vault_does_not_know_is_taken_in_by_adopt() {
    let stage = stage();
    let before = config(&stage);
    let said = run(&stage, &["instance", "adopt", "--yes"], 0);
    assert!(said.contains("handy is taken in as it stands in the config, with 1 binding"), "{said}");
    assert_eq!(config(&stage), before);
    for calm in ["status", "diff", "artifacts"] {
        run(&stage, &[&[calm] as &[&str], if calm == "artifacts" { &["--list"] } else { &[] }].concat(), 0);
    }
    run(&stage, &["agent", "set", "handy", "--name", "Hand", "--yes"], 0);
    let after = config(&stage);
    assert_eq!(after["bindings"], before["bindings"]);
    assert_eq!(after["agents"]["list"][2]["workspace"], "/srv/handy");
    assert_eq!(after["agents"]["list"][2]["name"], "Hand");
    let again = run(&stage, &["instance", "adopt", "--yes"], 1);
    assert!(again.contains("nothing of the config was changed"), "{again}");
}

#[test]
fn bindings_that_somebody_changed_are_taken_in_with_those_of_a_new_agent() {
    let stage = stage();
    let mut there = config(&stage);
    there["bindings"][0]["match"] = json!({ "channel": "discord" });
    there["agents"]["list"].as_array_mut().unwrap().iter_mut().for_each(|one| {
        one["default"] = json!(one["id"] == "handy");
    });
    fs::write(stage.state_dir().join("openclaw.json"), format!("{there:#}")).unwrap();
    run(&stage, &["instance", "adopt", "--yes"], 0);
    run(&stage, &["status"], 0);
    assert_eq!(config(&stage)["bindings"], there["bindings"]);
    let shown = stage.run(&["instance", "show", "--json"]).json()["instance"].clone();
    assert_eq!(shown["bindings"].as_array().unwrap().len(), 2, "{shown:#}");
    let agents = shown["agents"].as_array().unwrap();
    assert_eq!(agents.iter().find(|one| one["default"] == true).unwrap()["id"], "handy");
}
