//! One installation of the real program with a gateway of its own.

mod cli;
mod config;
mod gateway;

pub use cli::Said;
pub use config::Seed;
pub(crate) use config::adopt as adopt_config;

use crate::real::{RealOpenClaw, Release};
use crate::{http, template};
use anyhow::Result;
use gateway::Gateway;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The agents of every instance. Each has a copy of the profile in a store of its own, except `ops`, which inherits.
pub const AGENTS: &[&str] = &["main", "stocks", "research", "ops", "academic"];
/// The agent whose own, different key is deliberate.
pub const KEPT_AGENT: &str = "academic";
/// The provider that all of them use: the emulator, by a custom `openai-completions` entry.
pub const PROVIDER: &str = "mockai";
/// The profile that all of them use.
pub const PROFILE: &str = "mockai:default";
/// The key that every agent starts with, but for [`KEPT_AGENT`].
pub const OLD_KEY: &str = "sk-testkit-old-0000000000000001";
/// The key that [`KEPT_AGENT`] starts with.
pub const KEPT_KEY: &str = "sk-testkit-academic-0000000000077";
const GATEWAY_TOKEN: &str = "testkit-gateway-token-0123456789";

/// An installation below a temporary folder. Dropping it ends its gateway and removes everything.
#[derive(Debug)]
pub struct Instance {
    real: RealOpenClaw,
    gateway: Option<Gateway>,
    port: u16,
    dir: tempfile::TempDir,
}

/// What came back for one prompt. OpenClaw may say 200 around a 401: believe the provider's log, not this.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status of the gateway.
    pub http: u16,
    /// The answer, or the whole body when there is none.
    pub text: String,
}

impl Instance {
    /// Makes an installation of this release whose agents talk to the provider on `provider_port`. No gateway runs yet.
    pub fn new(version: &str, seed: Seed, provider_port: u16) -> Result<Self> {
        let real = RealOpenClaw::new(version)?;
        let instance = Self::bare(real, seed, provider_port)?;
        template::fill(&instance, seed, provider_port)?;
        Ok(instance)
    }

    /// Makes the folders, and nothing in them: no config, no credentials.
    pub fn empty(version: &str) -> Result<Self> {
        Self::folders(RealOpenClaw::new(version)?)
    }

    /// Makes the folders and a config, but no credentials.
    pub(crate) fn bare(real: RealOpenClaw, seed: Seed, provider_port: u16) -> Result<Self> {
        let instance = Self::folders(real)?;
        config::write(&instance, provider_port, seed)?;
        Ok(instance)
    }

    fn folders(real: RealOpenClaw) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("keyshoal-").tempdir()?;
        let instance = Self { real, gateway: None, port: http::free_port()?, dir };
        for folder in ["home", "tmp", "state"] {
            let path = instance.dir.path().join(folder);
            std::fs::create_dir(&path)?;
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        }
        Ok(instance)
    }

    /// Returns the release.
    pub fn release(&self) -> Release {
        self.real.release
    }

    /// Returns the installed program that it is an installation of.
    pub fn real(&self) -> &RealOpenClaw {
        &self.real
    }

    /// Returns a folder for whatever else a test needs; it goes away with the instance.
    pub fn scratch(&self) -> &Path {
        self.dir.path()
    }

    /// Returns the state directory.
    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Returns the folder that `HOME` is while anything of this instance runs.
    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Returns the config file.
    pub fn config_path(&self) -> PathBuf {
        self.state_dir().join("openclaw.json")
    }

    /// Returns the folder of an agent's credentials.
    pub fn agent_dir(&self, agent: &str) -> PathBuf {
        self.state_dir().join("agents").join(agent).join("agent")
    }

    /// Returns the gateway's port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts the gateway and waits until it says that it is ready.
    pub fn start_gateway(&mut self) -> Result<()> {
        self.stop_gateway();
        self.gateway = Some(Gateway::start(self)?);
        Ok(())
    }

    /// Ends the gateway and waits for its end.
    pub fn stop_gateway(&mut self) {
        self.gateway = None;
    }

    /// Returns the process id of the gateway while it lives, and how often it said that it became ready: a restart inside the same
    /// process shows in the second.
    pub fn gateway_life(&mut self) -> Option<(u32, usize)> {
        let log = std::fs::read_to_string(self.gateway_log()).unwrap_or_default();
        let starts = log
            .lines()
            .filter(|line| line.ends_with("[gateway] ready") || line.contains("[gateway] listening on"))
            .count();
        self.gateway.as_mut().and_then(Gateway::pid).map(|pid| (pid, starts))
    }

    /// Returns the file that holds what the gateway printed.
    pub fn gateway_log(&self) -> PathBuf {
        self.dir.path().join("gateway.out")
    }

    /// Asks an agent one thing through the gateway. The prompt carries `[[agent:tag]]`, by which the provider's log knows it.
    pub fn ask(&self, agent: &str, tag: &str) -> Result<Reply> {
        let body = serde_json::json!({
            "model": format!("openclaw/{agent}"),
            "messages": [{ "role": "user", "content": format!("[[{agent}:{tag}]] say pong") }],
        });
        let bearer = format!("Bearer {GATEWAY_TOKEN}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("x-openclaw-agent-id", agent),
            // 2026.3.28 wants to be told; later releases know it from the token.
            ("x-openclaw-scopes", "operator.read,operator.write,operator.admin"),
        ];
        let patience = Duration::from_secs(150);
        let (http, text) =
            http::request(self.port, "POST", "/v1/chat/completions", &headers, &body.to_string(), patience)?;
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let answer = parsed["choices"][0]["message"]["content"].as_str().map(str::to_owned);
        Ok(Reply { http, text: answer.unwrap_or(text) })
    }

    /// Prepares a program to run as the user of this instance: nothing of the environment of the tests reaches it.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let node_dir = self.real.node.parent().unwrap_or(Path::new("/"));
        command
            .env_clear()
            .current_dir(self.dir.path())
            .env("PATH", format!("{}:/usr/bin:/bin", node_dir.display()))
            .env("HOME", self.home())
            .env("TMPDIR", self.dir.path().join("tmp"))
            .env("LANG", "C.UTF-8")
            .env("NO_COLOR", "1")
            .env("OPENCLAW_STATE_DIR", self.state_dir())
            .env("OPENCLAW_CONFIG_PATH", self.config_path());
        command
    }
}
