//! A seeded installation and the binary on it.

use assert_cmd::Command;
use keyshoal_core::{Layout, StoreId};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_openclaw::sample::Installation;
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;

/// Accepted; what all shall hold.
pub const NEW: &str = "sk-ant-api03-seeded-new-5f0c8e1db2a94c77";
/// Rejected.
pub const OLD: &str = "sk-ant-api03-seeded-old-93b1aa40c8de4f02";
/// Accepted; academic's own.
pub const OWN: &str = "sk-ant-api03-seeded-own-c2d77b19e0f34a6b";
/// Accepted; given to `set`.
pub const GIVEN: &str = "sk-ant-api03-seeded-given-7be6f0a1d2c34598";
/// The OAuth login's tokens.
pub const ACCESS: &str = "oauth-access-seeded-0d9be33f";
pub const REFRESH: &str = "oauth-refresh-seeded-77aa10c4";
/// The gateway's token in the config.
pub const GATEWAY: &str = "gateway-token-seeded-1c9f02";

/// Everything that must never be printed.
pub const SECRETS: [&str; 7] = [NEW, OLD, OWN, GIVEN, ACCESS, REFRESH, GATEWAY];

pub const PROFILE: &str = "anthropic:default";

/// An installation in a directory of its own, with its provider.
pub struct Stage {
    home: TempDir,
    pub emulator: Emulator,
}

/// What a run of the binary ended with.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    fn of(command: &mut Command, input: &str) -> Self {
        Self::ended(command.write_stdin(input).output().unwrap())
    }

    /// Returns what a process that has ended has said.
    pub fn ended(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Returns its JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

impl Stage {
    /// Agents main (the source), stocks (stale), ops (inherits), academic (override).
    pub fn drifted(layout: Layout) -> Self {
        let own = |id: &str| StoreId::Agent(id.into());
        let login = json!({ "type": "oauth", "provider": "openai-codex", "access": ACCESS, "refresh": REFRESH,
                            "expires": 4_000_000_000_000_i64, "email": "seeded@example.com" });
        Self::with(layout, |sample| {
            sample
                .agent("stocks")
                .agent("ops")
                .agent("academic")
                .api_key(StoreId::Base, PROFILE, NEW)
                .profile(StoreId::Base, "openai-codex:me", login)
                .api_key(own("stocks"), PROFILE, OLD)
                .api_key(own("academic"), PROFILE, OWN)
        })
    }

    /// The same with a second profile of the provider.
    pub fn twice_drifted() -> Self {
        let own = |id: &str| StoreId::Agent(id.into());
        Self::with(Layout::JsonFile, |sample| {
            let mut sample = sample.agent("stocks").agent("academic");
            for profile in [PROFILE, "anthropic:work"] {
                sample = sample
                    .api_key(StoreId::Base, profile, NEW)
                    .api_key(own("stocks"), profile, OLD)
                    .api_key(own("academic"), profile, OWN);
            }
            sample
        })
    }

    /// Two agents that are as they should be.
    pub fn calm(layout: Layout) -> Self {
        Self::with(layout, |sample| sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW))
    }

    /// An agent without any credential.
    pub fn empty(layout: Layout) -> Self {
        Self::with(layout, |sample| sample.agent("main"))
    }

    /// Agents main, ops and stocks with channels and bindings, some of them wrong.
    pub fn routed(layout: Layout) -> Self {
        let to = |agent: &str, wanted: Value| json!({ "agentId": agent, "match": wanted });
        let bindings = [
            to("ops", json!({ "channel": "telegram", "accountId": "*" })),
            to("stocks", json!({ "channel": "telegram", "accountId": "*" })),
            to("stocks", json!({ "channel": "telegram", "peer": { "kind": "direct", "id": "123" } })),
            to("ops", json!({ "channel": "discord", "guildId": "4711", "roles": ["mods"] })),
            to("ghost", json!({ "channel": "discord", "accountId": "biz" })),
        ];
        let channels =
            json!({ "telegram": { "botToken": GATEWAY }, "discord": { "accounts": { "default": {} } } });
        let config = json!({ "channels": channels, "bindings": bindings });
        Self::with(layout, |sample| sample.agent("ops").agent("stocks").config(config))
    }

    /// The same provider and config, with agents and values of one's own.
    pub fn with(layout: Layout, build: impl FnOnce(Installation) -> Installation) -> Self {
        let home = TempDir::new().unwrap();
        let emulator = Emulator::start(Config::default()).unwrap();
        emulator.only_accept(&[NEW, OWN, GIVEN]);
        let stage = Self { home, emulator };
        stage.also("state", layout, build);
        stage
    }

    /// Makes another installation with the same provider, in a state directory of this name. Returns that.
    pub fn also(
        &self,
        name: &str,
        layout: Layout,
        build: impl FnOnce(Installation) -> Installation,
    ) -> PathBuf {
        let provider = format!("{}/anthropic", self.emulator.base_url());
        let config = json!({
            "gateway": { "auth": { "token": GATEWAY } },
            "models": { "providers": { "anthropic": {
                "baseUrl": provider, "api": "anthropic-messages", "models": [{ "id": "claude-test", "name": "Test" }]
            } } }
        });
        let state_dir = self.home.path().join(name);
        build(Installation::new(layout).config(config)).write(&state_dir).unwrap();
        state_dir
    }

    /// Returns the state directory.
    pub fn state_dir(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// Returns a path in the stage's home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Returns the binary, with nothing of this process's environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_at(&self.state_dir(), arguments)
    }

    /// The same on another state directory.
    pub fn command_at(&self, state_dir: &std::path::Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyshoal"));
        command.env_clear().env("HOME", self.home.path()).env("COLUMNS", "120");
        command.arg("--state-dir").arg(state_dir).args(arguments);
        command
    }

    /// Runs the binary without a terminal.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "")
    }

    /// Runs the binary on another state directory.
    pub fn run_at(&self, state_dir: &std::path::Path, arguments: &[&str]) -> Run {
        Run::of(&mut self.command_at(state_dir, arguments), "")
    }

    /// Runs the binary with this on its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        Run::of(&mut self.command(arguments), input)
    }
}
