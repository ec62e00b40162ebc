//! What somebody writes into the config, beside the vault that decides there.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};
use std::fs;

/// Main and ops, with a channel and a binding, in a vault.
fn vaulted() -> Stage {
    let stage = plain();
    taken_in(&stage);
    stage
}

fn plain() -> Stage {
    Stage::with(Layout::JsonFile, |sample| {
        sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW).config(json!({
            "channels": { "telegram": { "botToken": "1:first", "allowFrom": ["*"] } },
            "bindings": [{ "agentId": "ops", "match": { "channel": "telegram" } }],
        }))
    })
}

fn taken_in(stage: &Stage) {
    fine(stage, &["vault", "init"]);
    fine(stage, &["instance", "add", "--yes"]);
}

fn fine(stage: &Stage, arguments: &[&str]) -> String {
    let run = stage.run(arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    run.out + &run.err
}

fn refused(stage: &Stage, arguments: &[&str], why: &str) {
    let before = config(stage);
    let run = stage.run(arguments);
    assert!(run.code == 1 && run.err.contains(why), "{arguments:?}: {} {}{}", run.code, run.out, run.err);
    assert_eq!(config(stage), before);
}

fn config(stage: &Stage) -> Value {
    let text = fs::read_to_string(stage.state_dir().join("openclaw.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn written(stage: &Stage, change: impl FnOnce(&mut Value)) {
    let mut value = config(stage);
    change(&mut value);
    fs::write(stage.state_dir().join("openclaw.json"), format!("{value:#}")).unwrap();
}

fn entry(stage: &Stage, id: &str) -> Value {
    let list = config(stage)["agents"]["list"].as_array().unwrap().clone();
    list.into_iter().find(|one| one["id"] == id).unwrap()
}

#[test]
fn channels_are_what_the_config_says_and_come_back_with_it_when_it_is_lost() {
    let stage = vaulted();
    let channels = json!({
        "telegram": { "botToken": "2:second", "groupPolicy": "allowlist" },
        "slack": { "botToken": "xoxb-third" },
    });
    written(&stage, |config| config["channels"] = channels.clone());
    fs::write(stage.path(".config/keyshoal/keyshoal.toml"), "[watch]\npolicy = \"repair\"\n").unwrap();
    let told = fine(&stage, &["diff", "--json"]);
    assert!(!told.contains("channels"), "{told}");
    for arguments in [
        &["status"] as &[&str],
        &["watch", "--once"],
        &["sync", "--yes"],
        &["model", "set", "anthropic/claude-test", "--yes"],
    ] {
        let told = fine(&stage, arguments);
        assert!(!told.contains("xoxb") && !told.contains("second"), "{told}");
        assert_eq!(config(&stage)["channels"], channels, "{arguments:?}");
    }
    assert_eq!(config(&stage)["agents"]["defaults"]["model"], "anthropic/claude-test");
    // One that is gone stays gone, and the vault has what the config had last.
    written(&stage, |config| drop(config["channels"].as_object_mut().unwrap().remove("telegram")));
    fine(&stage, &["sync", "--yes"]);
    fs::remove_file(stage.state_dir().join("openclaw.json")).unwrap();
    let run = stage.run(&["sync", "--yes", "--offline"]);
    assert_eq!(config(&stage)["channels"], json!({ "slack": channels["slack"] }), "{}{}", run.out, run.err);
}

#[test]
fn an_agent_that_openclaw_made_is_taken_in_as_it_stands() {
    let stage = vaulted();
    let helper =
        json!({ "id": "helper", "name": "Help", "workspace": "/srv/help", "model": "anthropic/claude-test" });
    written(&stage, |config| {
        config["agents"]["list"].as_array_mut().unwrap().push(helper.clone());
        let bound = json!({ "agentId": "helper", "match": { "channel": "slack" } });
        config["bindings"].as_array_mut().unwrap().push(bound);
    });
    let before = config(&stage);
    let said = fine(&stage, &["agent", "add", "helper", "--yes"]);
    assert!(said.contains("stands in the config already") && said.contains("1 binding"), "{said}");
    assert_eq!(config(&stage), before);
    fine(&stage, &["agent", "set", "helper", "--name", "Helper", "--yes"]);
    let entry = entry(&stage, "helper");
    assert_eq!((&entry["name"], &entry["workspace"]), (&json!("Helper"), &helper["workspace"]));
    assert_eq!(config(&stage)["bindings"], before["bindings"]);
}

#[test]
fn a_disabled_agent_is_not_made_the_default() {
    let stage = vaulted();
    fine(&stage, &["agent", "disable", "ops", "--yes"]);
    refused(&stage, &["agent", "set", "ops", "--default", "--yes"], "ops is disabled");
    let shown = stage.run(&["agent", "show", "main", "--json"]).json();
    assert_eq!(shown["instance"]["agents"][0]["default"], true);
}

#[test]
fn an_agent_goes_on_working_where_it_works() {
    let stage = vaulted();
    for name in ["workspace", "workspace-ops", "agents/ops/sessions"] {
        fs::create_dir_all(stage.state_dir().join(name)).unwrap();
    }
    let at = |name: &str| json!(stage.state_dir().join(name).display().to_string());
    let said = fine(&stage, &["agent", "set", "ops", "--default", "--name", "Ops", "--yes"]);
    assert!(said.contains("main goes on working in"), "{said}");
    let (main, ops) = (entry(&stage, "main"), entry(&stage, "ops"));
    assert_eq!((&main["workspace"], &ops["workspace"]), (&at("workspace"), &at("workspace-ops")));
    assert_eq!(ops["name"], "Ops");

    let stage = vaulted();
    for name in ["workspace-ops", "agents/ops/sessions"] {
        fs::create_dir_all(stage.state_dir().join(name)).unwrap();
    }
    let at = json!(stage.state_dir().join("workspace-ops").display().to_string());
    let said = fine(&stage, &["agent", "rename", "ops", "duty", "--yes"]);
    assert!(said.contains("sessions stay in"), "{said}");
    assert_eq!(entry(&stage, "duty")["workspace"], at);
}

#[test]
fn what_names_no_model_is_refused() {
    let stage = vaulted();
    for odd in ["", "  ", "a b/c", "acme/", "/m1", "x y"] {
        for how in ["--yes", "--dry-run"] {
            refused(&stage, &["model", "set", odd, how], "names no model");
            refused(&stage, &["agent", "set", "ops", "--model", odd, how], "names no model");
        }
    }
    refused(&stage, &["model", "set", "acme/m1", "--fallback", "", "--yes"], "names no model");
}

#[test]
fn a_binding_that_is_there_is_not_added_again() {
    let stage = vaulted();
    let add = ["binding", "add", "ops", "--channel", "telegram"];
    for how in ["--yes", "--dry-run"] {
        refused(&stage, &[&add as &[&str], &[how]].concat(), "binding 1 says just that");
    }
    let run = stage.run(&["binding", "add", "main", "--channel", "telegram", "--yes"]);
    assert!(run.err.contains("binding 1 sends the same messages to ops"), "{}", run.err);
}

/// Changes by somebody else: a model of all, ops's name, a binding, and an agent that is gone.
fn changed(stage: &Stage) -> Value {
    fine(stage, &["agent", "add", "spare", "--yes"]);
    written(stage, |config| {
        let list = config["agents"]["list"].as_array_mut().unwrap();
        list.retain(|one| one["id"] != "spare");
        list.iter_mut().find(|one| one["id"] == "ops").unwrap()["name"] = json!("Night duty");
        config["agents"]["defaults"]["model"] = json!("anthropic/claude-test");
        config["bindings"][0]["match"] = json!({ "channel": "slack" });
    });
    config(stage)
}

#[test]
fn what_somebody_changed_in_the_config_is_left_until_a_person_decides() {
    let stage = vaulted();
    let theirs = changed(&stage);
    fs::write(stage.path(".config/keyshoal/keyshoal.toml"), "[watch]\npolicy = \"repair\"\n").unwrap();
    let status = stage.run(&["status"]);
    assert!(status.code == 2 && status.out.contains("somebody has changed it"), "{}", status.out);
    for arguments in [&["watch", "--once"] as &[&str], &["sync", "--yes"]] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}{}", run.out, run.err);
        assert_eq!(config(&stage), theirs, "{arguments:?}");
    }
    // Another change of the vault changes that and nothing else.
    let run = stage.run(&["agent", "set", "main", "--name", "Chief", "--yes"]);
    let mut wanted = theirs.clone();
    wanted["agents"]["list"][0]["name"] = json!("Chief");
    assert_eq!(config(&stage), wanted, "{}{}", run.out, run.err);
    // A person who says it anew says it now.
    stage.run(&["model", "set", "anthropic/claude-other", "--yes"]);
    assert_eq!(config(&stage)["agents"]["defaults"]["model"], "anthropic/claude-other");
}

#[test]
fn what_somebody_changed_in_the_config_is_taken_in_or_put_back() {
    let stage = vaulted();
    let theirs = changed(&stage);
    fine(&stage, &["instance", "adopt", "--yes"]);
    assert_eq!(config(&stage), theirs);
    fine(&stage, &["status"]);
    let shown = stage.run(&["instance", "show", "--json"]).json();
    let agents = shown["instance"]["agents"].as_array().unwrap();
    let of = |id: &str| agents.iter().find(|one| one["id"] == id).unwrap();
    assert_eq!((&of("ops")["name"], &of("spare")["enabled"]), (&json!("Night duty"), &json!(false)));
    refused(&stage, &["instance", "adopt", "--yes"], "nothing of the config was changed");

    let stage = vaulted();
    let before = config(&stage);
    changed(&stage);
    fine(&stage, &["instance", "deliver", "--yes"]);
    let now = config(&stage);
    assert_eq!((&now["bindings"], &now["agents"]["defaults"]["model"]), (&before["bindings"], &Value::Null));
    assert_eq!(now["agents"]["list"].as_array().unwrap().len(), 3);
    assert_eq!(entry(&stage, "ops")["name"], Value::Null);
    fine(&stage, &["status"]);
}

#[test]
fn bindings_to_agents_that_nobody_has_stay_where_they_are() {
    let ghost = json!({ "agentId": "ghost", "match": { "channel": "discord" } });
    let acp = json!({ "type": "acp", "agentId": "spirit", "match": { "channel": "acp" }, "acp": {} });
    let stage = Stage::with(Layout::JsonFile, |sample| {
        sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW).config(json!({
            "bindings": [ghost, acp, { "agentId": "ops", "match": { "channel": "telegram" } }],
        }))
    });
    taken_in(&stage);
    let before = config(&stage);
    fine(&stage, &["diff"]);
    fine(&stage, &["sync", "--yes"]);
    assert_eq!(config(&stage), before);
    fine(&stage, &["binding", "add", "main", "--channel", "slack", "--yes"]);
    let slack = json!({ "agentId": "main", "match": { "channel": "slack" } });
    assert_eq!(config(&stage)["bindings"], json!([ghost, acp, before["bindings"][2], slack]));
    // What leads to an agent that leaves goes with it.
    fine(&stage, &["agent", "disable", "ops", "--yes"]);
    assert_eq!(config(&stage)["bindings"], json!([ghost, acp, slack]));
    fine(&stage, &["instance", "deliver", "--yes"]);
    assert_eq!(config(&stage)["bindings"], json!([ghost, acp, slack]));
    let added = fine(&stage, &["agent", "add", "ghost", "--yes"]);
    assert!(added.contains("leads to ghost already, with 1 binding"), "{added}");
    assert!(config(&stage)["bindings"].as_array().unwrap().contains(&ghost));
    fine(&stage, &["status"]);
}
