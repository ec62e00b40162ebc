//! A run that is killed before each of its durable operations in turn, and what is left of it.
//!
//! `strace` kills the real binary on entry of the n-th write, fsync, rename, link or unlink that concerns the ledger or one agent's store,
//! so nothing in the program knows of the test. After every crash: each profile holds the old or the new whole value, nothing else of any
//! store changed, an open run is reported, and `recover` brings it to either end.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test reads and writes files as it likes"
)]

use keyshoal_core::{Layout, StoreId};
use keyshoal_openclaw::sample;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What is counted, and how far apart the crashes are: of the many writes to a log only some.
const OPERATIONS: [(&str, usize); 10] = [
    ("pwrite64", 9),
    ("write", 1),
    ("fsync", 1),
    ("fdatasync", 1),
    ("rename", 1),
    ("renameat", 1),
    ("renameat2", 1),
    ("linkat", 1),
    ("unlink", 1),
    ("unlinkat", 1),
];
const AGENTS: [&str; 3] = ["stocks", "research", "ops"];

struct House {
    dir: tempfile::TempDir,
    layout: Layout,
}

impl House {
    /// Three agents hold the value that the source had before; Keyshoal has seen it there.
    fn rotated(layout: Layout) -> Self {
        let house = Self { dir: tempfile::tempdir().unwrap(), layout };
        std::fs::create_dir_all(house.state()).unwrap();
        house.write("key-old");
        assert_eq!(house.run(&["status"]).status.code(), Some(0));
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

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn write(&self, base: &str) {
        let mut installation = sample::Installation::new(self.layout)
            .config(json!({ "gateway": { "port": 1 } }))
            .api_key(StoreId::Base, "acme:default", base)
            .api_key(StoreId::Base, "other:default", "key-other");
        for agent in AGENTS {
            let store = StoreId::Agent(agent.into());
            installation = installation
                .agent(agent)
                .profile(
                    store.clone(),
                    "acme:default",
                    json!({ "type": "api_key", "provider": "acme", "key": "key-old", "displayName": "Ours", "unknown": [1, { "x": 1.50 }] }),
                )
                .api_key(store, "mine:default", "key-mine");
        }
        installation.write(&self.state()).unwrap();
    }

    fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.dir.path())
            .env("PATH", "/usr/bin:/bin")
            .env("OPENCLAW_STATE_DIR", self.state())
            .args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(Path::new(env!("CARGO_BIN_EXE_keyshoal")), args).output().unwrap()
    }

    /// The files of the ledger, and those of the first agent's store. What several threads write is counted by each, so of the
    /// agents' only one.
    fn groups(&self) -> [Vec<PathBuf>; 2] {
        let ledger = self.state().join(".keyshoal/ledger.sqlite");
        let agent = self.state().join("agents").join(AGENTS[0]).join("agent");
        let with_log = |database: PathBuf| {
            let log = database.with_extension("sqlite-wal");
            vec![database, log]
        };
        let store = if self.layout.is_sqlite() {
            with_log(agent.join("openclaw-agent.sqlite"))
        } else {
            vec![agent.clone(), agent.join("auth-profiles.json"), agent.join("auth-profiles.json.lock")]
        };
        [with_log(ledger), store]
    }

    /// Runs `sync` and kills it on entry of the n-th such operation on one of the files. False when it came to its end instead.
    fn sync_killed_at(&self, files: &[PathBuf], operation: &str, n: usize) -> bool {
        let traced = format!("trace={operation}");
        let inject = format!("inject={operation}:signal=SIGKILL:when={n}");
        let binary = env!("CARGO_BIN_EXE_keyshoal");
        let trace = self.dir.path().join("trace");
        let trace = trace.to_str().unwrap();
        let mut args = vec!["-f", "-qq", "-o", trace, "-e", &traced, "-e", &inject];
        for file in files {
            args.extend(["-P", file.to_str().unwrap()]);
        }
        args.extend([binary, "sync", "--yes", "--offline"]);
        let output = self
            .command(Path::new("strace"), &args)
            .output()
            .expect("this test needs strace: scripts/install-tools strace");
        output.status.code().is_none_or(|code| code > 64)
    }

    fn status(&self) -> Value {
        let output = self.run(&["status", "--json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// The whole of every agent's store, with the value that may change named by its generation.
    fn stores(&self) -> BTreeMap<String, Value> {
        AGENTS.iter().map(|agent| ((*agent).to_owned(), self.store(agent))).collect()
    }

    fn store(&self, agent: &str) -> Value {
        let dir = self.state().join("agents").join(agent).join("agent");
        if !self.layout.is_sqlite() {
            return serde_json::from_slice(&std::fs::read(dir.join("auth-profiles.json")).unwrap()).unwrap();
        }
        let db =
            keyshoal_testkit::stores::agent_cell(&dir.join("openclaw-agent.sqlite"), "auth_profile_store")
                .unwrap();
        serde_json::from_str(&db).unwrap()
    }

    fn generations(&self) -> Vec<&'static str> {
        let of = |store: &Value| match store.pointer("/profiles/acme:default/key").and_then(Value::as_str) {
            Some("key-old") => "old",
            Some("key-new") | None => "new",
            Some(other) => panic!("a value that nobody wrote: {other}"),
        };
        self.stores().values().map(of).collect()
    }

    /// Everything but the one profile is as it was.
    fn assert_nothing_else_changed(&self) {
        for (agent, store) in self.stores() {
            let profiles = store["profiles"].as_object().unwrap();
            assert_eq!(profiles["mine:default"]["key"], "key-mine", "{agent}");
            if let Some(acme) = profiles.get("acme:default") {
                assert_eq!(acme["displayName"], "Ours", "{agent}");
                assert_eq!(acme["unknown"], json!([1, { "x": 1.50 }]), "{agent}");
            }
        }
    }

    fn has_open_run(&self) -> bool {
        self.status()["findings"].as_array().unwrap().iter().any(|one| one["finding"] == "open_run")
    }
}

/// Crashes a run at every point and hands what is left to `then`. Returns how many crashes there were on the ledger, and on a store.
fn at_every_crash(layout: Layout, then: impl Fn(&House, &str)) -> [usize; 2] {
    [0, 1].map(|group| {
        let mut crashes = 0;
        for (operation, apart) in OPERATIONS {
            for n in (1..).step_by(apart) {
                let house = House::rotated(layout);
                if !house.sync_killed_at(&house.groups()[group], operation, n) {
                    break;
                }
                crashes += 1;
                let place = format!("{layout}, {operation} {n} of group {group}");
                let generations = house.generations();
                assert!(generations.iter().all(|one| ["old", "new"].contains(one)), "{place}");
                house.assert_nothing_else_changed();
                then(&house, &place);
                house.assert_nothing_else_changed();
            }
        }
        crashes
    })
}

fn assert_enough(layout: Layout, crashes: [usize; 2]) {
    assert!(
        crashes[0] >= 4 && crashes[1] >= 3,
        "{layout}: only {crashes:?} crashes: was anything written at all?"
    );
}

fn finish(layout: Layout) {
    let crashes = at_every_crash(layout, |house, place| {
        if house.has_open_run() {
            let output = house.run(&["recover", "--finish"]);
            assert_eq!(output.status.code(), Some(0), "{place}: {output:?}");
        }
        let output = house.run(&["sync", "--yes", "--offline"]);
        assert_eq!(output.status.code(), Some(0), "{place}: {output:?}");
        assert_eq!(house.generations(), ["new"; 3], "{place}");
        assert!(!house.has_open_run(), "{place}");
    });
    assert_enough(layout, crashes);
}

fn undo(layout: Layout) {
    let crashes = at_every_crash(layout, |house, place| {
        if !house.has_open_run() {
            // Killed before the journal or after the end: all or nothing, and nothing to undo.
            assert!(house.generations().windows(2).all(|two| two[0] == two[1]), "{place}");
            return;
        }
        let output = house.run(&["recover", "--undo"]);
        assert_eq!(output.status.code(), Some(0), "{place}: {output:?}");
        assert_eq!(house.generations(), ["old"; 3], "{place}");
        assert!(!house.has_open_run(), "{place}");
    });
    assert_enough(layout, crashes);
}

#[test]
fn a_killed_run_can_be_finished_in_json_files() {
    finish(Layout::JsonFile);
}

#[test]
fn a_killed_run_can_be_finished_in_json_with_state() {
    finish(Layout::JsonWithState);
}

#[test]
fn a_killed_run_can_be_finished_in_agent_databases() {
    finish(Layout::AgentSqlite);
}

#[test]
fn a_killed_run_can_be_finished_beside_a_shared_row() {
    finish(Layout::SharedRow);
}

#[test]
fn a_killed_run_can_be_undone_in_json_files() {
    undo(Layout::JsonFile);
}

#[test]
fn a_killed_run_can_be_undone_beside_a_shared_row() {
    undo(Layout::SharedRow);
}
