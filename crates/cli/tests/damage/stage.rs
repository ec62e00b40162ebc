//! A throwaway installation with one agent that will be damaged and two that will not, and what `keyshoal` says of it.

use keyshoal_core::{Layout, StoreId};
use keyshoal_openclaw::sample;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::Ordering;

pub const JSON: [Layout; 2] = [Layout::JsonFile, Layout::JsonWithState];
pub const SQLITE: [Layout; 3] = [Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow];
pub const LAYOUTS: [Layout; 5] =
    [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow];

/// The agent that a test damages.
pub const DAMAGED: &str = "stocks";
/// Those that must be mended all the same.
pub const WELL: [&str; 2] = ["research", "ops"];
pub const P: &str = "acme:default";

/// Every secret begins so; nothing that is said may hold it.
pub const SECRET: &str = "sk-damage-";
pub const OLD: &str = "sk-damage-old-0000000000000001";
pub const NEW: &str = "sk-damage-new-0000000000000002";
pub const OTHER: &str = "sk-damage-other-00000000000003";
pub const MINE: &str = "sk-damage-mine-000000000000004";

/// Who owns an installation when root must be bound by permissions; no file of the system belongs to it.
const STRANGER: u32 = 54_322;

/// An installation whose agents hold the value that the source had before.
pub struct House {
    dir: tempfile::TempDir,
    pub layout: Layout,
}

/// What a run said, checked already for secrets, panics and control characters.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Returns its one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// Returns all that it said, on one line with single blanks: where lines are broken does not matter.
    pub fn said(&self) -> String {
        format!("{} {}", self.out, self.err).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl House {
    /// Makes an empty one.
    pub fn empty(layout: Layout) -> Self {
        let house = Self { dir: tempfile::tempdir().unwrap(), layout };
        for name in ["state", "keys", "home"] {
            std::fs::create_dir(house.path(name)).unwrap();
        }
        house
    }

    /// Three agents hold the value that the source had before; Keyshoal has seen it there.
    pub fn rotated(layout: Layout) -> Self {
        let house = Self::empty(layout);
        house.write(&house.sample(OLD));
        assert_eq!(house.run(&["status"]).code, Some(0));
        house.write(&house.sample(NEW));
        house
    }

    /// The installation with this value in the base store.
    pub fn sample(&self, base: &str) -> sample::Installation {
        let mut made = sample::Installation::new(self.layout)
            .config(json!({ "gateway": { "port": 1 } }))
            .api_key(StoreId::Base, P, base)
            .api_key(StoreId::Base, "other:default", OTHER);
        for agent in [DAMAGED].iter().chain(&WELL) {
            let store = StoreId::Agent((*agent).into());
            made = made.agent(agent).api_key(store.clone(), P, OLD).api_key(store, "mine:default", MINE);
        }
        made
    }

    /// Writes an installation in the place of what was there, as after the program's own commands.
    pub fn write(&self, made: &sample::Installation) {
        for name in ["agents", "state"] {
            let path = self.state().join(name);
            if path.exists() {
                std::fs::remove_dir_all(path).unwrap();
            }
        }
        made.write(&self.state()).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub fn agent_dir(&self, agent: &str) -> PathBuf {
        self.state().join("agents").join(agent).join("agent")
    }

    /// The file of an agent's own store.
    pub fn store(&self, agent: &str) -> PathBuf {
        let name = if self.layout.is_sqlite() { "openclaw-agent.sqlite" } else { "auth-profiles.json" };
        self.agent_dir(agent).join(name)
    }

    /// The command, in an environment that names this installation and nothing else.
    pub fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.path("home"))
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("OPENCLAW_STATE_DIR", self.state())
            .args(args);
        command
    }

    pub fn keyshoal(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_keyshoal"), &[]);
        command.arg("--keys-dir").arg(self.path("keys")).args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Run {
        checked(self.keyshoal(args).output().unwrap())
    }

    pub fn sync(&self) -> Run {
        self.run(&["sync", "--yes", "--offline"])
    }

    /// The text of a store: its file or its cell.
    pub fn text(&self, agent: &str) -> Option<String> {
        let path = self.store(agent);
        if !self.layout.is_sqlite() {
            return std::fs::read_to_string(path).ok();
        }
        let sql = "SELECT store_json FROM auth_profile_store WHERE store_key = 'primary'";
        keyshoal_testkit::rusqlite::Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).ok()
    }

    /// Gives a store another text, valid or not.
    pub fn set_text(&self, agent: &str, text: &str) {
        if !self.layout.is_sqlite() {
            return std::fs::write(self.store(agent), text).unwrap();
        }
        let sql = "UPDATE auth_profile_store SET store_json = ?1 WHERE store_key = 'primary'";
        self.execute(agent, sql, [text]);
    }

    /// Runs SQL on an agent's database and leaves no log behind.
    pub fn execute(&self, agent: &str, sql: &str, params: impl keyshoal_testkit::rusqlite::Params) {
        let db = keyshoal_testkit::rusqlite::Connection::open(self.store(agent)).unwrap();
        db.execute(sql, params).unwrap();
        db.pragma_query_value(None, "wal_checkpoint", |row| row.get::<_, i64>(0)).unwrap();
        db.close().unwrap();
    }

    /// A value of an agent's own; `None` when the agent inherits.
    pub fn value(&self, agent: &str, profile: &str) -> Option<String> {
        let text = self.text(agent)?;
        let store: Value = serde_json::from_str(&text).unwrap();
        store["profiles"].get(profile)?.get("key")?.as_str().map(str::to_owned)
    }

    pub fn assert_mended(&self, agent: &str, case: &str) {
        let value = self.value(agent, P);
        assert!(matches!(value.as_deref(), None | Some(NEW)), "{case}: {agent} holds {value:?}");
        assert_eq!(
            self.value(agent, "mine:default").as_deref(),
            Some(MINE),
            "{case}: {agent} lost something"
        );
    }

    /// Gives everything to a user who is bound by permissions, where the tests run as root.
    pub fn leave_to_an_ordinary_user(&self) {
        if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            for path in everything(self.dir.path()) {
                std::os::unix::fs::lchown(path, Some(STRANGER), Some(STRANGER)).unwrap();
            }
        }
    }

    /// Asserts what a user must get when one agent's store can be read and not written: the run says the file and these words, changes
    /// nothing there, mends everybody else, and leaves no run open.
    pub fn assert_refused(&self, case: &str, words: &[&str]) {
        let case = format!("{} {case}", self.layout);
        let before = snapshot(&self.agent_dir(DAMAGED));
        let file = self.store(DAMAGED).display().to_string();
        for round in 0..2 {
            let sync = self.sync();
            assert_eq!(sync.code, Some(2), "{case} {round}: {sync:?}");
            for word in words.iter().chain(&[file.as_str()]) {
                assert!(sync.said().contains(word), "{case} {round}: {word:?} is missing: {sync:?}");
            }
            let changed = changes(&before, &snapshot(&self.agent_dir(DAMAGED)));
            assert!(changed.is_empty(), "{case} {round}: something was written: {changed:?}");
            for agent in WELL {
                self.assert_mended(agent, &case);
            }
            let status = self.run(&["status", "--json"]);
            assert_eq!(status.code, Some(2), "{case} {round}: {status:?}");
            let findings = status.json()["findings"].clone();
            let kinds: Vec<Value> = of(&findings, DAMAGED).iter().map(|one| one["finding"].clone()).collect();
            assert!(kinds.contains(&json!("stale")), "{case} {round}: {findings:#}");
            let open = findings.as_array().unwrap().iter().any(|one| one["finding"] == "open_run");
            assert!(!open, "{case} {round}: the run is still open");
        }
    }

    /// Asserts what a user must get when one agent's store cannot be used: it is called `finding`, with the file and these words;
    /// not one byte beside it changes; everybody else is mended; and the next run says it again.
    pub fn assert_left_alone(&self, case: &str, finding: &str, words: &[&str]) {
        let case = format!("{} {case}", self.layout);
        let before = snapshot(&self.agent_dir(DAMAGED));
        let file = self.store(DAMAGED).display().to_string();
        for round in 0..2 {
            let status = self.run(&["status", "--json"]);
            assert_eq!(status.code, Some(2), "{case}: {status:?}");
            let findings = status.json()["findings"].clone();
            let found = of(&findings, DAMAGED);
            assert!(found.iter().any(|one| one["finding"] == finding), "{case} {round}: {findings:#}");
            assert!(!found.iter().any(|one| one["finding"] == "in_sync"), "{case} {round}: {findings:#}");
            let said: String = found.iter().filter_map(|one| one["message"].as_str()).collect();
            for word in words {
                assert!(said.contains(word), "{case} {round}: {word:?} is missing: {findings:#}");
            }
            let status = self.run(&["status"]);
            assert_eq!(status.code, Some(2), "{case} {round}: {status:?}");
            assert!(status.said().contains(&file), "{case} {round}: {file} is not named: {status:?}");

            let sync = self.sync();
            assert_eq!(sync.code, Some(2), "{case} {round}: {sync:?}");
            assert!(sync.said().contains(&file), "{case} {round}: {file} is not named: {sync:?}");
            let changed = changes(&before, &snapshot(&self.agent_dir(DAMAGED)));
            assert!(changed.is_empty(), "{case} {round}: something was written: {changed:?}");
            for agent in WELL {
                self.assert_mended(agent, &case);
            }
        }
    }
}

/// The findings about an agent.
pub fn of(findings: &Value, agent: &str) -> Vec<Value> {
    findings.as_array().unwrap().iter().filter(|one| one["agent"] == agent).cloned().collect()
}

/// Asserts what holds of everything that is ever said.
pub fn checked(output: Output) -> Run {
    let run = Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    let said = format!("{}{}", run.out, run.err);
    assert!(!said.contains(SECRET), "a secret was said: {run:?}");
    assert!(!said.contains("panicked") && !said.contains("internal error"), "{run:?}");
    assert!(run.code.is_some_and(|code| code < 3), "{run:?}");
    let control = said.chars().find(|one| one.is_control() && *one != '\n');
    assert_eq!(control, None, "a control character reached the terminal: {run:?}");
    run
}

/// Everything under a directory, itself included.
pub fn everything(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.to_owned()];
    if std::fs::symlink_metadata(dir).is_ok_and(|meta| meta.is_dir()) {
        for entry in std::fs::read_dir(dir).unwrap() {
            found.extend(everything(&entry.unwrap().path()));
        }
    }
    found
}

/// All files under a directory with what they hold; links with where they lead.
pub fn snapshot(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let held = |path: PathBuf| {
        let meta = std::fs::symlink_metadata(&path).unwrap();
        let bytes = match meta.file_type() {
            kind if kind.is_symlink() => {
                std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            }
            kind if kind.is_file() => std::fs::read(&path).unwrap(),
            _ => Vec::new(),
        };
        (path, bytes)
    };
    everything(dir).into_iter().map(held).collect()
}

/// What differs between two snapshots, by name and length.
pub fn changes(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<String> {
    let length = |all: &BTreeMap<PathBuf, Vec<u8>>, path| all.get(path).map(Vec::len);
    let paths: std::collections::BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| format!("{}: {:?} -> {:?}", path.display(), length(before, path), length(after, path)))
        .collect()
}

/// Runs a test on each case, some at once, and tells at the end all that failed, not only the first.
pub fn each<C: Sync>(cases: &[C], test: impl Fn(&C) + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failed = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(case)));
                    failed.fetch_add(usize::from(done.is_err()), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(failed.into_inner(), 0, "of {} cases", cases.len());
}

/// Every case in every one of these layouts.
pub fn in_layouts<C: Clone>(layouts: &[Layout], cases: &[C]) -> Vec<(Layout, C)> {
    layouts.iter().flat_map(|layout| cases.iter().map(|case| (*layout, case.clone()))).collect()
}
