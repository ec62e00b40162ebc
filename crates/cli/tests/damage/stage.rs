//! A throwaway installation that was rotated in one place, with one agent that will be damaged and others that will not.

use crate::said::{Run, checked};
use crate::tree::everything;
use keyshoal_core::{Layout, StoreId};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_openclaw::sample;
use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
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
    /// The provider that knows which value is good, where one is asked.
    pub provider: Option<Emulator>,
}

impl House {
    /// Makes an empty one.
    pub fn empty(layout: Layout) -> Self {
        let house = Self { dir: tempfile::tempdir().unwrap(), layout, provider: None };
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

    /// The base store has the new value; `stocks` and `research` have a copy of the old one, which the provider refuses, and `ops`
    /// has nothing of its own. Keyshoal has never been there.
    pub fn drifted(layout: Layout) -> Self {
        Self::with(layout, |made| {
            let copy = |made: sample::Installation, agent: &str| {
                made.agent(agent).api_key(StoreId::Agent(agent.into()), P, OLD)
            };
            copy(copy(made, "stocks"), "research").agent("ops")
        })
    }

    /// The same with whatever agents.
    pub fn with(layout: Layout, furnish: impl FnOnce(sample::Installation) -> sample::Installation) -> Self {
        let provider = Emulator::start(Config::default()).unwrap();
        provider.only_accept(&[NEW]);
        let model = json!({ "id": "mock-1", "name": "mock-1" });
        let acme = json!({
            "baseUrl": format!("{}/v1", provider.base_url()), "api": "openai-completions", "models": [model],
        });
        let made = sample::Installation::new(layout)
            .config(json!({ "gateway": { "port": 1 }, "models": { "providers": { "acme": acme } } }))
            .api_key(StoreId::Base, P, NEW);
        let house = Self { provider: Some(provider), ..Self::empty(layout) };
        furnish(made).write(&house.state()).unwrap();
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

    /// Newer layouts than those that are known are taken for databases, too.
    fn is_sqlite(&self) -> bool {
        !JSON.contains(&self.layout)
    }

    /// The file of an agent's own store.
    pub fn store(&self, agent: &str) -> PathBuf {
        let name = if self.is_sqlite() { "openclaw-agent.sqlite" } else { "auth-profiles.json" };
        self.agent_dir(agent).join(name)
    }

    /// A file in an agent's directory.
    pub fn file(&self, agent: &str, name: &str) -> PathBuf {
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
        checked(self.keyshoal(args).stdin(Stdio::null()).output().unwrap())
    }

    pub fn sync(&self) -> Run {
        self.run(&["sync", "--yes", "--offline"])
    }

    /// The text of a store: its file or its cell.
    pub fn text(&self, agent: &str) -> Option<String> {
        let path = self.store(agent);
        if !self.is_sqlite() {
            return std::fs::read_to_string(path).ok();
        }
        let sql = "SELECT store_json FROM auth_profile_store WHERE store_key = 'primary'";
        keyshoal_testkit::rusqlite::Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).ok()
    }

    /// Gives a store another text, valid or not.
    pub fn set_text(&self, agent: &str, text: &str) {
        if !self.is_sqlite() {
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

    /// Holds that an agent uses the new value, of its own or by having none of its own.
    #[track_caller]
    pub fn is_right(&self, agent: &str) {
        let own = self.value(agent, P);
        assert!(matches!(own.as_deref(), None | Some(NEW)), "{agent} has {own:?}");
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
