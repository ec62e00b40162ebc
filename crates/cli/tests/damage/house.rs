//! An installation that was rotated in one place, with a provider that knows which key is good.

use keyshoal_core::{Layout, StoreId};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_openclaw::sample;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub const OLD: &str = "sk-acme-old-00000000000000000001";
pub const NEW: &str = "sk-acme-new-00000000000000000002";
pub const PROFILE: &str = "acme:default";

/// The installation, its provider, and a home of its own.
pub struct House {
    dir: tempfile::TempDir,
    pub layout: Layout,
    pub provider: Emulator,
}

/// What a run said.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Takes what a process said, and holds what always holds.
    pub fn of(output: &std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let run = Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
        println!("{:?}\n{}\n{}", run.code, run.out, run.err);
        assert!(matches!(run.code, Some(0..=2)), "it did not end as it should: {run:?}");
        for secret in [OLD, NEW] {
            assert!(!run.out.contains(secret) && !run.err.contains(secret), "a secret was printed: {run:?}");
        }
        run
    }

    /// Holds that it says this anywhere.
    #[track_caller]
    pub fn says(&self, word: &str) -> &Self {
        let both = format!("{}\n{}", self.out, self.err).to_lowercase();
        assert!(both.contains(&word.to_lowercase()), "it does not say `{word}`: {self:?}");
        self
    }

    /// Holds its exit code.
    #[track_caller]
    pub fn ends_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

impl House {
    /// The base store has the new key; `stocks` and `research` have a copy of the old one, which the provider refuses.
    pub fn drifted(layout: Layout) -> Self {
        Self::with(layout, |sample| {
            let copy = |sample: sample::Installation, agent: &str| {
                sample.agent(agent).api_key(StoreId::Agent(agent.into()), PROFILE, OLD)
            };
            copy(copy(sample, "stocks"), "research").agent("ops")
        })
    }

    /// The same with whatever agents.
    pub fn with(layout: Layout, furnish: impl FnOnce(sample::Installation) -> sample::Installation) -> Self {
        let provider = Emulator::start(Config::default()).unwrap();
        provider.only_accept(&[NEW]);
        let house = Self { dir: tempfile::tempdir().unwrap(), layout, provider };
        let model = json!({ "id": "mock-1", "name": "mock-1" });
        let acme = json!({
            "baseUrl": format!("{}/v1", house.provider.base_url()), "api": "openai-completions", "models": [model],
        });
        let sample = sample::Installation::new(layout)
            .config(json!({ "gateway": { "port": 1 }, "models": { "providers": { "acme": acme } } }))
            .api_key(StoreId::Base, PROFILE, NEW);
        furnish(sample).write(&house.state()).unwrap();
        house
    }

    /// Returns the state directory.
    pub fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Returns the folder around it.
    pub fn around(&self) -> &Path {
        self.dir.path()
    }

    /// Returns a file in an agent's directory.
    pub fn file(&self, agent: &str, name: &str) -> PathBuf {
        self.state().join("agents").join(agent).join("agent").join(name)
    }

    /// Returns the file that holds an agent's store.
    pub fn store(&self, agent: &str) -> PathBuf {
        let sqlite = !matches!(self.layout, Layout::JsonFile | Layout::JsonWithState);
        self.file(agent, if sqlite { "openclaw-agent.sqlite" } else { "auth-profiles.json" })
    }

    /// Returns an agent's own profiles; `null` where it has none.
    pub fn profiles(&self, agent: &str) -> Value {
        let path = self.store(agent);
        if path.extension().is_some_and(|it| it == "json") {
            let text = std::fs::read_to_string(path).unwrap();
            return serde_json::from_str::<Value>(&text).unwrap()["profiles"].clone();
        }
        let text = cell(&path).unwrap_or_else(|| "null".to_owned());
        serde_json::from_str::<Value>(&text).unwrap()["profiles"].clone()
    }

    /// Holds that an agent has the new key, in its own store or by having no own profile.
    #[track_caller]
    pub fn is_right(&self, agent: &str) {
        let own = self.profiles(agent)[PROFILE].clone();
        assert!(own.is_null() || own["key"] == NEW, "{agent} has {own}");
    }

    /// Prepares keyshoal.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyshoal"));
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.dir.path())
            .env("NO_COLOR", "1")
            .env("OPENCLAW_STATE_DIR", self.state())
            .args(args)
            .stdin(Stdio::null());
        command
    }

    /// Runs keyshoal.
    pub fn run(&self, args: &[&str]) -> Run {
        println!("$ keyshoal {}", args.join(" "));
        Run::of(&self.command(args).output().unwrap())
    }
}

/// Reads the profiles' cell of an agent's database.
pub fn cell(db: &Path) -> Option<String> {
    let output = rusqlite_open(db)?;
    output
        .query_row("SELECT store_json FROM auth_profile_store WHERE store_key = 'primary'", [], |row| {
            row.get(0)
        })
        .ok()
}

/// Opens a database.
pub fn rusqlite_open(db: &Path) -> Option<keyshoal_testkit::rusqlite::Connection> {
    keyshoal_testkit::rusqlite::Connection::open(db).ok()
}
