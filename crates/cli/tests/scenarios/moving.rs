//! What the real program left on the old machine, exported and previewed: all of it, and the machine as it was.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_testkit::Instance;
use keyshoal_testkit::instance::{AGENTS, KEPT_AGENT, KEPT_KEY, OLD_KEY, PROFILE, Seed};
use serde_json::Value;
use std::collections::BTreeMap;
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
