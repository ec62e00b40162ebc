//! What the real program left on the old machine, exported and previewed: all of it, and the machine as it was.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_testkit::instance::{AGENTS, KEPT_AGENT, KEPT_KEY, OLD_KEY, PROFILE, Seed};
use keyshoal_testkit::{Instance, RealOpenClaw};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut seen = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_symlink() || path.is_file() {
            let bytes = std::fs::read(&path).unwrap_or_default();
            seen.insert(path, bytes);
        } else if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            seen.insert(path, Vec::new());
        }
    }
    seen
}

/// One agent was told of the new key; the provider accepts it, and the deliberate one of another agent, and no more the old one.
fn an_instance_is_exported_and_previewed(version: &str, seed: Seed) {
    let provider = Emulator::start(Config::default()).unwrap();
    provider.only_accept(&[NEW_KEY, KEPT_KEY]);
    let instance = Instance::new(version, seed, provider.port()).unwrap();
    let stage = Stage { instance, provider };
    stage.instance.rotate_by_cli("main", NEW_KEY).unwrap();
    let before = tree(&stage.instance.state_dir());
    let (to, code) = (stage.instance.scratch().join("home.payload"), stage.instance.scratch().join("code"));
    let (to, code) = (to.to_str().unwrap(), code.to_str().unwrap());
    let export = stage.keyshoal(&["export", "--to", to, "--code-file", code, "--with-context"]);
    assert_eq!(export.code, Some(0));
    let payload = std::fs::read(to).unwrap();
    for secret in [OLD_KEY, NEW_KEY, KEPT_KEY] {
        assert!(!payload.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
    let import = stage.keyshoal(&["import", to, "--code-file", code, "--check", "--dry-run", "--json"]);
    assert!(before == tree(&stage.instance.state_dir()), "{version}: the old machine is as it was");
    let plan: Value = serde_json::from_str(&import.out).unwrap();
    let agents: Vec<&str> =
        plan["agents"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(agents, AGENTS, "{version}");
    let of = |list: &str| {
        plan[list].as_array().unwrap().iter().filter(|one| one["profile"] == PROFILE).collect::<Vec<_>>()
    };
    assert_eq!(of("shared").len(), 1, "{version}: {plan:#}");
    assert_eq!(of("shared")[0]["verdict"], "ok");
    let [own] = of("overrides")[..] else { panic!("{version}: {plan:#}") };
    assert_eq!((own["agent"].as_str(), own["verdict"].as_str()), (Some(KEPT_AGENT), Some("ok")));
    let [dropped] = of("dropped")[..] else { panic!("{version}: {plan:#}") };
    assert_eq!(dropped["why"], "stale");
    let stale: Vec<&str> = dropped["agents"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(
        stale.contains(&"stocks") && stale.contains(&"research") && !stale.contains(&"main"),
        "{version}: {stale:?}"
    );
    assert_eq!(plan["questions"], serde_json::json!([]), "{version}");
    assert_eq!(plan["source"]["openclaw_version"], version);
}

#[test]
fn an_instance_of_2026_3_28_is_exported_and_previewed() {
    an_instance_is_exported_and_previewed("2026.3.28", Seed::Token);
}

#[test]
fn an_instance_of_2026_9_6_is_exported_and_previewed() {
    an_instance_is_exported_and_previewed("2026.9.6", Seed::ApiKey);
}

/// Makes a program that is this release.
fn runs(program: &Path, real: &RealOpenClaw) {
    let script = format!("#!/bin/sh\nexec '{}' '{}' \"$@\"\n", real.node.display(), real.entry.display());
    std::fs::write(program, script).unwrap();
    std::fs::set_permissions(program, PermissionsExt::from_mode(0o755)).unwrap();
}

/// The old machine is gone; what it exported becomes an instance at the same place, and the real gateway serves every agent.
fn an_instance_is_imported_and_every_agent_sends_its_key(version: &str, seed: Seed) {
    let provider = Emulator::start(Config::default()).unwrap();
    provider.only_accept(&[OLD_KEY, KEPT_KEY]);
    let mut stage = Stage { instance: Instance::new(version, seed, provider.port()).unwrap(), provider };
    let scratch = stage.instance.scratch().to_owned();
    let (to, code, program) = (scratch.join("home.payload"), scratch.join("code"), scratch.join("openclaw"));
    let [to, code, program_text] = [&to, &code, &program].map(|path| path.to_str().unwrap());
    assert_eq!(stage.keyshoal(&["export", "--to", to, "--code-file", code, "--with-context"]).code, Some(0));
    std::fs::rename(stage.instance.state_dir(), scratch.join("old")).unwrap();
    runs(Path::new(program_text), stage.instance.real());

    let arguments = ["import", to, "--code-file", code, "--yes", "--openclaw", program_text, "--json"];
    let import = stage.keyshoal(&arguments);
    let made: Value = serde_json::from_str(&import.out).unwrap();
    assert_eq!(import.code, Some(0), "{:#}", made["made"]);
    assert_eq!(
        (&made["made"]["waits"], &made["made"]["proven"]),
        (&serde_json::json!([]), &Value::Bool(true))
    );
    stage.instance.start_gateway().unwrap();
    stage.everyone_sends("imported", OLD_KEY);
    let status = stage.keyshoal(&["status"]);
    assert_eq!(status.code, Some(0), "{version}");
    stage.seen("import", "imported");
}

#[test]
fn an_instance_of_2026_3_28_is_imported() {
    an_instance_is_imported_and_every_agent_sends_its_key("2026.3.28", Seed::Token);
}

#[test]
fn an_instance_of_2026_9_6_is_imported() {
    an_instance_is_imported_and_every_agent_sends_its_key("2026.9.6", Seed::ApiKey);
}

/// The config as 2026.3.28 leaves it whenever its own commands write it; the newer program makes every store of it all the same.
#[test]
fn an_instance_of_2026_3_28_is_imported_where_2026_9_6_is_installed() {
    let provider = Emulator::start(Config::default()).unwrap();
    provider.only_accept(&[OLD_KEY, KEPT_KEY]);
    let stage =
        Stage { instance: Instance::new("2026.3.28", Seed::ApiKey, provider.port()).unwrap(), provider };
    let path = stage.instance.config_path();
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    config["meta"] =
        serde_json::json!({ "lastTouchedAt": "2026-11-22T10:19:59.262Z", "lastTouchedVersion": "2026.3.28" });
    config["commands"] = serde_json::json!({ "restart": true, "ownerDisplay": "raw" });
    // Its directory is made by the program, and is for its owner alone all the same.
    config["logging"]["file"] = serde_json::json!(stage.instance.state_dir().join("logs/gateway.jsonl"));
    std::fs::write(&path, config.to_string()).unwrap();
    let scratch = stage.instance.scratch().to_owned();
    let (to, code, program) = (scratch.join("home.payload"), scratch.join("code"), scratch.join("openclaw"));
    let [to, code, program_text] = [&to, &code, &program].map(|path| path.to_str().unwrap());
    assert_eq!(stage.keyshoal(&["export", "--to", to, "--code-file", code]).code, Some(0));
    std::fs::rename(stage.instance.state_dir(), scratch.join("old")).unwrap();
    runs(&program, &RealOpenClaw::new("2026.9.6").unwrap());
    let arguments = ["import", to, "--code-file", code, "--yes", "--openclaw", program_text, "--json"];
    let import = stage.keyshoal(&arguments);
    let made: Value = serde_json::from_str(&import.out).unwrap();
    assert_eq!(import.code, Some(0), "{:#}", made["made"]);
    for nothing in ["waits", "attention", "readable_by_others"] {
        assert_eq!(made["made"][nothing], serde_json::json!([]), "{nothing}: {:#}", made["made"]);
    }
    assert!(stage.instance.state_dir().join("logs").is_dir());
}
