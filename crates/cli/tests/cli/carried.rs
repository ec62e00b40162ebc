//! What a payload or a copied directory carries of a config that is written in more ways than one.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn fine(stage: &Stage, arguments: &[&str]) -> Run {
    let run = stage.run(arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    run
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// An installation of main and ops, with a channel and a binding.
fn plain() -> Stage {
    Stage::with(Layout::JsonFile, |sample| {
        sample
            .agent("ops")
            .api_key(StoreId::Base, PROFILE, NEW)
            .api_key(StoreId::Agent("ops".into()), PROFILE, OWN)
            .config(json!({
                "channels": { "telegram": { "botToken": "1:telegram-secret" } },
                "bindings": [{ "agentId": "ops", "match": { "channel": "telegram" } }],
            }))
    })
}

fn exported(stage: &Stage) -> (PathBuf, Run) {
    let to = stage.path("home.payload");
    let run = fine(stage, &["export", "--to", text(&to), "--clear", "--yes", "--json"]);
    (to, run)
}

/// Imports from a payload or a directory, into a vault that is not the old side's.
fn imported(stage: &Stage, from: &Path, to: &Path, how: &[&str]) -> Run {
    let (vault, name) = (stage.path("elsewhere/vault.sqlite"), to.file_name().unwrap().to_str().unwrap());
    let all = [&["import", text(from), "--vault", text(&vault), "--offline", "--name", name], how].concat();
    stage.run_at(to, &all)
}

#[test]
fn what_the_config_held_of_a_disabled_agent_comes_along_in_whatever_form_it_was_written() {
    let stage = plain();
    let config = stage.state_dir().join("openclaw.json");
    let mut value = read(&config);
    value["agents"]["list"][1] = json!("HERE");
    let entry = "{ id: 'ops', /* on call */ tools: { profile: 'coding', }, }";
    std::fs::write(&config, value.to_string().replace("\"HERE\"", entry)).unwrap();
    fine(&stage, &["vault", "init"]);
    fine(&stage, &["instance", "add", "--yes"]);
    fine(&stage, &["agent", "disable", "ops", "--yes"]);
    let (payload, _) = exported(&stage);
    let new = stage.path("new");
    let run = imported(&stage, &payload, &new, &["--yes"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(read(&new.join("openclaw.json"))["agents"]["list"].as_array().unwrap().len(), 1);
    let vault = stage.path("elsewhere/vault.sqlite");
    let run = stage.run_at(&new, &["agent", "enable", "ops", "--yes", "--offline", "--vault", text(&vault)]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let ops = read(&new.join("openclaw.json"))["agents"]["list"][1].clone();
    assert_eq!((&ops["id"], &ops["tools"]), (&json!("ops"), &json!({ "profile": "coding" })));
}

/// Has the config include what the names say, each in a file of its own below `conf`, with a comment.
fn included(stage: &Stage, names: &[&str]) {
    let config = stage.state_dir().join("openclaw.json");
    let mut value = read(&config);
    std::fs::create_dir_all(stage.state_dir().join("conf")).unwrap();
    for name in names {
        let part = value[*name].take();
        let file = stage.state_dir().join(format!("conf/{name}.json5"));
        std::fs::write(file, format!("// {name}\n{part}")).unwrap();
        value[*name] = json!({ "$include": format!("./conf/{name}.json5") });
    }
    std::fs::write(&config, serde_json::to_string_pretty(&value).unwrap()).unwrap();
}

#[test]
fn a_config_that_includes_files_is_imported_and_what_the_vault_changes_stands_in_it_itself() {
    let stage = plain();
    let whole = read(&stage.state_dir().join("openclaw.json"));
    included(&stage, &["agents", "bindings", "channels", "gateway", "models"]);
    let (payload, _) = exported(&stage);
    let state_dir = stage.state_dir();
    for (at, from) in [&payload, &state_dir].into_iter().enumerate() {
        let new = stage.path(&format!("new-{at}"));
        let looked = imported(&stage, from, &new, &["--dry-run", "--json"]);
        let said = looked.json()["warnings"].to_string();
        for word in [
            "agents, bindings, channels, gateway: ",
            "conf/agents.json5",
            "the config includes conf/models.json5",
        ] {
            assert!(said.contains(word), "{word}: {said}");
        }
        let run = imported(&stage, from, &new, &["--yes"]);
        assert_eq!(run.code, 0, "{at}: {}{}", run.out, run.err);
        let config = read(&new.join("openclaw.json"));
        assert_eq!(
            (&config["agents"]["list"], &config["bindings"]),
            (&whole["agents"]["list"], &whole["bindings"])
        );
        assert_eq!(
            (&config["channels"], &config["gateway"]["bind"]),
            (&whole["channels"], &json!("loopback"))
        );
        assert_eq!(config["models"], json!({ "$include": "./conf/models.json5" }));
        let left: Vec<_> =
            std::fs::read_dir(new.join("conf")).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(left, ["models.json5"]);
    }
}

#[test]
fn a_link_that_leads_out_of_a_copied_directory_brings_nobody_elses_keys_in() {
    let stage = plain();
    let other = stage.also("other", Layout::JsonFile, |sample| sample.api_key(StoreId::Base, PROFILE, GIVEN));
    let dir = stage.state_dir().join("agents/ops/agent");
    let store = dir.join("auth-profiles.json");
    let vault = stage.path("elsewhere/vault.sqlite");
    let own = std::fs::read(&store).unwrap();
    let refused = |path: &Path| {
        let run = imported(&stage, &stage.state_dir(), &stage.path("new"), &["--yes"]);
        let said = run.err.replace("\n", " ");
        assert_eq!((run.code, vault.exists(), stage.path("new").exists()), (1, false, false), "{said}");
        assert!(said.contains(&format!("{} is a link that leads out of", text(path))), "{said}");
    };
    let link = |to: &Path, at: &Path| std::os::unix::fs::symlink(to, at).unwrap();
    for to in [other.join("agents/main/agent/auth-profiles.json"), stage.path("gone")] {
        std::fs::remove_file(&store).unwrap();
        link(&to, &store);
        refused(&store);
    }
    std::fs::remove_dir_all(&dir).unwrap();
    link(&other.join("agents/main/agent"), &dir);
    refused(&dir);
    // One that stays within is as the program has it.
    std::fs::remove_file(&dir).unwrap();
    std::fs::create_dir(stage.state_dir().join("agents/shelf")).unwrap();
    std::fs::write(stage.state_dir().join("agents/shelf/auth-profiles.json"), own).unwrap();
    link(Path::new("../shelf"), &dir);
    let run = imported(&stage, &stage.state_dir(), &stage.path("new"), &["--yes"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let store = stage.path("new/agents/ops/agent/auth-profiles.json");
    assert!(std::fs::read_to_string(store).unwrap().contains(OWN));
}

#[test]
fn a_value_that_no_provider_accepts_is_left_out_and_told() {
    let stage = plain();
    let store = stage.state_dir().join("agents/ops/agent/auth-profiles.json");
    let broken = std::fs::read_to_string(&store).unwrap().replace(OWN, &format!("{OWN}\\r\\nX-Other: 1"));
    std::fs::write(&store, broken).unwrap();
    let run = imported(&stage, &stage.state_dir(), &stage.path("new"), &["--dry-run", "--json"]);
    let left = run.json()["left_out"].to_string();
    assert!(left.contains("of ops") && left.contains("line breaks"), "{left}");
    assert_eq!(run.json()["overrides"], json!([]));
}

#[test]
fn what_lets_others_in_at_the_gateway_and_where_files_go_is_told_before_and_after() {
    let stage = plain();
    let config = stage.state_dir().join("openclaw.json");
    let (desk, mut value) = (stage.path("desk"), read(&config));
    value["gateway"]["tailscale"] = json!({ "mode": "funnel" });
    value["gateway"]["controlUi"] = json!({ "dangerouslyDisableDeviceAuth": true });
    value["agents"]["list"][1]["workspace"] = json!(desk);
    std::fs::write(&config, value.to_string()).unwrap();
    std::fs::create_dir(&desk).unwrap();
    std::fs::write(desk.join("notes.md"), "a note").unwrap();
    let (to, new) = (stage.path("home.payload"), stage.path("new"));
    fine(&stage, &["export", "--to", text(&to), "--clear", "--yes", "--with-context"]);
    let run = imported(&stage, &to, &new, &["--yes", "--json"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let (before, after) = (run.json()["warnings"].to_string(), run.json()["made"]["notes"].to_string());
    for said in ["gateway.tailscale.mode is funnel", "gateway.controlUi.dangerouslyDisableDeviceAuth is true"]
    {
        assert!(before.contains(said) && after.contains(said), "{said}: {before} {after}");
    }
    assert!(before.contains("its files come along, to workspace-ops"), "{before}");
    assert!(!before.contains("has to be there"), "{before}");
    assert_eq!(std::fs::read_to_string(new.join("workspace-ops/notes.md")).unwrap(), "a note");
}
