//! Sessions that pin an auth profile.
//!
//! Up to 2026.6 they stand in `<agent>/sessions/sessions.json`, since 2026.8 in table `session_nodes` of the agent's database;
//! in both, an entry may hold `authProfileOverride` and `authProfileOverrideSource` (`user` or `auto`).

mod known;

pub use known::{KnownSession, known};

use crate::config::{Config, model::AgentEntry};
use crate::locate::{self, Locations};
use crate::store::sqlite_store::connect::read_only;
use crate::store::{ReadStore, StoreFile};
use crate::{agent_id, files};
use keyshoal_core::{AgentId, ProfileId, SessionPin};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FILE_LIMIT: u64 = 64 << 20;
const DATABASE: &str = "openclaw-agent.sqlite";
/// What stands for the agent's id in `session.store`.
const AGENT: &str = "{agentId}";

/// Which sessions of an agent pin which profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionPins {
    /// Session key → pin.
    pub pins: BTreeMap<String, Pin>,
}

/// One pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The profile.
    pub profile: ProfileId,
    /// A person chose it; otherwise the program did and drops it when it no longer fits.
    pub by_user: bool,
}

impl SessionPins {
    /// Returns the sessions that pin a profile, by key.
    pub fn of_profile(&self, profile: &ProfileId) -> Vec<SessionPin> {
        let of_profile = self.pins.iter().filter(|(_, pin)| pin.profile == *profile);
        let told = |(key, pin): (&String, &Pin)| SessionPin { session: key.clone(), by_person: pin.by_user };
        of_profile.map(told).collect()
    }

    fn add(&mut self, key: &str, entry: &Value) {
        let text =
            |name: &str| entry.get(name).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty());
        let Some(profile) = text("authProfileOverride") else { return };
        let by_user = match text("authProfileOverrideSource") {
            Some(source) => source.starts_with("user"),
            // Early entries say nothing; the program's own choices carry a compaction count.
            None => entry.get("authProfileOverrideCompactionCount").is_none(),
        };
        self.pins.insert(key.to_owned(), Pin { profile: ProfileId::new(profile), by_user });
    }
}

/// Reads the pins of an agent. What is missing or cannot be read pins nothing: pins explain, they decide no write.
///
/// The sessions stand below the state directory, wherever the agent's own directory is, unless the config names another place
/// (`session.store`), which all agents share where its name does not hold `{agentId}`.
///
/// `own` is the agent's own store as it was read; where the sessions stand in the same database, it is not opened again.
pub fn pins(
    locations: &Locations,
    config: &Config,
    agent: &AgentEntry,
    own: Option<(&StoreFile, &ReadStore)>,
) -> SessionPins {
    let mut found = SessionPins::default();
    let Some(Places { store, database, shared }) = places(locations, config, agent) else { return found };
    let mut entries = Vec::new();
    if let Ok(Some(bytes)) = files::read(&store, FILE_LIMIT)
        && let Ok(Value::Object(of_file)) = serde_json::from_slice(&bytes)
    {
        entries.extend(of_file);
    }
    match own.filter(|(file, _)| file.path() == database).and_then(|(_, read)| read.pinning.as_ref()) {
        Some(pinning) => entries.extend(pinning.iter().cloned()),
        None => entries
            .extend(read_only(&database, pinning).ok().flatten().and_then(Result::ok).into_iter().flatten()),
    }
    for (key, entry) in entries.iter().filter(|(key, _)| !shared || is_of(key, agent)) {
        found.add(key, entry);
    }
    found
}

/// Where an agent's sessions stand.
struct Places {
    /// The file of early releases.
    store: PathBuf,
    /// The database of later ones.
    database: PathBuf,
    /// Whether other agents' sessions stand there too.
    shared: bool,
}

fn places(locations: &Locations, config: &Config, agent: &AgentEntry) -> Option<Places> {
    let sessions = locations.state_dir.join("agents").join(agent.id.as_str()).join("sessions");
    let (store, database) = match &config.session_store {
        None => (sessions.join("sessions.json"), agent.agent_dir.join(DATABASE)),
        Some(named) => {
            let store = named_store(named, &agent.id, locations)?;
            let database = database_of(&store);
            (store, database)
        }
    };
    let shared = config.session_store.as_ref().is_some_and(|named| !named.contains(AGENT));
    Some(Places { store, database, shared })
}

/// Returns the file that `session.store` names, with `~` and the agent's id put in as the program does.
fn named_store(named: &str, agent: &AgentId, locations: &Locations) -> Option<PathBuf> {
    let named = named.replace(AGENT, agent.as_str());
    locate::resolve(Path::new(&named), Some(&locations.home)).ok()
}

/// Returns where later releases keep the sessions of such a file: in the agent's database beside `sessions`, else in one beside it.
fn database_of(store: &Path) -> PathBuf {
    if store.extension().is_some_and(|ending| ending == "sqlite") {
        return store.to_owned();
    }
    if store.file_name().is_some_and(|name| name != "sessions.json") {
        return store.with_extension("sqlite");
    }
    let dir = store.parent().unwrap_or(Path::new("/"));
    let named = |dir: &Path, name: &str| dir.file_name().is_some_and(|found| found == name);
    let agent = dir
        .parent()
        .filter(|agent| named(dir, "sessions") && agent.parent().is_some_and(|all| named(all, "agents")));
    agent.map_or_else(|| dir.join(DATABASE), |agent| agent.join("agent").join(DATABASE))
}

/// Tells whether a session of a shared file is an agent's: `agent:<id>:…` says it, others are the default agent's.
fn is_of(key: &str, agent: &AgentEntry) -> bool {
    match key.strip_prefix("agent:").and_then(|rest| rest.split(':').next()) {
        Some(id) => agent_id::normalize(id) == agent.id,
        None => agent.default,
    }
}

/// Session keys, and entries of theirs that pin a profile.
pub type Pinning = Vec<(String, Value)>;

/// Reads them from an agent's database. An error for one of another shape: earlier releases have no such table.
pub(crate) fn pinning(db: &Connection) -> rusqlite::Result<Pinning> {
    let mut query = db.prepare(
        "SELECT session_key, entry_json FROM session_nodes WHERE instr(entry_json, '\"authProfileOverride\"') > 0",
    )?;
    let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let parsed = rows.filter_map(|row| match row {
        Ok((key, entry)) => Some(Ok((key, serde_json::from_str(&entry).ok()?))),
        Err(error) => Some(Err(error)),
    });
    parsed.collect()
}

#[cfg(test)]
mod tests;
