//! `import`, all of it: from a payload to an installation that a vault looks after.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The agents that keep a key of their own.
const OWNERS: [&str; 3] = ["agent-03", "agent-11", "agent-19"];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Twenty agents besides main: three with keys of their own, one with an old workspace, one with a store elsewhere.
fn twenty(layout: Layout) -> Stage {
    let stage = Stage::with(layout, |mut sample| {
        for at in 0..20 {
            sample = sample.agent(&format!("agent-{at:02}"));
        }
        for owner in OWNERS {
            sample = sample.api_key(StoreId::Agent(owner.into()), PROFILE, OWN);
        }
        sample.api_key(StoreId::Base, PROFILE, NEW)
    });
    let config = stage.state_dir().join("openclaw.json");
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    let workspace = stage.state_dir().join("workspace-five");
    let elsewhere = stage.path("elsewhere/agent");
    let (five, six) = match value.pointer("/agents/entries") {
        Some(_) => ("/agents/entries/agent-05", "/agents/entries/agent-06"),
        None => ("/agents/list/6", "/agents/list/7"),
    };
    value.pointer_mut(five).unwrap()["workspace"] = json!(workspace);
    value.pointer_mut(six).unwrap()["agentDir"] = json!(elsewhere);
    std::fs::write(&config, serde_json::to_string_pretty(&value).unwrap()).unwrap();
    std::fs::write(stage.state_dir().join(".env"), "SOME_VARIABLE='it is # so'\n").unwrap();
    std::fs::create_dir_all(&workspace).unwrap();
    std::fs::write(workspace.join("notes.md"), "a note").unwrap();
    stage
}

fn exported(stage: &Stage) -> (PathBuf, PathBuf) {
    let (to, code) = (stage.path("home.payload"), stage.path("code"));
    let run = stage.run(&["export", "--to", text(&to), "--code-file", text(&code), "--with-context"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    (to, code)
}

fn imported(stage: &Stage, to: &Path, more: &[&str]) -> Run {
    let (payload, code) = (stage.path("home.payload"), stage.path("code"));
    let arguments = [&["import", text(&payload), "--code-file", text(&code), "--yes"], more].concat();
    let run = stage.run_at(to, &arguments);
    let all = format!("{}{}", run.out, run.err);
    for secret in SECRETS {
        assert!(!all.contains(&secret[secret.len() - 12..]), "{all}");
    }
    run
}

fn modes_are_private(below: &Path) {
    let mut open = vec![below.to_owned()];
    while let Some(path) = open.pop() {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{} has {mode:o}", path.display());
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}

fn instances(stage: &Stage) -> Vec<Value> {
    let list = stage.run(&["instance", "list", "--json"]);
    list.json()["instances"].as_array().unwrap().clone()
}

#[test]
fn twenty_agents_move_into_an_empty_directory() {
    for layout in [Layout::JsonFile, Layout::JsonWithState] {
        let stage = twenty(layout);
        exported(&stage);
        let new = stage.path("new/.openclaw");
        let backup = stage.path("first.backup");
        let run = imported(
            &stage,
            &new,
            &["--name", "moved", "--watch-service", "--backup", text(&backup), "--json"],
        );
        assert_eq!(run.code, 0, "{layout}: {}{}", run.out, run.err);
        let made = &run.json()["made"];
        assert_eq!((&run.json()["applied"], &made["proven"]), (&json!(true), &json!(true)), "{layout}");
        assert_eq!(
            (&made["waits"], &made["attention"], &made["readable_by_others"]),
            (&json!([]), &json!([]), &json!([]))
        );
        assert_eq!(
            (&made["bind"], &made["token"], &made["files"]),
            (&json!("loopback"), &json!("kept"), &json!(1))
        );
        assert_eq!((&made["watch"], backup.exists()), (&json!(true), true));
        modes_are_private(&new);
        let config: Value =
            serde_json::from_str(&std::fs::read_to_string(new.join("openclaw.json")).unwrap()).unwrap();
        assert_eq!(
            config["gateway"],
            json!({ "auth": { "token": GATEWAY, }, "mode": "local", "bind": "loopback" })
        );
        assert_eq!(config["agents"]["list"][6]["workspace"], text(&new.join("workspace-five")));
        assert_eq!(config["agents"]["list"][7].get("agentDir"), None);
        assert_eq!(std::fs::read_to_string(new.join("workspace-five/notes.md")).unwrap(), "a note");
        assert_eq!(std::fs::read_to_string(new.join(".env")).unwrap(), "SOME_VARIABLE='it is # so'\n");
        let status = stage.run_at(&new, &["status", "--json"]);
        assert_eq!(status.code, 0, "{layout}: {}{}", status.out, status.err);
        for owner in OWNERS {
            let store = new.join(format!("agents/{owner}/agent/auth-profiles.json"));
            assert!(std::fs::read_to_string(store).unwrap().contains(OWN), "{layout}: {owner}");
        }
        let main = std::fs::read_to_string(new.join("agents/main/agent/auth-profiles.json")).unwrap();
        assert!(main.contains(NEW));
        let artifacts = stage.run_at(&new, &["artifacts", "--list", "--json"]);
        assert_eq!(artifacts.code, 0, "{layout}: {}", artifacts.out);

        let again = imported(&stage, &new, &["--name", "other"]);
        assert_eq!(again.code, 1);
        assert!(again.err.contains("keyshoal instance add"), "{}", again.err);
        let same = imported(&stage, &stage.path("third"), &["--name", "moved"]);
        assert_eq!((same.code, stage.path("third").exists()), (2, false), "{}{}", same.out, same.err);
        assert_eq!(instances(&stage).len(), 1);
    }
}
