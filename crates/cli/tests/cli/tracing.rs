//! `trace`: what a command of the person's own did.

use crate::stage::*;
use keyshoal_core::Layout;
use std::path::Path;

/// A command that puts another key into a JSON store, as a tool that knows of one agent does.
fn replace(file: &Path, old: &str, new: &str) -> Vec<String> {
    let script = format!("sed -i s/{old}/{new}/ {}", file.display());
    ["trace", "--", "sh", "-c", &script].map(str::to_owned).to_vec()
}

fn run(stage: &Stage, words: &[String]) -> Run {
    stage.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_command_that_tells_one_agent_is_shown_to_have_missed_the_others() {
    let stage = Stage::calm(Layout::JsonFile);
    assert_eq!(stage.run(&["status", "--quiet"]).code, 0);
    // Ops gets a copy of its own, as the early releases make one.
    let main = stage.state_dir().join("agents/main/agent/auth-profiles.json");
    let ops = stage.state_dir().join("agents/ops/agent");
    std::fs::create_dir_all(&ops).unwrap();
    std::fs::copy(&main, ops.join("auth-profiles.json")).unwrap();

    let traced = run(&stage, &replace(&main, NEW, GIVEN));
    assert_eq!(traced.code, 2, "{}{}", traced.out, traced.err);
    for words in ["Whom it missed", "ops", "stale", "keyshoal sync", "main"] {
        assert!(traced.out.contains(words), "{words}: {}", traced.out);
    }
    for secret in SECRETS {
        assert!(!traced.out.contains(secret) && !traced.err.contains(secret));
    }
}

#[test]
fn a_command_is_told_of_the_installation_that_was_named() {
    let stage = Stage::calm(Layout::JsonFile);
    let config = stage.path("else.json");
    std::fs::copy(stage.state_dir().join("openclaw.json"), &config).unwrap();
    let script = "echo \"[$OPENCLAW_STATE_DIR|$OPENCLAW_CONFIG_PATH|$OPENCLAW_AGENT_DIR]\"";
    let told = |command: &mut assert_cmd::Command| {
        let output = command.args(["trace", "--", "sh", "-c", script]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let state = stage.state_dir().display().to_string();
    let out = told(stage.command(&[]).env("OPENCLAW_AGENT_DIR", "/nowhere/else"));
    assert!(out.contains(&format!("[{state}|{state}/openclaw.json|]")), "{out}");
    assert!(out.contains(&format!("in {state}, of which it was told")), "{out}");
    let out = told(stage.command(&["--config"]).arg(&config));
    assert!(out.contains(&format!("[{state}|{}|]", config.display())), "{out}");

    // What the command would find by itself, it is not told.
    std::fs::rename(stage.state_dir(), stage.path(".openclaw")).unwrap();
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_keyshoal"));
    let out = told(command.env_clear().env("HOME", stage.path("")).env("PATH", "/usr/bin:/bin"));
    assert!(out.contains("[||]") && !out.contains("of which it was told"), "{out}");
}

#[test]
fn a_command_that_changes_nothing_is_said_to_have_changed_nothing() {
    let stage = Stage::calm(Layout::SharedRow);
    let traced = stage.run(&["trace", "--json", "--", "true"]);
    assert_eq!(traced.code, 0, "{}", traced.err);
    let document = traced.json();
    assert_eq!(
        (document["schema"].as_str(), document["changes"].as_array().unwrap().len()),
        (Some("keyshoal.trace.v1"), 0)
    );
}

#[test]
fn a_command_that_fails_or_does_not_exist_is_said_to() {
    let stage = Stage::calm(Layout::SharedRow);
    let failed = stage.run(&["trace", "--", "sh", "-c", "exit 7"]);
    assert_eq!(failed.code, 1);
    assert!(failed.err.contains("exit code 7"), "{}", failed.err);
    let absent = stage.run(&["trace", "--", "no-such-program-anywhere"]);
    assert_eq!(absent.code, 1);
    assert!(absent.err.contains("no-such-program-anywhere"), "{}", absent.err);
    assert_eq!(stage.run(&["trace"]).code, 64);
}

#[test]
fn order_type_mark_and_roster_are_told_apart() {
    let stage = Stage::calm(Layout::JsonFile);
    let store = stage.state_dir().join("agents/main/agent/auth-profiles.json");
    let mut text: serde_json::Value = serde_json::from_slice(&std::fs::read(&store).unwrap()).unwrap();
    text["profiles"][PROFILE]["type"] = "token".into();
    let key = text["profiles"][PROFILE]["key"].take();
    text["profiles"][PROFILE]["token"] = key;
    text["order"] = serde_json::json!({ "anthropic": [PROFILE] });
    text["usageStats"] =
        serde_json::json!({ PROFILE: { "cooldownUntil": 4_000_000_000_000_i64, "cooldownReason": "auth" } });
    let next = stage.path("next.json");
    std::fs::write(&next, text.to_string()).unwrap();
    let script = format!("cp {} {}", next.display(), store.display());
    let traced = stage.run(&["trace", "--json", "--", "sh", "-c", &script]);
    let document = traced.json();
    let kinds: Vec<&str> =
        document["changes"].as_array().unwrap().iter().map(|one| one["change"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["profile", "order", "mark"], "{document:#}");
    assert_eq!(document["changes"][0]["after"]["type"], "token");
}

/// Puts a key of its own into the config, or takes it out, as OpenClaw's `configure` does.
fn config_key(stage: &Stage, provider: &str, key: Option<&str>, flags: &[&str]) -> Run {
    let config = stage.state_dir().join("openclaw.json");
    let mut text: serde_json::Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    let entry = &mut text["models"]["providers"][provider];
    match key {
        Some(key) => entry["apiKey"] = key.into(),
        None => drop(entry.as_object_mut().unwrap().remove("apiKey")),
    }
    let next = stage.path("next.json");
    std::fs::write(&next, text.to_string()).unwrap();
    let script = format!("cp {} {}", next.display(), config.display());
    stage.run(&[&["trace"], flags, &["--", "sh", "-c", &script]].concat())
}

#[test]
fn a_key_in_the_config_is_told_with_the_agents_that_send_it() {
    // Nothing else is there to be sent.
    let model = serde_json::json!({ "agents": { "defaults": { "model": "anthropic/claude-test" } } });
    let stage = Stage::with(Layout::SharedRow, |sample| sample.config(model).agent("main"));
    let mut seen = Vec::new();
    for key in [Some(NEW), Some(GIVEN), None] {
        let traced = config_key(&stage, "anthropic", key, &["--json"]);
        assert!(!SECRETS.iter().any(|secret| traced.out.contains(secret)), "{}", traced.out);
        let document = traced.json();
        let changes = document["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 1, "{document:#}");
        assert_eq!(
            (&changes[0]["change"], &changes[0]["provider"]),
            (&"config_key".into(), &"anthropic".into())
        );
        assert_eq!(changes[0]["affected"], serde_json::json!(["main"]), "{document:#}");
        seen.push((changes[0]["before"].clone(), changes[0]["after"].clone()));
    }
    assert!(seen[0].0.is_null() && seen[2].1.is_null(), "{seen:?}");
    assert!(seen[0].1 == seen[1].0 && seen[1].1 == seen[2].0 && seen[1].0 != seen[1].1, "{seen:?}");
}

#[test]
fn a_key_in_the_config_that_no_agent_sends_is_told_as_such() {
    let stage = Stage::calm(Layout::SharedRow);
    let traced = config_key(&stage, "mistral", Some(GIVEN), &[]);
    assert!(traced.out.contains("mistral's apiKey was set: "), "{}", traced.out);
    assert!(traced.out.contains("no agent sends it") && !traced.out.contains(GIVEN), "{}", traced.out);
}
