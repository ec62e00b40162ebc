//! After a rotation the earlier key lies about in plaintext: in the program's own `models.json`, in pages of its databases, in an archive.
//! A scrub takes it from there, and every agent answers as before.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_testkit::instance::{OLD_KEY, PROFILE, PROVIDER, Seed};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

impl Stage {
    fn models_json(&self, agent: &str) -> PathBuf {
        self.instance.agent_dir(agent).join("models.json")
    }

    /// What the program writes there: the config's provider, with a key.
    fn with_key(&self, key: &str) -> Value {
        let config: Value =
            serde_json::from_str(&std::fs::read_to_string(self.instance.config_path()).unwrap()).unwrap();
        let mut provider = config["models"]["providers"][PROVIDER].clone();
        provider["apiKey"] = json!(key);
        json!({ "providers": { PROVIDER: provider } })
    }
}

/// The files below a directory that hold the earlier key in plaintext.
fn holding_old(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(holding_old(&path));
        } else if std::fs::read(&path)
            .is_ok_and(|bytes| bytes.windows(OLD_KEY.len()).any(|part| part == OLD_KEY.as_bytes()))
        {
            found.push(path);
        }
    }
    found
}

fn the_earlier_key_is_gone_and_everyone_answers(version: &str, seed: Seed) {
    let mut stage = Stage::open(version, seed);
    let has_databases = !stage.instance.release().json_stores();
    stage.keyshoal(&["status"]);
    stage.rotate();
    stage.keyshoal_with_rights(&["sync", "--yes"]);
    stage.everyone_sends("synced", NEW_KEY);
    if has_databases {
        // As its migration leaves one.
        let archive = stage.instance.agent_dir("stocks").join("auth-profiles.json.migrated-1-00000000");
        let old = json!({ "type": "api_key", "provider": PROVIDER, "key": OLD_KEY });
        std::fs::write(archive, json!({ "version": 1, "profiles": { PROFILE: old } }).to_string()).unwrap();
        let beside = stage.keyshoal(&["scrub", "--dry-run"]);
        assert!(beside.out.contains("a running gateway has it open"), "{}", beside.out);
    }
    stage.instance.stop_gateway();
    if has_databases {
        // As 2026.7 left them: one with the earlier key, one with the present one.
        for (agent, key) in [("stocks", OLD_KEY), ("research", NEW_KEY)] {
            std::fs::write(stage.models_json(agent), stage.with_key(key).to_string()).unwrap();
        }
    }
    let state = stage.instance.state_dir();
    let before = holding_old(&state);
    println!("before: {before:#?}");
    assert!(!before.is_empty(), "{version}: the program wiped what it replaced?");

    let run = stage.keyshoal(&["scrub", "--yes"]);
    assert_eq!(run.code, Some(0), "{version}");
    assert_eq!(holding_old(&state), Vec::<PathBuf>::new(), "{version}");

    stage.instance.start_gateway().unwrap();
    stage.everyone_sends("scrubbed", NEW_KEY);
    stage.keyshoal(&["scrub", "--dry-run"]);
    assert_eq!(holding_old(&state), Vec::<PathBuf>::new(), "{version}: nothing brings it back");
    if stage.instance.release().shared_row() {
        let text = std::fs::read_to_string(stage.models_json("research")).unwrap();
        assert!(!text.contains(NEW_KEY), "{version} writes keys into models.json: {text}");
    }
    stage.seen("scrub", "scrubbed");
}

#[test]
fn the_earlier_key_is_gone_and_everyone_answers_on_2026_3_28() {
    the_earlier_key_is_gone_and_everyone_answers("2026.3.28", Seed::Token);
}

#[test]
fn the_earlier_key_is_gone_and_everyone_answers_on_2026_6_11() {
    the_earlier_key_is_gone_and_everyone_answers("2026.6.11", Seed::ApiKey);
}

#[test]
fn the_earlier_key_is_gone_and_everyone_answers_on_2026_9_6() {
    the_earlier_key_is_gone_and_everyone_answers("2026.9.6", Seed::ApiKey);
}
