//! A payload in hand: what was gathered, or what was read.

use crate::files::Draft;
use crate::manifest::{Manifest, Part, ValueRef};
use keyshoal_core::{AgentId, Secret};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Everything that moves: the manifest, the values that it points to, and the files.
pub struct Payload {
    /// What it says.
    pub manifest: Manifest,
    /// Its values. [`Payload::value`] finds one.
    pub values: Vec<Secret>,
    /// Its files, sorted by agent, part and path where they were gathered.
    pub files: Vec<FileEntry>,
    /// Where files of a payload that was read lie until they are taken. It goes with the payload.
    pub draft: Option<Draft>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Whose.
    pub agent: AgentId,
    /// Of what: a workspace or sessions.
    pub part: Part,
    /// Its path below that, with slashes.
    pub path: String,
    /// What its owner may do (of `0o700`).
    pub mode: u32,
    /// Its length in bytes.
    pub size: u64,
    /// Where it lies on this machine; `None` where it was only checked.
    #[serde(skip)]
    pub at: Option<PathBuf>,
}

impl Payload {
    /// Returns a value. There is one for every number in the manifest of a payload that was read or gathered.
    pub fn value(&self, number: ValueRef) -> Option<&Secret> {
        self.values.get(usize::try_from(number.0).ok()?)
    }

    /// Adds a value, counts it, and returns what points to it.
    pub fn add(&mut self, value: Secret) -> ValueRef {
        let number = self.manifest.values;
        self.values.push(value);
        self.manifest.values = number.saturating_add(1);
        ValueRef(number)
    }

    /// Puts another value in the place of one.
    pub(crate) fn put(&mut self, number: ValueRef, value: Secret) {
        let at = usize::try_from(number.0).ok();
        if let Some(slot) = at.and_then(|at| self.values.get_mut(at)) {
            *slot = value;
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("agents", &self.manifest.agents.len())
            .field("values", &self.values.len())
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}
