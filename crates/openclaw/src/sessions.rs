//! Sessions that pin an auth profile.
//!
//! Up to 2026.6 they stand in `<agent>/sessions/sessions.json`, since 2026.8 in table `session_nodes` of the agent's database;
//! in both, an entry may hold `authProfileOverride` and `authProfileOverrideSource` (`user` or `auto`).

use crate::files;
use keyshoal_core::ProfileId;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const FILE_LIMIT: u64 = 64 << 20;
const DATABASE: &str = "openclaw-agent.sqlite";

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
    pub fn of_profile(&self, profile: &ProfileId) -> Vec<String> {
        self.pins.iter().filter(|(_, pin)| pin.profile == *profile).map(|(key, _)| key.clone()).collect()
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

/// Reads the pins of the agent in this directory. What is missing or cannot be read pins nothing: pins explain, they decide no write.
pub fn pins(agent_dir: &Path) -> SessionPins {
    let mut found = SessionPins::default();
    let file = agent_dir.parent().map(|parent| parent.join("sessions").join("sessions.json"));
    if let Some(Ok(Some(bytes))) = file.map(|file| files::read(&file, FILE_LIMIT))
        && let Ok(Value::Object(entries)) = serde_json::from_slice(&bytes)
    {
        for (key, entry) in &entries {
            found.add(key, entry);
        }
    }
    // An error means a database of another shape, or none: earlier releases have no such table.
    let _ = from_database(&agent_dir.join(DATABASE), &mut found);
    found
}

fn from_database(path: &Path, found: &mut SessionPins) -> rusqlite::Result<()> {
    if !files::exists(path) {
        return Ok(());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(Duration::from_millis(500))?;
    let mut query = db.prepare(
        "SELECT session_key, entry_json FROM session_nodes WHERE instr(entry_json, '\"authProfileOverride\"') > 0",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (key, entry): (String, String) = (row.get(0)?, row.get(1)?);
        if let Ok(entry) = serde_json::from_str(&entry) {
            found.add(&key, &entry);
        }
    }
    Ok(())
}
