//! Installations to measure on.

use anyhow::Result;
use keyshoal_openclaw::sample;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use keyshoal_core::{Layout, StoreId};

/// An installation with main, and agents `a0`, `a1`, … that all hold a copy of main's key.
pub struct Bench {
    dir: tempfile::TempDir,
    layout: Layout,
    agents: usize,
    generation: usize,
    base_url: Option<String>,
}

impl Bench {
    /// Makes one.
    pub fn new(layout: Layout, agents: usize) -> Result<Self> {
        Self::made(layout, agents, None)
    }

    /// Makes one whose agents ask a provider there.
    pub fn asking(layout: Layout, agents: usize, base_url: &str) -> Result<Self> {
        Self::made(layout, agents, Some(base_url.to_owned()))
    }

    fn made(layout: Layout, agents: usize, base_url: Option<String>) -> Result<Self> {
        let bench = Self { dir: tempfile::tempdir()?, layout, agents, generation: 0, base_url };
        std::fs::create_dir_all(bench.state_dir())?;
        std::fs::create_dir_all(bench.dir.path().join("home"))?;
        bench.write("key-0", "key-0")?;
        Ok(bench)
    }

    /// The state directory.
    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn write(&self, base: &str, copies: &str) -> Result<()> {
        let mut sample = sample::Installation::new(self.layout).config(self.config()).agent("main").api_key(
            StoreId::Base,
            "acme:default",
            base,
        );
        for at in 0..self.agents {
            let id = format!("a{at}");
            sample = sample.agent(&id).api_key(StoreId::Agent(id.as_str().into()), "acme:default", copies);
        }
        sample.write(&self.state_dir())?;
        Ok(())
    }

    fn config(&self) -> serde_json::Value {
        match &self.base_url {
            None => json!({ "gateway": { "port": 1 } }),
            Some(base_url) => json!({
                "gateway": { "port": 1 },
                "models": { "providers": { "acme": {
                    "baseUrl": base_url, "api": "openai-completions", "models": [{ "id": "m", "name": "m" }]
                } } },
            }),
        }
    }

    /// A `keyshoal` on this installation.
    pub fn keyshoal(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.dir.path().join("home"))
            .env("OPENCLAW_STATE_DIR", self.state_dir())
            .args(args);
        command
    }

    /// A floor on this installation.
    pub fn floor(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.arg(if self.layout.is_sqlite() { "sqlite" } else { "json" }).arg(self.state_dir());
        command
    }

    /// Makes every copy an earlier generation of the source, as after a rotation: first seen equal, then main alone moves on.
    pub fn rotate(&mut self, program: &Path) -> Result<()> {
        let key = |generation: usize| format!("key-{generation}");
        let old = key(self.generation);
        self.replace(&old, &old)?;
        super::measure::time(&mut self.keyshoal(program, &["status", "--quiet"]))?;
        self.generation += 1;
        self.replace(&key(self.generation), &old)
    }

    /// Writes the installation anew, but keeps what Keyshoal remembers of it.
    fn replace(&self, base: &str, copies: &str) -> Result<()> {
        self.remove_stores()?;
        self.write(base, copies)
    }

    /// Leaves the config alone.
    pub fn remove_stores(&self) -> Result<()> {
        let state = self.state_dir();
        for name in ["agents", "state"] {
            let path = state.join(name);
            if path.exists() {
                std::fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }
}

/// For the watch: an installation whose base store alone moves on.
impl Bench {
    /// Makes every store equal and has it remembered, as the present generation.
    pub fn settle(&mut self, program: &Path) -> Result<()> {
        let key = format!("key-{}", self.generation);
        self.replace(&key, &key)?;
        super::measure::time(&mut self.keyshoal(program, &["status", "--quiet"]))?;
        Ok(())
    }

    /// Writes the policy that lets `watch` repair.
    pub fn allow_repair(&self) -> Result<()> {
        let dir = self.dir.path().join("home/.config/keyshoal");
        std::fs::write(dir.join("keyshoal.toml"), "[watch]\npolicy = \"repair\"\nask_providers = false\n")?;
        Ok(())
    }

    /// Puts the next key into the base store as the program does: main's file replaced, or one cell written.
    pub fn move_base(&mut self) -> Result<()> {
        let old = format!("key-{}\"", self.generation);
        self.generation += 1;
        let new = format!("key-{}\"", self.generation);
        let dir = self.state_dir().join("agents/main/agent");
        if self.layout.is_sqlite() {
            let db = rusqlite::Connection::open(dir.join("openclaw-agent.sqlite"))?;
            let changed = db.execute(
                "UPDATE auth_profile_store SET store_json = replace(store_json, ?1, ?2)",
                [&old, &new],
            )?;
            anyhow::ensure!(changed == 1, "the base store has one cell");
            return Ok(());
        }
        let file = dir.join("auth-profiles.json");
        let text = std::fs::read_to_string(&file)?.replace(&old, &new);
        let temporary = file.with_extension("tmp");
        std::fs::write(&temporary, text)?;
        std::fs::rename(temporary, file)?;
        Ok(())
    }
}
