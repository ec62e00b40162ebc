//! A config that has what a vault decides in files that it includes.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};
use std::fs;

/// Main and ops, with a channel, a binding and an order; what stands at these places of the config stands in files that it includes.
fn including(places: &[&str]) -> Stage {
    let stage = Stage::with(Layout::JsonFile, |sample| {
        sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW).config(json!({
            "auth": {
                "profiles": { PROFILE: { "provider": "anthropic", "mode": "api_key" } },
                "order": { "anthropic": [PROFILE] },
            },
            "channels": { "telegram": { "botToken": "1:first" } },
            "bindings": [{ "agentId": "ops", "match": { "channel": "telegram" } }],
        }))
    });
    let path = stage.state_dir().join("openclaw.json");
    let mut value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    value["agents"]["defaults"] = json!({ "model": "anthropic/claude-test" });
    for (at, place) in places.iter().enumerate() {
        let name = format!("part{at}.json");
        let part = value.pointer_mut(place).unwrap();
        fs::write(stage.state_dir().join(&name), part.to_string()).unwrap();
        *part = json!({ "$include": format!("./{name}") });
    }
    fs::write(&path, format!("{value:#}")).unwrap();
    stage
}

fn fine(stage: &Stage, arguments: &[&str]) -> String {
    let run = stage.run(arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    run.out + &run.err
}

fn texts(stage: &Stage) -> Vec<String> {
    ["openclaw.json", "part0.json"]
        .map(|name| fs::read_to_string(stage.state_dir().join(name)).unwrap())
        .into()
}

#[test]
fn what_is_included_and_as_it_should_be_hinders_nothing() {
    for place in [
        "/agents",
        "/agents/list",
        "/agents/list/1",
        "/agents/defaults",
        "/bindings",
        "/channels",
        "/channels/telegram",
        "/auth",
        "",
    ] {
        let stage = including(&[place]);
        let before = texts(&stage);
        fine(&stage, &["vault", "init"]);
        fine(&stage, &["instance", "add", "--yes"]);
        fine(&stage, &["diff"]);
        let key = stage.path("given");
        fs::write(&key, GIVEN).unwrap();
        let rotate = ["rotate", PROFILE, "--yes", "--from-file", key.to_str().unwrap()];
        let run = stage.run(&rotate);
        assert_eq!(run.code, 0, "{place}: {}{}", run.out, run.err);
        fine(&stage, &["status"]);
        assert_eq!(texts(&stage), before, "{place}");
    }
}

#[test]
fn what_differs_in_an_included_file_is_left_there_and_credentials_go_on() {
    let stage = including(&["/agents/list/1", "/auth"]);
    fine(&stage, &["vault", "init"]);
    fine(&stage, &["instance", "add", "--yes"]);
    let before = texts(&stage);
    // Nothing is changed in the vault that could not be brought there.
    for arguments in [
        &["agent", "set", "ops", "--name", "Duty", "--yes"] as &[&str],
        &["agent", "disable", "ops", "--yes"],
        &["agent", "rename", "ops", "duty", "--yes"],
    ] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 1, "{arguments:?}: {}{}", run.out, run.err);
        assert!(run.err.contains("a file that the config includes"), "{}", run.err);
        assert!(run.err.contains("agents.list[") && run.err.contains("nothing was changed"), "{}", run.err);
    }
    fine(&stage, &["diff"]);
    assert_eq!(texts(&stage), before);
    // What stands in the config itself is changed there.
    fine(&stage, &["model", "set", "anthropic/claude-other", "--yes"]);
    assert!(texts(&stage)[0].contains("claude-other"));

    let part = stage.state_dir().join("part0.json");
    fs::write(&part, "{ \"id\": \"ops\",\n  \"name\": \"Duty\" }").unwrap();
    let status = stage.run(&["status"]);
    assert_eq!(status.code, 2, "{}", status.out);
    let shown = stage.run(&["diff", "--json"]).json();
    let told = shown["findings"].to_string();
    assert!(told.contains("agents[ops].name now Duty") && told.contains("instance adopt"), "{told}");
    let run = stage.run(&["instance", "deliver", "--yes"]);
    assert!(run.code == 1 && run.err.contains("part0.json:1:"), "{}{}", run.out, run.err);
    assert!(run.err.contains("agents.list[ops].name"), "{}", run.err);
    let key = stage.path("given");
    fs::write(&key, GIVEN).unwrap();
    let run = stage.run(&["rotate", PROFILE, "--yes", "--from-file", key.to_str().unwrap()]);
    let store = stage.state_dir().join("agents/main/agent/auth-profiles.json");
    assert!(fs::read_to_string(store).unwrap().contains(GIVEN), "{}{}", run.out, run.err);
    // The vault may want what stands there.
    fine(&stage, &["agent", "set", "ops", "--name", "Duty", "--yes"]);
    fine(&stage, &["status"]);
}

#[test]
fn agents_by_name_in_an_included_file_are_left_there_as_well() {
    let stage = Stage::with(Layout::SharedRow, |sample| {
        sample.agent("main").agent("ops").api_key(StoreId::Base, PROFILE, NEW)
    });
    let path = stage.state_dir().join("openclaw.json");
    let mut value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    fs::write(stage.state_dir().join("part0.json"), value["agents"].to_string()).unwrap();
    value["agents"] = json!({ "$include": "./part0.json" });
    fs::write(&path, value.to_string()).unwrap();
    let before = texts(&stage);
    fine(&stage, &["vault", "init"]);
    fine(&stage, &["instance", "add", "--yes"]);
    fine(&stage, &["diff"]);
    let run = stage.run(&["agent", "set", "ops", "--name", "Duty", "--yes"]);
    assert!(run.code == 1 && run.err.contains("part0.json:1:"), "{}{}", run.out, run.err);
    assert!(run.err.contains("agents.entries.ops.name set to Duty"), "{}", run.err);
    fine(&stage, &["diff"]);
    // Whoever changes it there by hand first, may say it.
    let part = before[1].replacen("\"ops\":{", "\"ops\":{\"name\":\"Duty\",", 1);
    assert_ne!(part, before[1]);
    fs::write(stage.state_dir().join("part0.json"), part).unwrap();
    fine(&stage, &["agent", "set", "ops", "--name", "Duty", "--yes"]);
    fine(&stage, &["status"]);
}

/// Main and desk in the config itself, ops and lab in a file each.
fn in_files() -> Stage {
    let stage = Stage::with(Layout::JsonFile, |sample| {
        sample.agent("ops").agent("lab").agent("desk").api_key(StoreId::Base, PROFILE, NEW)
    });
    let path = stage.state_dir().join("openclaw.json");
    let mut value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    for entry in value["agents"]["list"].as_array_mut().unwrap() {
        let id = entry["id"].as_str().unwrap().to_owned();
        if id == "ops" || id == "lab" {
            fs::write(stage.state_dir().join(format!("{id}.json")), entry.to_string()).unwrap();
            *entry = json!({ "$include": format!("./{id}.json") });
        }
    }
    fs::write(&path, value.to_string()).unwrap();
    fine(&stage, &["vault", "init"]);
    fine(&stage, &["instance", "add", "--yes"]);
    stage
}

#[test]
fn an_entry_in_an_included_file_holds_no_other_agent_back() {
    let stage = in_files();
    let list = || {
        let text = fs::read_to_string(stage.state_dir().join("openclaw.json")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["agents"]["list"].clone()
    };
    for arguments in [
        &["agent", "set", "desk", "--name", "Desk", "--yes"] as &[&str],
        &["agent", "add", "new", "--yes"],
        &["agent", "rename", "desk", "table", "--yes"],
        &["agent", "disable", "table", "--yes"],
        &["agent", "enable", "table", "--yes"],
    ] {
        fine(&stage, arguments);
    }
    let standing = list().to_string();
    assert!(standing.contains("./ops.json") && standing.contains("./lab.json"), "{standing}");
    assert!(standing.contains("\"Desk\"") && standing.contains("\"new\""), "{standing}");
    // Whatever is of an agent there is refused, with its own file.
    for id in ["ops", "lab"] {
        for arguments in [
            &["agent", "set", id, "--name", "Other", "--yes"] as &[&str],
            &["agent", "disable", id, "--yes"],
            &["agent", "rename", id, "other", "--yes"],
            &["agent", "set", id, "--default", "--yes"],
        ] {
            let run = stage.run(arguments);
            assert!(
                run.code == 1 && run.err.contains(&format!("{id}.json:1:")),
                "{arguments:?}: {}",
                run.err
            );
        }
    }
    // What somebody has changed there is left, and the others go on.
    fs::write(stage.state_dir().join("ops.json"), "{ \"id\": \"ops\", \"name\": \"Duty\" }").unwrap();
    let run = stage.run(&["agent", "set", "main", "--name", "Main", "--yes"]);
    assert!(run.code == 2 && run.out.contains("agents[ops].name now Duty"), "{}{}", run.out, run.err);
    assert!(list().to_string().contains("\"Main\""), "{}", list());
}

#[test]
fn what_a_disabled_agent_had_in_an_included_file_goes_with_an_export() {
    let stage =
        Stage::with(Layout::JsonFile, |sample| sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW));
    let path = stage.state_dir().join("openclaw.json");
    let mut value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let list = value["agents"]["list"].as_array_mut().unwrap();
    *list.iter_mut().find(|one| one["id"] == "ops").unwrap() =
        json!({ "id": "ops", "$include": "./tools.json" });
    fs::write(&path, value.to_string()).unwrap();
    fs::write(stage.state_dir().join("tools.json"), "{ tools: { deny: ['exec'] } }").unwrap();
    fine(&stage, &["vault", "init"]);
    fine(&stage, &["instance", "add", "--yes"]);
    fine(&stage, &["agent", "disable", "ops", "--yes"]);
    let (to, new) = (stage.path("home.payload"), stage.path("new"));
    let to = to.to_str().unwrap();
    fine(&stage, &["export", "--to", to, "--clear", "--yes"]);
    let vault = stage.path("elsewhere/vault.sqlite");
    let there = |arguments: &[&str]| {
        let run = stage.run_at(&new, &[arguments, &["--vault", vault.to_str().unwrap()]].concat());
        assert!(run.code == 0 || run.code == 2, "{arguments:?}: {}{}", run.out, run.err);
    };
    there(&["import", to, "--offline", "--yes"]);
    there(&["agent", "enable", "ops", "--offline", "--yes"]);
    let text = fs::read_to_string(new.join("openclaw.json")).unwrap();
    let made: Value = serde_json::from_str(&text).unwrap();
    let list = made["agents"]["list"].as_array().unwrap().clone();
    let ops = list.into_iter().find(|one| one["id"] == "ops").unwrap();
    assert_eq!(ops["tools"]["deny"], json!(["exec"]), "{ops}");
    // Where the file is gone, the export says what it leaves out.
    fs::remove_file(stage.state_dir().join("tools.json")).unwrap();
    let less = stage.path("less.payload");
    let said = fine(&stage, &["export", "--to", less.to_str().unwrap(), "--clear", "--yes"]);
    assert!(said.contains("what the config held of ops") && said.contains("includes a file"), "{said}");
}
