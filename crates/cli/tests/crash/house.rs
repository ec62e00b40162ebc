//! A throwaway installation whose key was rotated in one place, and what its stores hold.

use crate::trace;
use keyshoal_core::{Layout, StoreId};
use keyshoal_openclaw::sample;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The agents with a stale copy.
pub const AGENTS: [&str; 3] = ["stocks", "research", "ops"];
const PROFILE: &str = "acme:default";

/// The installation, and the home of the user whose it is.
pub struct House {
    dir: tempfile::TempDir,
    pub layout: Layout,
    pub sync: &'static [&'static str],
}

impl House {
    /// The same where Keyshoal has never been: the run makes its keys and its memory, and is told what the differing values are.
    pub fn never_seen(layout: Layout) -> Self {
        let sync = &["sync", "--yes", "--offline", "--include", "foreign"];
        let house = Self { dir: tempfile::tempdir().unwrap(), layout, sync };
        std::fs::create_dir_all(house.state()).unwrap();
        house.write("key-new");
        house
    }

    /// Three agents hold the value that the source had before; Keyshoal has seen it there.
    pub fn rotated(layout: Layout) -> Self {
        let sync = &["sync", "--yes", "--offline"];
        let house = Self { dir: tempfile::tempdir().unwrap(), layout, sync };
        std::fs::create_dir_all(house.state()).unwrap();
        house.write("key-old");
        // The marks that hold the agents back.
        assert_eq!(house.run(&["status"]).status.code(), Some(2));
        // As after the program's own command: only the base store moves on.
        for name in ["agents", "state"] {
            let path = house.state().join(name);
            if path.exists() {
                std::fs::remove_dir_all(path).unwrap();
            }
        }
        house.write("key-new");
        house
    }

    /// Everything of the user's that a run may touch: the state directory and the keys.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.root().join("state")
    }

    fn write(&self, base: &str) {
        let mut installation = sample::Installation::new(self.layout)
            .config(json!({ "gateway": { "port": 1 } }))
            .api_key(StoreId::Base, PROFILE, base)
            .api_key(StoreId::Base, "other:default", "key-other");
        for agent in AGENTS {
            let store = StoreId::Agent(agent.into());
            installation = installation
                .agent(agent)
                .profile(
                    store.clone(),
                    PROFILE,
                    json!({ "type": "api_key", "provider": "acme", "key": "key-old", "displayName": "Ours", "unknown": [1, { "x": 1.50 }] }),
                )
                .api_key(store.clone(), "mine:default", "key-mine")
                .state(store, json!({
                    "order": { "mine": ["mine:default"] },
                    "usageStats": {
                        "mine:default": { "errorCount": 1, "lastUsed": 7 },
                        PROFILE: { "errorCount": 3, "cooldownUntil": 9_999_999_999_999_u64, "cooldownReason": "auth" },
                    },
                }));
        }
        installation.write(&self.state()).unwrap();
    }

    /// Gives a command the environment of the user, and nothing else.
    pub fn at_home<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env_clear()
            .env("HOME", self.root())
            .env("PATH", "/usr/bin:/bin")
            .env("OPENCLAW_STATE_DIR", self.state())
    }

    /// Runs keyshoal.
    pub fn run(&self, args: &[&str]) -> Output {
        self.at_home(&mut Command::new(env!("CARGO_BIN_EXE_keyshoal"))).args(args).output().unwrap()
    }

    /// Runs the sync that breaks off, under strace with these options.
    pub fn sync_traced(&self, options: &[&str]) -> Output {
        self.traced(options, self.sync)
    }

    /// Runs keyshoal under strace with these options.
    pub fn traced(&self, options: &[&str], args: &[&str]) -> Output {
        let mut command = trace::strace(options, env!("CARGO_BIN_EXE_keyshoal"));
        trace::run(self.at_home(&mut command).args(args))
    }

    /// Runs keyshoal, which must end well.
    pub fn run_well(&self, args: &[&str], place: &str) {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{place}, {args:?}: {output:?}");
    }

    /// Runs the sync to its end.
    pub fn sync_well(&self, place: &str) {
        self.run_well(self.sync, place);
    }

    fn document(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// Tells whether a run is open.
    pub fn has_open_run(&self) -> bool {
        let status = self.document(&["status", "--json"]);
        status["findings"].as_array().unwrap().iter().any(|one| one["finding"] == "open_run")
    }

    /// Holds that nothing is left to be done.
    pub fn assert_nothing_to_do(&self, place: &str) {
        let diff = self.document(&["diff", "--offline", "--json"]);
        assert_eq!(diff["actions"], json!([]), "{place}");
        assert_eq!(diff["questions"], json!([]), "{place}");
    }

    /// Reads the whole of every agent's store: its profiles and its state.
    fn stores(&self) -> BTreeMap<&'static str, (Value, Value)> {
        AGENTS.iter().map(|agent| (*agent, self.store(agent))).collect()
    }

    fn store(&self, agent: &str) -> (Value, Value) {
        let dir = self.state().join("agents").join(agent).join("agent");
        let file = |name: &str| -> Value {
            serde_json::from_slice(&std::fs::read(dir.join(name)).unwrap()).unwrap()
        };
        let cell = |table: &str| -> Value {
            let db = dir.join("openclaw-agent.sqlite");
            serde_json::from_str(&keyshoal_testkit::stores::agent_cell(&db, table).unwrap()).unwrap()
        };
        match self.layout {
            Layout::JsonFile => (file("auth-profiles.json"), file("auth-profiles.json")),
            Layout::JsonWithState => (file("auth-profiles.json"), file("auth-state.json")),
            _ => (cell("auth_profile_store"), cell("auth_profile_state")),
        }
    }

    /// Tells of each agent which generation it uses. Anything but one of the two is a mix, and fails.
    pub fn generations(&self) -> Vec<&'static str> {
        let of = |(store, _): &(Value, Value)| match store["profiles"].get(PROFILE) {
            // It inherits.
            None => "new",
            Some(profile) => match profile["key"].as_str() {
                Some("key-old") => "old",
                Some("key-new") => "new",
                other => panic!("a value that nobody wrote: {other:?}"),
            },
        };
        self.stores().values().map(of).collect()
    }

    /// Holds that everything but the one profile and its cooldown is as it was.
    pub fn assert_nothing_lost(&self, place: &str) {
        for (agent, (store, state)) in self.stores() {
            let profiles = store["profiles"].as_object().unwrap();
            assert_eq!(profiles["mine:default"]["key"], "key-mine", "{place}: {agent}");
            if let Some(acme) = profiles.get(PROFILE) {
                assert_eq!(acme["displayName"], "Ours", "{place}: {agent}");
                assert_eq!(acme["unknown"], json!([1, { "x": 1.50 }]), "{place}: {agent}");
            }
            assert_eq!(state["order"], json!({ "mine": ["mine:default"] }), "{place}: {agent}");
            let mine = &state["usageStats"]["mine:default"];
            assert_eq!(*mine, json!({ "errorCount": 1, "lastUsed": 7 }), "{place}: {agent}");
        }
    }

    /// Holds that nothing that we had prepared, or had just replaced, lies about in the agents' directories: it holds secrets.
    pub fn assert_no_litter(&self, place: &str) {
        for agent in AGENTS {
            for entry in std::fs::read_dir(self.state().join("agents").join(agent).join("agent")).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                assert!(!name.contains("keyshoal"), "{place}: {agent} has {name}");
            }
        }
    }

    /// Holds that no agent with the new value is held back for what the old one did.
    pub fn assert_no_cooldown(&self, place: &str) {
        for (agent, (_, state)) in self.stores() {
            let until = &state["usageStats"][PROFILE]["cooldownUntil"];
            assert!(until.is_null(), "{place}: {agent} is held back until {until}");
        }
    }
}
