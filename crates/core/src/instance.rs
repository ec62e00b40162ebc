//! An OpenClaw installation, its layout and what that layout can do.

use crate::{InstanceId, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Says where a release keeps its auth profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// One JSON file per agent (up to 2026.4.7).
    JsonFile,
    /// One JSON file per agent and an `auth-state.json` beside it (2026.4.8 to 2026.6.1).
    JsonWithState,
    /// One SQLite database per agent, main's is inherited (2026.6.5 to 2026.8.1-beta.1).
    AgentSqlite,
    /// Per-agent databases, and a table in the state database that all inherit (2026.8.1-beta.2 to 2026.9.1-beta.1).
    SharedTable,
    /// Per-agent databases, and a key-value row in the state database that all inherit (since 2026.8.1).
    SharedRow,
    /// A layout we do not know. Read what can be read, write nothing.
    Unknown,
}

impl Layout {
    /// Returns the word for it in JSON documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::JsonFile => "json_file",
            Self::JsonWithState => "json_with_state",
            Self::AgentSqlite => "agent_sqlite",
            Self::SharedTable => "shared_table",
            Self::SharedRow => "shared_row",
            Self::Unknown => "unknown",
        }
    }

    /// Returns it as people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::JsonFile => "JSON files",
            Self::JsonWithState => "JSON files with auth-state",
            Self::AgentSqlite => "SQLite per agent",
            Self::SharedTable => "SQLite, shared table",
            Self::SharedRow => "SQLite, shared row",
            Self::Unknown => "unknown layout",
        }
    }

    /// Tells whether profiles live in SQLite databases.
    pub fn is_sqlite(self) -> bool {
        matches!(self, Self::AgentSqlite | Self::SharedTable | Self::SharedRow)
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Says what an action can do in a layout and release. The planner decides by these, never by the layout's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// An agent without a local api_key or token profile uses the base store's, so removing a stale copy is a repair.
    pub reads_through: bool,
    /// The same for OAuth profiles.
    pub oauth_reads_through: bool,
    /// Removing a local copy is preferred to replacing it (the SQLite layouts).
    pub prefers_inheritance: bool,
    /// Cooldowns of an inherited profile are kept in the base store's state.
    pub usage_kept_by_owner: bool,
    /// A store that is not there yet may be made by us. Databases are made by the program alone.
    pub makes_stores: bool,
    /// `openclaw models auth` signs in whichever agent is named, not the default one alone.
    pub signs_in_agents: bool,
    /// The gateway gives no right to administrate to a client without a device identity.
    pub wants_device: bool,
    /// Nothing may be written, and why.
    pub read_only: Option<String>,
    /// What makes a running gateway see a change of a store, best first. Empty when only a restart does.
    pub activation: Vec<ActivationWay>,
    /// A running gateway takes up a file of secrets that its config has just named. Elsewhere only its next start does.
    pub follows_secret_files: bool,
    /// Seconds for which a cooldown stays in the gateway's memory after the fix (2026.8.2: 30).
    pub cooldown_lingers_seconds: u32,
}

/// Names one way to make a running gateway read its stores again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationWay {
    /// RPC `models.authRefresh`.
    AuthRefresh,
    /// RPC `secrets.reload`.
    SecretsReload,
    /// A changed value on a hot path of openclaw.json (`meta.lastTouchedAt`).
    ConfigTouch,
    /// RPC `gateway.restart.request`.
    RestartRpc,
    /// The user's own restart command.
    RestartCommand,
}

/// What was learned about the gateway process without asking it for anything private.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GatewayView {
    /// Whether one of this state directory answers on the configured port, or its lock file names a live process. `false` is said only
    /// of what was seen: the port refused, and no live gateway holds a lock. `None`: could not be told.
    pub running: Option<bool>,
    /// Why it could not be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_because: Option<String>,
    /// Its port on loopback.
    pub port: Option<u16>,
    /// Its process id, where a lock file names it.
    pub pid: Option<u32>,
    /// When it began: its process, or its lock where that is younger, since a restart within one process takes it anew.
    pub started: Option<Timestamp>,
    /// When it last read its stores again, where a log of its own says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Timestamp>,
    /// The version it says it is.
    pub version: Option<String>,
    /// The state directory of the gateway that answers on that port, when it is another one than ours.
    pub other_state_dir: Option<String>,
}

/// One OpenClaw installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Our id of it; `None` before the ledger exists.
    pub id: Option<InstanceId>,
    /// Its state directory.
    pub state_dir: String,
    /// Its config file.
    pub config_path: String,
    /// The release that last wrote it, as far as the evidence tells.
    pub openclaw_version: Option<String>,
    /// Where it keeps profiles.
    pub layout: Layout,
    /// Why we think so, one line each, strongest first.
    pub layout_evidence: Vec<String>,
    /// Its gateway.
    pub gateway: GatewayView,
}
