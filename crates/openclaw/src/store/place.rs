//! One store at its place.

use super::json_store::{JsonStore, STORE_FILE, Unsettled};
use super::sqlite_store::SqliteStore;
use super::{Edit, ReadStore, Refusal, StoreContents, StoreError, WriteRules, Written, maintenance};
use crate::files;
use keyshoal_core::AgentId;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The name of an agent's own database.
pub(crate) const AGENT_DB: &str = "openclaw-agent.sqlite";
/// So long we wait for OpenClaw's own maintenance to end.
const MAINTENANCE_PATIENCE: Duration = Duration::from_secs(10);

/// One credential store at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFile {
    place: Place,
    path: PathBuf,
    leftovers: Vec<PathBuf>,
    state_dir: Option<PathBuf>,
    linked_from: Vec<PathBuf>,
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
        Self::at(Place::Json { with_state }, agent_dir.as_ref().join(STORE_FILE))
    }

    /// Names the store in an agent's own database.
    pub fn agent_sqlite(db: impl Into<PathBuf>) -> Self {
        let db = db.into();
        let leftovers = leftovers_in(db.parent().unwrap_or_else(|| Path::new(".")));
        Self { leftovers, ..Self::at(Place::AgentSqlite { owner: None }, db) }
    }

    /// Names the shared table of the state database.
    pub fn shared_table(db: impl Into<PathBuf>) -> Self {
        Self::at(Place::SharedTable, db.into())
    }

    /// Names the shared key-value rows of the state database.
    pub fn shared_row(db: impl Into<PathBuf>) -> Self {
        Self::at(Place::SharedRow, db.into())
    }

    fn at(place: Place, path: PathBuf) -> Self {
        Self { place, path, leftovers: Vec::new(), state_dir: None, linked_from: Vec::new() }
    }

    /// Demands that the agent's database belongs to this agent.
    pub fn owned_by(mut self, agent: AgentId) -> Self {
        if let Place::AgentSqlite { owner } = &mut self.place {
            *owner = Some(agent);
        }
        self
    }

    /// Names the files of earlier layouts that count as lying beside it, in place of those that do by themselves.
    pub fn with_leftovers(mut self, leftovers: Vec<PathBuf>) -> Self {
        self.leftovers = leftovers;
        self
    }

    /// Names the state directory, whose maintenance is then respected.
    pub fn within(mut self, state_dir: impl Into<PathBuf>) -> Self {
        self.state_dir = Some(state_dir.into());
        self
    }

    /// Names further directories of agents in which a link leads to this JSON store. The program takes the lock there for them, and
    /// keeps their state there.
    pub fn linked_from(mut self, agent_dirs: Vec<PathBuf>) -> Self {
        self.linked_from = agent_dirs;
        self
    }

    /// Returns the store as agents see it in whose directories a link leads to it: the same profiles, with a state of their own.
    pub fn links(&self) -> impl Iterator<Item = Self> {
        self.linked_from.iter().map(|dir| Self {
            place: self.place.clone(),
            path: dir.join(STORE_FILE),
            leftovers: Vec::new(),
            state_dir: self.state_dir.clone(),
            linked_from: self.path.parent().map(Path::to_owned).into_iter().collect(),
        })
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
        match SqliteStore::new(&self.path, &self.place) {
            None => self.json_store().read(),
            Some(store) => {
                let mut read = store.read()?;
                read.leftover = self.existing_leftovers()?.first().map(|path| path.to_path_buf());
                Ok(read)
            }
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
        match self.update_now(rules, decide)? {
            (written, None) => Ok(written),
            (written, Some(unsettled)) => Ok(unsettled.settle(rules, decide)?.unwrap_or(written)),
        }
    }

    /// Does the same without the wait at its end: who changes many stores looks at each once more when the others are written.
    pub fn update_now(
        &self,
        rules: &WriteRules,
        decide: &mut dyn FnMut(&StoreContents) -> Result<Vec<Edit>, Refusal>,
    ) -> Result<(Written, Option<Unsettled>), StoreError> {
        match SqliteStore::new(&self.path, &self.place) {
            None => self.json_store().update(rules, decide),
            Some(store) => Ok((self.update_between_maintenance(&store, rules, decide)?, None)),
        }
    }

    /// Removes what a writer of ours that broke off has left beside it: it holds secrets. Only while none can be at work.
    pub fn sweep(&self) -> Result<(), StoreError> {
        match SqliteStore::new(&self.path, &self.place) {
            None => self.json_store().sweep(),
            Some(_) => Ok(()),
        }
    }

    /// Returns the files of earlier layouts that lie beside it.
    pub fn existing_leftovers(&self) -> Result<Vec<&Path>, StoreError> {
        let mut found = Vec::new();
        for path in &self.leftovers {
            if files::metadata(path)?.is_some() {
                found.push(path.as_path());
            }
        }
        Ok(found)
    }

    fn json_store(&self) -> JsonStore {
        let dir = self.path.parent().unwrap_or_else(|| Path::new("."));
        JsonStore::new(dir, self.place == Place::Json { with_state: true }, &self.linked_from)
    }

    /// Updates while the program's own maintenance is not at work: a doctor that begins after we have waited is seen within the
    /// transaction, which is then given up for it.
    fn update_between_maintenance(
        &self,
        store: &SqliteStore<'_>,
        rules: &WriteRules,
        decide: &mut dyn FnMut(&StoreContents) -> Result<Vec<Edit>, Refusal>,
    ) -> Result<Written, StoreError> {
        let Some(state_dir) = &self.state_dir else { return store.update(rules, decide) };
        let begun = Instant::now();
        loop {
            self.wait_for_maintenance(state_dir, begun)?;
            let mut interrupted = false;
            let result = store.update(rules, &mut |contents| match maintenance::maintainer(state_dir) {
                Ok(None) => decide(contents),
                Ok(Some(holder)) => {
                    interrupted = true;
                    Err(Refusal::Other(format!("{holder} began to work on it")))
                }
                Err(error) => Err(Refusal::Other(error.to_string())),
            });
            if !interrupted {
                return result;
            }
        }
    }

    fn wait_for_maintenance(&self, state_dir: &Path, begun: Instant) -> Result<(), StoreError> {
        while let Some(holder) = maintenance::maintainer(state_dir)? {
            if begun.elapsed() > MAINTENANCE_PATIENCE {
                return Err(StoreError::Locked { path: self.path.clone(), holder, waited: begun.elapsed() });
            }
            sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

/// Returns the files of earlier layouts that would stand in an agent's directory.
pub(crate) fn leftovers_in(agent_dir: &Path) -> Vec<PathBuf> {
    ["auth-profiles.json", "auth.json"].map(|name| agent_dir.join(name)).into()
}
