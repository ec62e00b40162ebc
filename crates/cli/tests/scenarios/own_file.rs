//! A person keeps the key in a file of their own, and every profile refers to it. The file changes, and no store does: what the gateway
//! goes on sending is the earlier key, which the person has to be told, and what one `sync` puts right.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_testkit::Instance;
use keyshoal_testkit::instance::{AGENTS, KEPT_AGENT, KEPT_KEY, OLD_KEY, PROFILE, Seed};
use keyshoal_testkit::stores::{self, Part, Place};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Writes the file as a person does, in place.
fn keep(file: &Path, key: &str) {
    std::fs::write(file, json!({ "mockai": key }).to_string()).unwrap();
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
}

/// Lets each profile with the old key refer to the file instead.
fn refer(instance: &Instance, seed: Seed, file: &Path) {
    let (inline, reference) = if seed == Seed::Token { ("token", "tokenRef") } else { ("key", "keyRef") };
    let mut config: Value = serde_json::from_slice(&std::fs::read(instance.config_path()).unwrap()).unwrap();
    config["secrets"]["providers"]["mine"] = json!({ "source": "file", "path": file, "mode": "json" });
    std::fs::write(instance.config_path(), config.to_string()).unwrap();
    let places = AGENTS.iter().map(|agent| Place::Agent(agent)).chain([Place::Inherited]);
    for place in places {
        let Some(document) = stores::read(instance, place, Part::Profiles).unwrap() else { continue };
        if document["profiles"][PROFILE][inline] != OLD_KEY {
            continue;
        }
        stores::edit(instance, place, Part::Profiles, |document| {
            let profile = document["profiles"][PROFILE].as_object_mut().unwrap();
            profile.remove(inline);
            profile.insert(
                reference.to_owned(),
                json!({ "source": "file", "provider": "mine", "id": "/mockai" }),
            );
        })
        .unwrap();
    }
}

fn opened(version: &str, seed: Seed) -> (Stage, PathBuf) {
    let provider = Emulator::start(Config::default()).unwrap();
    provider.only_accept(&[OLD_KEY, NEW_KEY, KEPT_KEY]);
    let mut instance = Instance::new(version, seed, provider.port()).unwrap();
    let file = instance.scratch().join("keys.json");
    keep(&file, OLD_KEY);
    refer(&instance, seed, &file);
    instance.start_gateway().unwrap();
    (Stage { instance, provider }, file)
}

/// Every profile as its store has it: the program notes its uses beside.
fn referring(stage: &Stage) -> Vec<(String, Value)> {
    let documents = stage.documents().into_iter();
    documents.map(|(name, document)| (name, document["profiles"].clone())).collect()
}

fn a_changed_file_is_told_and_taken_up(version: &str, seed: Seed) {
    let (stage, file) = opened(version, seed);
    stage.everyone_sends("referred", OLD_KEY);
    let settled = stage.keyshoal_with_rights(&["sync", "--yes"]);
    assert_eq!(settled.code, Some(0), "{settled:?}");
    assert_eq!(stage.keyshoal(&["status"]).code, Some(0), "nothing is wrong, and nothing is said to be");

    keep(&file, NEW_KEY);
    let before = referring(&stage);
    stage.everyone_sends("not-reloaded", OLD_KEY);
    let status = stage.keyshoal(&["status"]);
    assert_eq!(status.code, Some(2), "the gateway sends the earlier key, and all is said to be well");

    // The provider is asked about what stands in the file now.
    for (accepted, verdict) in [(OLD_KEY, "invalid_key"), (NEW_KEY, "ok")] {
        stage.provider.only_accept(&[accepted, KEPT_KEY]);
        let verify = stage.keyshoal(&["verify", "--json"]);
        assert_eq!(verify.code, Some(2), "the gateway sends another value than the file holds");
        let document: Value = serde_json::from_str(&verify.out).unwrap();
        let agents = document["agents"].as_array().unwrap();
        let asked = agents.iter().filter(|agent| agent["id"] != KEPT_AGENT);
        let profiles = asked.flat_map(|agent| agent["profiles"].as_array().unwrap());
        let verdicts: Vec<&Value> =
            profiles.filter(|profile| profile["id"] == PROFILE).map(|profile| &profile["verdict"]).collect();
        assert_eq!(verdicts, vec![verdict; AGENTS.len() - 1], "{document:#}");
    }

    let sync = stage.keyshoal_with_rights(&["sync", "--yes"]);
    assert_eq!(sync.code, Some(0), "{sync:?}");
    assert_eq!(before, referring(&stage), "a store was written, where none was wrong");
    stage.provider.only_accept(&[NEW_KEY, KEPT_KEY]);
    stage.everyone_sends("own-file", NEW_KEY);
    assert_eq!(stage.keyshoal(&["status"]).code, Some(0));
    stage.seen("own-file", "own-file");
}

#[test]
fn a_changed_file_of_the_persons_own_is_told_and_taken_up_on_2026_3_28() {
    a_changed_file_is_told_and_taken_up("2026.3.28", Seed::Token);
}

#[test]
fn a_changed_file_of_the_persons_own_is_told_and_taken_up_on_2026_9_6() {
    a_changed_file_is_told_and_taken_up("2026.9.6", Seed::ApiKey);
}
