//! What a database says of itself: its version, its role, its owner.

use super::{Kind, SqliteStore, Trouble};
use rusqlite::{Connection, OptionalExtension};

/// The newest `user_version` of an agent's database that we know (2026.9.6).
pub(crate) const KNOWN_AGENT_VERSION: i64 = 23;
/// The newest `user_version` of the state database that we know (2026.9.6).
pub(crate) const KNOWN_STATE_VERSION: i64 = 18;

/// What a database says of itself.
#[derive(Debug)]
pub(super) struct Identity {
    /// `user_version`.
    pub version: i64,
    /// The newest that we know for this kind of database.
    pub known: i64,
    /// Why it must not be written, if so.
    pub read_only: Option<String>,
}

impl SqliteStore<'_> {
    /// Reads what the database says of itself; refuses one that belongs to another agent or has another role.
    pub(super) fn identity(&self, db: &Connection) -> Result<Identity, Trouble> {
        let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let (role, known) = match self.kind {
            Kind::Agent { .. } => ("agent", KNOWN_AGENT_VERSION),
            Kind::SharedTable | Kind::SharedRow => ("global", KNOWN_STATE_VERSION),
        };
        if let Some((found, agent)) = meta(db)? {
            if found != role {
                return Err(Trouble::Unreadable(format!(
                    "it says that its role is `{found}`, where `{role}` was expected"
                )));
            }
            if let (Kind::Agent { owner: Some(owner) }, Some(agent)) = (self.kind, agent)
                && agent != owner.as_str()
            {
                return Err(Trouble::Unreadable(format!(
                    "it says that it belongs to agent `{agent}`, not to `{owner}`"
                )));
            }
        }
        let read_only = if version > known {
            Some(format!(
                "its schema version {version} is newer than {known}, the newest that is known; update Keyshoal"
            ))
        } else if version == 0 {
            Some(
                "it has no schema version, so OpenClaw did not finish making it; let OpenClaw do so"
                    .to_owned(),
            )
        } else {
            self.supervision(db)?
        };
        Ok(Identity { version, known, read_only })
    }

    fn supervision(&self, db: &Connection) -> Result<Option<String>, Trouble> {
        if matches!(self.kind, Kind::Agent { .. }) {
            return Ok(None);
        }
        Ok(supervisor(db)?.map(|manager| supervised(&manager)))
    }
}

/// Returns role and agent of a database; `None` where it does not say.
fn meta(db: &Connection) -> Result<Option<(String, Option<String>)>, Trouble> {
    if !has_table(db, "schema_meta")? {
        return Ok(None);
    }
    let sql = "SELECT role, agent_id FROM schema_meta WHERE meta_key = 'primary'";
    Ok(db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// Tells whether a table (no view, no index) of this name exists.
pub(crate) fn has_table(db: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM sqlite_master WHERE name = ?1 AND type = 'table'";
    Ok(db.query_row(sql, [name], |_| Ok(())).optional()?.is_some())
}

/// Returns who has claimed the state database for itself (`gateway.supervision`), if anybody has.
pub(crate) fn supervisor(db: &Connection) -> rusqlite::Result<Option<String>> {
    if !has_table(db, "config_machine_state")? {
        return Ok(None);
    }
    let sql = "SELECT value_json FROM config_machine_state WHERE state_key = 'gateway.supervision'";
    let Some(claim) = db.query_row(sql, [], |row| row.get::<_, String>(0)).optional()? else {
        return Ok(None);
    };
    let claim: Option<serde_json::Value> = serde_json::from_str(&claim).ok();
    let manager = claim.as_ref().and_then(|claim| claim.get("managerId")?.as_str());
    Ok(Some(manager.unwrap_or("an unknown manager").to_owned()))
}

/// Says that a supervisor owns the installation.
pub(crate) fn supervised(manager: &str) -> String {
    format!("the installation is supervised by {manager}; only that supervisor may write to it")
}
