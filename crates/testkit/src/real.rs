//! The installed releases of the real program, and what is different between them for a person who tests.

use crate::cache::cache_dir;
use anyhow::{Result, ensure};
use std::path::PathBuf;

/// One release of OpenClaw, oldest first when compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(u16, u8, u8);

/// Returns the releases that are tested, oldest first: the lines of `scripts/openclaw-releases`.
pub fn releases() -> Vec<Release> {
    include_str!("../../../scripts/openclaw-releases").lines().map(Release::of).collect()
}

impl Release {
    /// Reads a version such as `2026.9.6`. Panics on anything else.
    pub fn of(version: &str) -> Release {
        let parts: Vec<&str> = version.trim().split('.').collect();
        let number = |at: usize| parts.get(at).and_then(|it| it.parse::<u16>().ok());
        match (parts.len(), number(0), number(1), number(2)) {
            (3, Some(year), Some(month), Some(day)) => Release(year, month as u8, day as u8),
            _ => panic!("{version} is not a release of OpenClaw"),
        }
    }

    /// Whether it keeps credentials in JSON files (up to 2026.6.1).
    pub fn json_stores(self) -> bool {
        self < Release(2026, 6, 5)
    }

    /// Whether the state of a JSON store stands in a file of its own, `auth-state.json` (from 2026.4.8).
    pub fn auth_state_file(self) -> bool {
        self.json_stores() && self >= Release(2026, 4, 8)
    }

    /// Whether what all agents inherit stands in the state database, apart from agent `main` (from 2026.8.1).
    pub fn shared_row(self) -> bool {
        self >= Release(2026, 8, 1)
    }

    /// Whether the config names agents in `agents.entries{}` instead of `agents.list[]`.
    pub fn entries(self) -> bool {
        self.shared_row()
    }

    /// Whether `models auth paste-api-key` exists and reads standard input. Before, only `paste-token` on a terminal does.
    pub fn paste_api_key(self) -> bool {
        self >= Release(2026, 5, 28)
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// An installed release.
#[derive(Clone, Debug)]
pub struct RealOpenClaw {
    /// Which one.
    pub release: Release,
    /// The Node binary that runs it.
    pub node: PathBuf,
    /// Its `openclaw.mjs`.
    pub entry: PathBuf,
}

impl RealOpenClaw {
    /// Finds an installed release. Fails, naming the way out, when it is not there: a missing release is never a skipped test.
    pub fn new(version: &str) -> Result<Self> {
        let release = Release::of(version);
        let root = cache_dir().join("openclaw");
        let node = root.join("node");
        let entry = root.join(version).join("node_modules/openclaw/openclaw.mjs");
        for needed in [&node, &entry] {
            ensure!(
                needed.is_file(),
                "{} is missing: run scripts/install-openclaw (./test does)",
                needed.display()
            );
        }
        Ok(Self { release, node, entry })
    }
}
