//! One store at its place.

use super::json_store::JsonStore;
use super::{Edit, ReadStore, Refusal, StoreContents, StoreError, WriteRules, Written};
use keyshoal_core::AgentId;
use std::path::{Path, PathBuf};

/// One credential store at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFile {
    place: Place,
    path: PathBuf,
}

/// Where and how a store keeps its profiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `auth-profiles.json` in an agent's directory.
    Json {
        /// Whether `auth-state.json` lies beside it.
        with_state: bool,
    },
    /// The tables of an agent's own database.
    AgentSqlite {
        /// The agent that the database says it belongs to; another one's is not read.
        owner: Option<AgentId>,
    },
    /// The table of the state database.
    SharedTable,
    /// The key-value rows of the state database.
    SharedRow,
}

impl StoreFile {
    /// Names the JSON store in an agent's directory.
    pub fn json(agent_dir: impl AsRef<Path>, with_state: bool) -> Self {
        Self { place: Place::Json { with_state }, path: agent_dir.as_ref().join("auth-profiles.json") }
    }

    /// Names the store in an agent's own database.
    pub fn agent_sqlite(db: impl Into<PathBuf>) -> Self {
        Self { place: Place::AgentSqlite { owner: None }, path: db.into() }
    }

    /// Demands that the agent's database belongs to this agent.
    pub fn owned_by(mut self, agent: AgentId) -> Self {
        if let Place::AgentSqlite { owner } = &mut self.place {
            *owner = Some(agent);
        }
        self
    }

    /// Names the shared table of the state database.
    pub fn shared_table(db: impl Into<PathBuf>) -> Self {
        Self { place: Place::SharedTable, path: db.into() }
    }

    /// Names the shared key-value rows of the state database.
    pub fn shared_row(db: impl Into<PathBuf>) -> Self {
        Self { place: Place::SharedRow, path: db.into() }
    }

    /// Returns where and how it keeps its profiles.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Returns its file or database.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it. Writes nothing, takes no lock that a writer waits for. What cannot be read is a health, not an error; an error
    /// is what the system refused (no permission, for example).
    pub fn read(&self) -> Result<ReadStore, StoreError> {
        match &self.place {
            Place::Json { with_state } => JsonStore::new(&self.dir(), *with_state).read(),
            _ => Err(self.not_yet()),
        }
    }

    /// Changes it: reads it afresh under the program's lock or in one transaction, asks `decide`, makes the edits, all or
    /// none, and reads back. No edits: nothing is written.
    ///
    /// `decide` may be called more than once, when another program wrote meanwhile; it sees what stands there each time.
    pub fn update(
        &self,
        rules: &WriteRules,
        decide: &mut dyn FnMut(&StoreContents) -> Result<Vec<Edit>, Refusal>,
    ) -> Result<Written, StoreError> {
        match &self.place {
            Place::Json { with_state } => JsonStore::new(&self.dir(), *with_state).update(rules, decide),
            _ => Err(self.not_yet()),
        }
    }

    fn dir(&self) -> PathBuf {
        self.path.parent().unwrap_or_else(|| Path::new(".")).to_owned()
    }

    fn not_yet(&self) -> StoreError {
        StoreError::ReadOnly { path: self.path.clone(), reason: "not implemented yet".to_owned() }
    }
}
