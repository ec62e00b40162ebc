//! Candidates, held against what the real program's own modules say of the same states.
//!
//! `cases.jsonl` holds states and answers: `ask.mjs` made them with the modules of the releases that each line names.

#![expect(clippy::unwrap_used, reason = "a test may fall over")]
#![expect(clippy::disallowed_methods, reason = "a test makes its own files")]

mod gaps;
mod keyless;
mod reasons;

use keyshoal_core::{
    AgentId, Candidate, Fingerprint, Fingerprints, Layout, Material, Place, ProviderId, Standing, Timestamp,
};
use keyshoal_openclaw::candidates::{CandidateInput, of_agent};
use keyshoal_openclaw::config::{self, Config};
use keyshoal_openclaw::models_file::ModelsFile;
use keyshoal_openclaw::sessions::SessionPins;
use keyshoal_openclaw::store::{StoreContents, StoreFile};
use keyshoal_openclaw::{Environment, locate};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A fingerprint for tests: injective enough for a handful of short texts.
struct Plain;

impl Fingerprints for Plain {
    fn of(&self, parts: &[&str]) -> Fingerprint {
        let mut bytes = [0_u8; 16];
        for (at, byte) in parts.join("\u{1f}").bytes().enumerate() {
            bytes[at % 16] = bytes[at % 16].wrapping_mul(31).wrapping_add(byte);
        }
        Fingerprint::from_bytes(bytes)
    }
}

fn layout(release: &str) -> Layout {
    match release {
        "2026.3.28" => Layout::JsonFile,
        "2026.5.28" => Layout::JsonWithState,
        "2026.6.11" => Layout::AgentSqlite,
        _ => Layout::SharedRow,
    }
}

fn contents(dir: &Path, store: &Value) -> StoreContents {
    if store.is_null() {
        return StoreContents::default();
    }
    std::fs::create_dir_all(dir).unwrap();
    let mut store = store.clone();
    store["version"] = json!(1);
    std::fs::write(dir.join("auth-profiles.json"), store.to_string()).unwrap();
    StoreFile::json(dir, false).read().unwrap().contents
}

fn load(dir: &Path, case: &Value) -> (Config, Environment) {
    let release = case["release"].as_str().unwrap();
    let mut text = case["config"].clone();
    text["meta"] = json!({ "lastTouchedVersion": release });
    let model = format!("{}/m", case["provider"].as_str().unwrap());
    text["agents"] =
        json!({ "list": [{ "id": "main" }, { "id": "stocks" }], "defaults": { "model": model } });
    std::fs::write(dir.join("openclaw.json"), text.to_string()).unwrap();
    let vars = case["env"].as_object().unwrap();
    let vars: BTreeMap<String, String> =
        vars.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    let env = Environment { vars, home: Some(dir.to_owned()) };
    let locations = locate::locate(&env, Some(dir), None).unwrap();
    (config::load(&locations, &env).unwrap(), env)
}

fn candidates(case: &Value) -> Vec<Candidate> {
    let dir = tempfile::tempdir().unwrap();
    let (config, env) = load(dir.path(), case);
    let base = contents(&dir.path().join("base"), &case["base"]);
    let local = contents(&dir.path().join("local"), &case["local"]);
    let found = of_agent(&CandidateInput {
        layout: layout(case["release"].as_str().unwrap()),
        version: case["release"].as_str(),
        agent: config.agent(&AgentId::from("stocks")).unwrap(),
        config: &config,
        base: &base,
        local: Some(&local),
        models_file: &ModelsFile::default(),
        other_logins: &BTreeSet::new(),
        sessions: &SessionPins::default(),
        env: &env,
        prints: &Plain,
        now: Timestamp::from_millisecond(case["now"].as_i64().unwrap()).unwrap(),
    });
    found[&ProviderId::from(case["provider"].as_str().unwrap())].clone()
}

fn tried(candidates: &[Candidate]) -> Vec<String> {
    let tried = candidates.iter().filter(|one| !matches!(one.standing, Standing::Out(_)));
    tried
        .map(|one| match (&one.profile, &one.place) {
            (Some(id), _) => format!("profile:{id}"),
            (None, Place::Environment { name, .. }) => format!("env:{name}"),
            (None, _) if one.material == Material::Absent => "keyless".to_owned(),
            (None, _) => "config".to_owned(),
        })
        .collect()
}

#[test]
fn an_agent_tries_what_the_real_program_would_try() {
    let text = include_str!("cases.jsonl");
    let mut wrong = Vec::new();
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let said: Vec<&str> =
            case["tried"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        let found = candidates(&case);
        let firsts = found.iter().filter(|one| one.standing == Standing::First).count();
        if tried(&found) != said || firsts != usize::from(!said.is_empty()) {
            wrong.push(format!("{line}\n  we: {:?}", tried(&found)));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), text.lines().count(), wrong.join("\n"));
}
