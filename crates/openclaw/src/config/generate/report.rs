//! What generating a config came to, without secrets.

use super::change::Change;
use keyshoal_core::{AgentId, Secret};

/// One value that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// Where (`agents.list[stocks].model`): agents by their ids.
    pub path: String,
    /// What becomes of it, for people. Holds no secret: of values that may be one it says only `set`.
    pub what: String,
}

/// An agent that left the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its id.
    pub id: AgentId,
    /// Its whole entry as JSON5 text, to be kept for when it comes back.
    pub entry: Secret,
}

/// What should be otherwise and stands in a file that is included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// `file:line:column`, as exactly as it is known.
    pub place: String,
    /// What a person would have to change.
    pub changes: Vec<ConfigChange>,
}

/// Collects what is to be said.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub changes: Vec<ConfigChange>,
    pub left: Vec<Left>,
    pub notes: Vec<String>,
}

impl ConfigChange {
    pub(super) fn new(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { path: path.into(), what: what.into() }
    }

    /// Says what a change of a value that is no secret does.
    pub(super) fn of(path: String, change: &Change) -> Self {
        let what = match change {
            Change::Put(value) => format!("set to {}", shown(value)),
            Change::Drop => "removed".to_owned(),
            _ => "changed".to_owned(),
        };
        Self { path, what }
    }

    /// Says that a value that may be a secret is set.
    pub(super) fn secret(path: impl Into<String>) -> Self {
        Self::new(path, "set")
    }
}

fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
