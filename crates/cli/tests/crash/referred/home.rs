//! An installation whose vault delivers by references, what its agents send, and what holds when all of it is of one mind.

use super::{NEW, OLD, OWN, PROFILE, REFS, SYNC, UNDO};
use crate::moved::{copy, keyshoal};
use keyshoal_core::{Layout, StoreId};
use keyshoal_emulator::Emulator;
use keyshoal_openclaw::sample;
use keyshoal_testkit::rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use tempfile::TempDir;

/// Agents that share a value: the base store's, one with a copy of its own, and one that inherits. `own` has an override.
const SHARING: [&str; 3] = ["main", "stocks", "ops"];

/// An installation with a vault in a home of its own, or beside others of that vault.
pub struct Home {
    pub dir: Arc<TempDir>,
    pub layout: Layout,
    /// What the instance and its state directory are called.
    name: &'static str,
}

impl Home {
    pub fn new(layout: Layout, delivery: [&str; 6]) -> Self {
        let home = Self::beside(Arc::new(tempfile::tempdir().unwrap()), "state", layout, json!({}));
        home.well(&["vault", "init"]);
        home.take_in(delivery);
        home
    }

    /// One of whose values a provider says what it thinks of them: it accepts all of them.
    pub fn asking(layout: Layout, emulator: &Emulator) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let home = Self::beside(dir, "state", layout, provider(emulator));
        home.well(&["vault", "init"]);
        home.take_in(REFS);
        home
    }

    /// One in a home that there is, not in a vault yet.
    pub fn beside(dir: Arc<TempDir>, name: &'static str, layout: Layout, providers: Value) -> Self {
        let home = Self { dir, layout, name };
        let own = |agent: &str| StoreId::Agent(agent.into());
        sample::Installation::new(layout)
            .config(json!({ "gateway": { "port": 1 }, "models": { "providers": providers } }))
            .agent("stocks")
            .agent("ops")
            .agent("own")
            .api_key(StoreId::Base, PROFILE, OLD)
            .api_key(own("stocks"), PROFILE, OLD)
            .api_key(own("own"), PROFILE, OWN)
            .write(&home.state())
            .unwrap();
        std::fs::write(home.dir.path().join("new.txt"), NEW).unwrap();
        home
    }

    /// Takes it into the vault.
    pub fn take_in(&self, delivery: [&str; 6]) {
        self.well(&["instance", "add", "--name", self.name, "--yes", "--offline"]);
        // Whatever was stale is right then, and what the layout does not need of copies is gone.
        self.well(&SYNC);
        self.well(&delivery);
    }

    pub fn state(&self) -> PathBuf {
        self.dir.path().join(self.name)
    }

    pub fn file(&self) -> PathBuf {
        self.state().join(".keyshoal/delivered/secrets.json")
    }

    pub fn run(&self, words: &[&str]) -> Output {
        keyshoal(self.dir.path(), &self.state(), words)
    }

    pub fn well(&self, words: &[&str]) {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
    }

    pub fn rotation(&self) -> [String; 6] {
        let file = self.dir.path().join("new.txt");
        ["rotate", PROFILE, "--yes", "--offline", "--from-file", file.to_str().unwrap()].map(str::to_owned)
    }

    /// Rotates to its end. Nobody was asked whether the value works, so it is not proven.
    pub fn rotate(&self) {
        let output = self.run(&self.rotation().each_ref().map(String::as_str));
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        self.of_one_mind(NEW, "rotated");
    }

    pub fn document(&self, words: &[&str]) -> Value {
        let output = self.run(words);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{words:?}: {error}: {output:?}"))
    }

    /// Reads a profile's entry as it stands in a store; nothing where the store has none.
    pub fn entry(&self, agent: &str) -> Option<Value> {
        let dir = self.state().join("agents").join(agent).join("agent");
        let store: Value = match (self.layout.is_sqlite(), agent) {
            (false, _) => {
                serde_json::from_slice(&std::fs::read(dir.join("auth-profiles.json")).ok()?).unwrap()
            }
            (true, "main") => {
                let db = Connection::open(self.state().join("state/openclaw.sqlite")).unwrap();
                let query =
                    "SELECT value_json FROM config_machine_state WHERE state_key = 'authProfiles.store'";
                serde_json::from_str(&db.query_row(query, [], |row| row.get::<_, String>(0)).unwrap())
                    .unwrap()
            }
            (true, _) => {
                let db = Connection::open(dir.join("openclaw-agent.sqlite")).ok()?;
                let query = "SELECT store_json FROM auth_profile_store WHERE store_key = 'primary'";
                let text = db.query_row(query, [], |row| row.get::<_, String>(0)).optional().unwrap()?;
                serde_json::from_str(&text).unwrap()
            }
        };
        store["profiles"].get(PROFILE).cloned()
    }

    pub fn refers(&self, agent: &str) -> bool {
        self.entry(agent).is_some_and(|entry| entry.get("keyRef").is_some())
    }

    /// What an agent sends, looked up as the program does. A reference that leads nowhere fails.
    pub fn sent(&self, agent: &str, place: &str) -> String {
        let entry = self.entry(agent).or_else(|| self.entry("main")).unwrap();
        let Some(reference) = entry.get("keyRef") else { return entry["key"].as_str().unwrap().to_owned() };
        let config: Value =
            serde_json::from_slice(&std::fs::read(self.state().join("openclaw.json")).unwrap()).unwrap();
        let named = &config["secrets"]["providers"][reference["provider"].as_str().unwrap()]["path"];
        let named = named
            .as_str()
            .unwrap_or_else(|| panic!("{place}: {agent} refers to what the config does not name"));
        let text = std::fs::read(named)
            .unwrap_or_else(|error| panic!("{place}: {agent} refers to {named}: {error}"));
        let text: Value = serde_json::from_slice(&text).unwrap();
        let value = text.pointer(reference["id"].as_str().unwrap());
        value
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{place}: {agent} refers to nothing"))
            .to_owned()
    }

    /// What everybody sends. Only right after a crash may those differ who share a value.
    pub fn all_send(&self, place: &str) -> Vec<String> {
        assert_eq!(self.sent("own", place), OWN, "{place}");
        SHARING.map(|agent| self.sent(agent, place)).into()
    }

    pub fn has_open_run(&self) -> bool {
        let status = self.document(&["status", "--json"]);
        status["findings"].as_array().unwrap().iter().any(|one| one["finding"] == "open_run")
    }

    pub fn delivery(&self) -> String {
        self.document(&["instance", "show", "--json"])["instance"]["delivery"].as_str().unwrap().to_owned()
    }

    /// Holds that whatever `status` wants attention for has a way out.
    pub fn says_the_way_out(&self, place: &str) {
        let output = self.run(&["status", "--json"]);
        assert!([Some(0), Some(2)].contains(&output.status.code()), "{place}: {output:?}");
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        for finding in status["findings"].as_array().unwrap() {
            let fix = finding["fix"].as_str().unwrap_or_default();
            assert!(finding["severity"] != "attention" || fix.contains("keyshoal "), "{place}: {finding}");
            let open = finding["finding"] == "open_run";
            assert!(!open || fix.contains("keyshoal recover --finish"), "{place}: {finding}");
        }
    }

    /// Holds that vault, stores, config and file are of one mind, that all send this value, and that nothing of a dead run lies about.
    pub fn of_one_mind(&self, value: &str, place: &str) {
        assert_eq!(self.all_send(place), [value; 3], "{place}");
        let diff = self.document(&["diff", "--offline", "--json"]);
        assert_eq!((&diff["actions"], &diff["questions"]), (&json!([]), &json!([])), "{place}");
        assert!(diff["config"].is_null(), "{place}: {diff}");
        assert!(!self.has_open_run(), "{place}");
        // A rotation that nobody has proven yet is no matter of the stores.
        let output = self.run(&["status", "--json"]);
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        let proven = status["rotations"] == json!([]);
        assert_eq!(output.status.code(), Some(if proven { 0 } else { 2 }), "{place}: {status}");
        let all_fine = |one: &Value| one["severity"] != "attention";
        assert!(status["findings"].as_array().unwrap().iter().all(all_fine), "{place}: {status}");
        let by_reference = self.delivery() == "refs";
        for agent in ["main", "own"] {
            assert_eq!(self.refers(agent), by_reference, "{place}: {agent}");
        }
        assert_eq!(self.file().exists(), by_reference, "{place}");
        let beside: Vec<_> = std::fs::read_dir(self.file().parent().unwrap()).into_iter().flatten().collect();
        assert_eq!(beside.len(), usize::from(by_reference), "{place}: {beside:?}");
    }

    /// Holds that an undo of the stores alone is refused, that nothing came of it, and that it names this way back.
    pub fn refuses_undo(&self, way_back: &str, place: &str) {
        let before = self.all_send(place);
        let output = self.run(&UNDO);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{place}: {output:?}");
        assert!(said.contains(way_back), "{place}: {said}");
        let shown = self.run(&["recover"]);
        assert!(String::from_utf8_lossy(&shown.stdout).contains(way_back), "{place}: {shown:?}");
        assert_eq!(self.all_send(place), before, "{place}");
        assert!(self.has_open_run(), "{place}");
    }
}

/// A provider for the config.
pub fn provider(emulator: &Emulator) -> Value {
    emulator.only_accept(&[OLD, NEW, OWN]);
    json!({ "acme": { "baseUrl": format!("{}/anthropic", emulator.base_url()), "api": "anthropic-messages",
        "models": [{ "id": "small", "name": "Small" }] } })
}

/// Puts everything back as it was, in the very same state directories: their memories know a copy from the original.
pub fn put_back(kept: &Path, home: &Home) {
    put_all_back(kept, &[home]);
}

/// The same, of several in one home.
pub fn put_all_back(kept: &Path, homes: &[&Home]) {
    let root = homes[0].dir.path().to_owned();
    let states = homes.iter().map(|home| home.state());
    let stay: Vec<PathBuf> = states.flat_map(|state| [state.join(".keyshoal"), state]).collect();
    for dir in stay.iter().chain([&root]) {
        for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap()) {
            let path = entry.path();
            if stay.contains(&path) {
                continue;
            }
            let is_dir = entry.file_type().unwrap().is_dir();
            if is_dir { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
        }
    }
    copy(kept, &root);
}
