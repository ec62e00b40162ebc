//! Sessions that pin an auth profile.
//!
//! Up to 2026.6 they stand in `<agent>/sessions/sessions.json`, since 2026.8 in table `session_nodes` of the agent's database;
//! in both, an entry may hold `authProfileOverride` and `authProfileOverrideSource` (`user` or `auto`).

use crate::config::model::AgentEntry;
use crate::files;
use crate::store::sqlite_store::connect::read_only;
use keyshoal_core::ProfileId;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

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

/// Reads the pins of an agent. What is missing or cannot be read pins nothing: pins explain, they decide no write.
pub fn pins(state_dir: &Path, agent: &AgentEntry) -> SessionPins {
    let mut found = SessionPins::default();
    // The file stays below the state directory, wherever the agent's own directory is.
    let sessions = state_dir.join("agents").join(agent.id.as_str()).join("sessions");
    if let Ok(Some(bytes)) = files::read(&sessions.join("sessions.json"), FILE_LIMIT)
        && let Ok(Value::Object(entries)) = serde_json::from_slice(&bytes)
    {
        for (key, entry) in &entries {
            found.add(key, entry);
        }
    }
    for (key, entry) in from_database(&agent.agent_dir.join(DATABASE)) {
        found.add(&key, &entry);
    }
    found
}

/// Returns nothing for a database of another shape, or none: earlier releases have no such table.
fn from_database(path: &Path) -> Vec<(String, Value)> {
    let read = read_only(path, |db| -> rusqlite::Result<Vec<(String, Value)>> {
        let mut query = db.prepare(
            "SELECT session_key, entry_json FROM session_nodes WHERE instr(entry_json, '\"authProfileOverride\"') > 0",
        )?;
        let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let parsed = rows.filter_map(|row| match row {
            Ok((key, entry)) => Some(Ok((key, serde_json::from_str(&entry).ok()?))),
            Err(error) => Some(Err(error)),
        });
        parsed.collect()
    });
    read.ok().flatten().and_then(Result::ok).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write their own files")]
mod tests {
    use super::*;
    use keyshoal_core::AgentId;
    use rusqlite::Connection;
    use std::path::PathBuf;

    fn agent(agent_dir: PathBuf) -> AgentEntry {
        AgentEntry {
            id: AgentId::from("stocks"),
            written_id: "stocks".into(),
            name: None,
            default: false,
            agent_dir,
            models: Vec::new(),
        }
    }

    fn write(path: &Path, text: &str) {
        use std::io::Write;
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create_new(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn reads_the_file_of_early_releases() {
        let dir = tempfile::tempdir().unwrap();
        let text = r#"{
            "agent:stocks:main":{"authProfileOverride":"p:a","authProfileOverrideSource":"user"},
            "agent:stocks:x":{"authProfileOverride":"p:a","authProfileOverrideCompactionCount":0},
            "agent:stocks:y":{"sessionId":"1"}, "broken": 7}"#;
        write(&dir.path().join("agents/stocks/sessions/sessions.json"), text);
        let found = pins(dir.path(), &agent(dir.path().join("elsewhere")));
        assert_eq!(found.of_profile(&ProfileId::from("p:a")), ["agent:stocks:main", "agent:stocks:x"]);
        assert!(found.pins["agent:stocks:main"].by_user);
        assert!(!found.pins["agent:stocks:x"].by_user);
    }

    #[test]
    fn reads_the_table_of_later_releases() {
        let dir = tempfile::tempdir().unwrap();
        let db = Connection::open(dir.path().join(DATABASE)).unwrap();
        db.execute_batch(
            r#"CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY, entry_json TEXT NOT NULL);
               INSERT INTO session_nodes VALUES ('k', '{"authProfileOverride":"p:b","authProfileOverrideSource":"user-link"}');
               INSERT INTO session_nodes VALUES ('l', '{"sessionId":"1"}'), ('m', 'no json, "authProfileOverride"');"#,
        )
        .unwrap();
        let found = pins(dir.path(), &agent(dir.path().to_owned()));
        assert_eq!(found.pins.len(), 1);
        assert!(found.pins["k"].by_user);
    }

    #[test]
    fn what_is_not_there_pins_nothing() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("agents/stocks/sessions/sessions.json"), "{");
        write(&dir.path().join(DATABASE), "no database");
        assert_eq!(pins(dir.path(), &agent(dir.path().to_owned())), SessionPins::default());
    }
}
