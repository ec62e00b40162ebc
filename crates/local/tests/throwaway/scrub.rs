//! Plaintext outside of the stores goes, nothing that counts is lost, and what went can be put back.

use crate::house::*;
use keyshoal_core::{Layout, StepState, StoreId};
use keyshoal_engine::doctor::{Case, Examine as _};
use keyshoal_engine::scrub::{self, Deed, Scrub};
use keyshoal_local::Installation;
use keyshoal_openclaw::sample;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How every planted secret begins.
const PLANTED: &[u8] = b"planted-";

fn models(key: &str) -> String {
    json!({ "providers": { "acme": { "baseUrl": "https://a.example/v1", "apiKey": key, "models": [{ "id": "m" }] } } }).to_string()
}

fn archive(profile: &str, key: &str) -> String {
    let provider = profile.split(':').next().unwrap();
    json!({ "version": 1, "profiles": { profile: { "type": "api_key", "provider": provider, "key": key } } })
        .to_string()
}

/// An installation whose base store has had other values, with agent `stocks` that inherits and `own` that has its own.
fn lived_in(layout: Layout) -> House {
    let made = sample::Installation::new(layout).config(json!({ "gateway": { "port": 1 } }));
    let made = made.agent("stocks").agent("own").api_key(StoreId::Base, P, "key-now");
    let house = House::holding(&made.api_key(agent("own"), P, "key-its-own"));
    if layout.is_sqlite() {
        for store in [StoreId::Base, agent("own")] {
            overwrite(&house.path(&store));
        }
        house.put("main", "auth-profiles.json.migrated-1-a", &archive(P, "planted-main"));
        house.put("own", "auth-profiles.json.migrated-1-b", &archive(P, "planted-own"));
    }
    for agent in ["main", "stocks", "own"] {
        house.put(agent, "models.json", &models("planted-copy"));
    }
    house
}

/// Leaves an earlier value in free pages, as the program does: it never asks for anything to be wiped.
fn overwrite(path: &Path) {
    let db = rusqlite::Connection::open(path).unwrap();
    db.execute_batch(
        "PRAGMA secure_delete = OFF; CREATE TABLE sessions_of_old (id INTEGER PRIMARY KEY, text TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
         INSERT INTO sessions_of_old SELECT i, 'planted-row-' || i || hex(randomblob(100)) FROM n;
         DELETE FROM sessions_of_old;",
    )
    .unwrap();
}

impl House {
    fn in_dir(&self, agent: &str, name: &str) -> PathBuf {
        self.state().join("agents").join(agent).join("agent").join(name)
    }

    fn put(&self, agent: &str, name: &str, text: &str) {
        let path = self.in_dir(agent, name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The files that hold a planted secret.
    fn holding_planted(&self) -> Vec<String> {
        let files = every_file(&self.state()).into_iter();
        let holds = |(path, bytes): (PathBuf, Vec<u8>)| {
            bytes.windows(PLANTED.len()).any(|window| window == PLANTED).then(|| path.display().to_string())
        };
        files.filter_map(holds).collect()
    }
}

fn every_file(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(every_file(&path));
        } else {
            all.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    all
}

fn plan(installation: &Installation) -> Scrub {
    let look = glance(installation);
    let facts = installation.examine(&look.observed, false).unwrap();
    scrub::plan(&Case { look: &look, facts: &facts })
}

/// Everything that any agent may send, without what is only shown.
fn sendable(installation: &Installation) -> String {
    let mut observed = (*glance(installation).observed).clone();
    for agent in &mut observed.agents {
        for all in agent.candidates.values_mut() {
            all.retain(|one| one.place != keyshoal_core::Place::ModelsFile);
        }
        agent.candidates.retain(|_, all| !all.is_empty());
    }
    let all: Vec<_> = observed.agents.iter().map(|agent| (&agent.id, &agent.candidates)).collect();
    format!("{all:?}")
}

fn deeds(scrub: &Scrub) -> BTreeMap<Deed, usize> {
    let mut all = BTreeMap::new();
    scrub.steps.iter().for_each(|step| *all.entry(step.deed).or_default() += 1);
    all
}

#[test]
fn planted_secrets_are_nowhere_any_more_and_every_agent_sends_what_it_did() {
    for layout in LAYOUTS {
        let house = lived_in(layout);
        let installation = house.open();
        let before = sendable(&installation);
        assert!(!house.holding_planted().is_empty());
        let found = plan(&installation);
        let sqlite = usize::from(layout.is_sqlite());
        let mut expected = BTreeMap::from([(Deed::Clean, 3)]);
        if sqlite == 1 {
            expected.extend([(Deed::Remove, 2), (Deed::Rewrite, 2)]);
        }
        assert_eq!(deeds(&found), expected, "{layout}: {found:#?}");
        let done = installation.scrub("scrub", &found.steps).unwrap();
        assert!(done.states.iter().all(|state| *state == StepState::Done), "{layout}: {done:#?}");
        assert_eq!(house.holding_planted(), Vec::<String>::new(), "{layout}");
        assert_eq!(sendable(&installation), before, "{layout}");
        assert_eq!(plan(&installation), Scrub::default(), "{layout}: nothing is left to be said");

        let run = installation.find_run(done.run.unwrap().as_str()).unwrap();
        let back = installation.put_files_back(&run).unwrap();
        assert!(back.iter().all(|one| one.state == StepState::Done), "{layout}: {back:#?}");
        assert_eq!(back.len(), found.steps.len() - 2 * sqlite, "{layout}: databases hold the same rows");
        for name in ["main", "stocks", "own"] {
            let text = std::fs::read_to_string(house.in_dir(name, "models.json")).unwrap();
            assert_eq!(text, models("planted-copy"), "{layout}: byte for byte");
        }
        assert_eq!(sendable(&installation), before, "{layout}");
        let again = plan(&installation);
        assert_eq!(again.steps.len(), found.steps.len() - 2 * sqlite, "{layout}: {again:#?}");
    }
}

#[test]
fn the_only_copy_and_what_would_be_migrated_and_what_is_used_stay() {
    let house = lived_in(Layout::AgentSqlite);
    house.put("main", "auth-profiles.json.migrated-2-c", &archive("rare:default", "planted-only"));
    house.put("stocks", "auth-profiles.json", &archive(P, "planted-left"));
    house.put("stocks", "models.json", &models("key-now"));
    house.put("own", "auth-profiles.json.migrated-1-b", "{ not json");
    let installation = house.open();
    let found = plan(&installation);
    let why = |name: &str| {
        let left: Vec<_> = found.left.iter().filter(|one| one.path.ends_with(name)).collect();
        assert_eq!(left.len(), 1, "{name}: {found:#?}");
        assert!(found.steps.iter().all(|step| step.path != left[0].path), "{name}");
        left[0].why.clone()
    };
    assert!(why("auth-profiles.json.migrated-2-c").contains("only copy"));
    assert!(why("stocks/agent/auth-profiles.json").contains("still migrate"));
    assert!(why("stocks/agent/models.json").contains("present key"));
    assert!(why("auth-profiles.json.migrated-1-b").contains("not understood"));
    installation.scrub("scrub", &found.steps).unwrap();
    let kept = house.holding_planted();
    assert_eq!(kept.len(), 2, "{kept:#?}");
}

#[test]
fn the_present_key_goes_from_models_json_where_the_program_does_not_write_it_again() {
    for layout in LAYOUTS {
        let house = lived_in(layout);
        house.put("stocks", "models.json", &models("key-now"));
        let installation = house.open();
        let before = sendable(&installation);
        installation.scrub("scrub", &plan(&installation).steps).unwrap();
        let text = std::fs::read_to_string(house.in_dir("stocks", "models.json")).unwrap();
        assert_eq!(text.contains("key-now"), layout != Layout::SharedRow, "{layout}: {text}");
        assert_eq!(sendable(&installation), before, "{layout}");
    }
}

#[test]
fn a_store_that_cannot_be_read_keeps_everything_beside_it() {
    let house = lived_in(Layout::JsonFile);
    std::fs::write(house.path(&agent("own")), "garbage that goes on for a while").unwrap();
    let found = plan(&house.open());
    assert_eq!(deeds(&found), BTreeMap::from([(Deed::Clean, 2)]), "{found:#?}");
    assert!(found.left.iter().any(|one| one.why.contains("cannot be read")), "{found:#?}");
}

#[test]
fn what_changed_since_the_look_is_left() {
    let house = lived_in(Layout::SharedRow);
    let installation = house.open();
    let found = plan(&installation);
    house.put("stocks", "models.json", &models("planted-newer"));
    house.put("own", "auth-profiles.json.migrated-1-b", &archive(P, "planted-later"));
    std::fs::remove_file(house.in_dir("own", "models.json")).unwrap();
    let done = installation.scrub("scrub", &found.steps).unwrap();
    let by_path: BTreeMap<_, _> =
        found.steps.iter().map(|step| step.path.as_str()).zip(&done.states).collect();
    let state = |agent: &str, name: &str| by_path[house.in_dir(agent, name).to_str().unwrap()];
    for (agent, name) in
        [("stocks", "models.json"), ("own", "auth-profiles.json.migrated-1-b"), ("own", "models.json")]
    {
        assert!(matches!(state(agent, name), StepState::Conflict { .. }), "{agent} {name}: {by_path:#?}");
    }
    assert_eq!(*state("main", "models.json"), StepState::Done);
    let text = std::fs::read_to_string(house.in_dir("stocks", "models.json")).unwrap();
    assert_eq!(text, models("planted-newer"));

    // The same for what is put back: what stands there by now is somebody else's.
    house.put("main", "models.json", &models("planted-third"));
    let run = installation.find_run(done.run.unwrap().as_str()).unwrap();
    let back = installation.put_files_back(&run).unwrap();
    assert!(back.iter().all(|one| !one.path.ends_with("main/agent/models.json")), "{back:#?}");
    assert_eq!(back.len(), 1, "{back:#?}");
}

#[test]
fn a_database_that_somebody_has_open_is_not_written_anew() {
    let house = lived_in(Layout::SharedRow);
    let installation = house.open();
    let found = plan(&installation);
    let path = house.path(&StoreId::Base);
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM sqlite_master;").unwrap();
    let rows = || -> i64 {
        reader.query_row("SELECT count(*) FROM config_machine_state", [], |row| row.get(0)).unwrap()
    };
    let before = rows();
    let done = installation.scrub("scrub", &found.steps).unwrap();
    let failed = found.steps.iter().zip(&done.states).filter(|(_, state)| **state != StepState::Done);
    let failed: Vec<_> = failed.collect();
    assert!(failed.len() == 1 && failed[0].0.path == path.display().to_string(), "{failed:#?}");
    assert_eq!(rows(), before);
    drop(reader);
    let again = plan(&installation);
    assert_eq!(deeds(&again), BTreeMap::from([(Deed::Rewrite, 1)]), "{again:#?}");
    installation.scrub("scrub", &again.steps).unwrap();
    assert_eq!(house.holding_planted(), Vec::<String>::new());
}
