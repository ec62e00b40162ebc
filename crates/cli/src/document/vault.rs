//! `keyshoal.vault.v1`.

use keyshoal_core::Timestamp;
use keyshoal_vault::{BackupHeader, Expired, KeyRecord, Mend, Rekeyed, VaultStatus, Verified};
use serde::Serialize;
use std::path::Path;

/// What every `vault` command prints with `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct VaultDocument {
    schema: &'static str,
    action: &'static str,
    path: String,
    vault: Option<Holdings>,
    backup: Option<Backup>,
    verified: Option<Looked>,
    rekeyed: Option<Done>,
    repaired: Option<Repaired>,
    purged: Option<Purged>,
}

#[derive(Clone, Debug, Serialize)]
struct Holdings {
    id: String,
    created: Timestamp,
    keys: Vec<Key>,
    rekey: Option<Open>,
    organisations: u64,
    instances: u64,
    agents: u64,
    credentials: u64,
    versions: u64,
    documents: u64,
}

#[derive(Clone, Debug, Serialize)]
struct Key {
    id: String,
    state: &'static str,
    source: String,
    added: Timestamp,
    since: Timestamp,
}

#[derive(Clone, Debug, Serialize)]
struct Open {
    from: String,
    to: String,
    begun: Timestamp,
    left: u64,
}

#[derive(Clone, Debug, Serialize)]
struct Backup {
    path: String,
    id: String,
    vault: String,
    made: Timestamp,
    key: String,
    length: u64,
}

#[derive(Clone, Debug, Serialize)]
struct Looked {
    instances: u64,
    versions: u64,
    documents: u64,
    events: u64,
    problems: Vec<Problem>,
}

#[derive(Clone, Debug, Serialize)]
struct Problem {
    what: String,
    why: String,
}

#[derive(Clone, Debug, Serialize)]
struct Done {
    from: String,
    to: String,
    records: u64,
}

#[derive(Clone, Debug, Serialize)]
struct Purged {
    forgotten: bool,
    expired: Vec<Over>,
}

#[derive(Clone, Debug, Serialize)]
struct Over {
    instance: String,
    profile: String,
    version: u32,
    since: Timestamp,
}

#[derive(Clone, Debug, Serialize)]
struct Repaired {
    kept: Option<String>,
    mends: Vec<Mended>,
}

#[derive(Clone, Debug, Serialize)]
struct Mended {
    what: String,
    from: &'static str,
    lost: Option<String>,
    way_out: Option<String>,
}

impl VaultDocument {
    /// Makes one of an action on a vault, or on a backup.
    pub fn of(action: &'static str, path: &Path) -> Self {
        Self {
            schema: "keyshoal.vault.v1",
            action,
            path: path.display().to_string(),
            vault: None,
            backup: None,
            verified: None,
            rekeyed: None,
            repaired: None,
            purged: None,
        }
    }

    /// Adds what the vault holds.
    #[must_use]
    pub fn status(mut self, status: &VaultStatus) -> Self {
        let open = status.rekey.as_ref();
        self.vault = Some(Holdings {
            id: status.id.clone(),
            created: status.created,
            keys: status.keys.iter().map(key).collect(),
            rekey: open.map(|open| Open {
                from: open.from.to_string(),
                to: open.to.to_string(),
                begun: open.begun,
                left: open.left,
            }),
            organisations: status.organisations,
            instances: status.instances,
            agents: status.agents,
            credentials: status.credentials,
            versions: status.versions,
            documents: status.documents,
        });
        self
    }

    /// Adds a backup.
    #[must_use]
    pub fn backup(mut self, path: &Path, header: &BackupHeader) -> Self {
        self.backup = Some(Backup {
            path: path.display().to_string(),
            id: header.id.clone(),
            vault: header.vault.clone(),
            made: header.made,
            key: header.key.clone(),
            length: header.length,
        });
        self
    }

    /// Adds what was looked at.
    #[must_use]
    pub fn verified(mut self, verified: &Verified) -> Self {
        let problem =
            |one: &keyshoal_vault::Problem| Problem { what: one.what.clone(), why: one.why.clone() };
        self.verified = Some(Looked {
            instances: verified.instances,
            versions: verified.versions,
            documents: verified.documents,
            events: verified.events,
            problems: verified.problems.iter().map(problem).collect(),
        });
        self
    }

    /// Adds the versions whose time is over, and whether their values were forgotten.
    #[must_use]
    pub fn purged(mut self, expired: &[Expired], forgotten: bool) -> Self {
        let over = |one: &Expired| Over {
            instance: one.instance.clone(),
            profile: one.profile.to_string(),
            version: one.number,
            since: one.since,
        };
        self.purged = Some(Purged { forgotten, expired: expired.iter().map(over).collect() });
        self
    }

    /// Adds what is damaged and where it can be had again; where it was repaired, also where the damaged file is kept.
    #[must_use]
    pub fn mended(mut self, mends: &[Mend], kept: Option<&Path>) -> Self {
        let mended = |mend: &Mend| Mended {
            what: mend.what.clone(),
            from: mend.from.as_str(),
            lost: mend.lost.clone(),
            way_out: mend.way_out.clone(),
        };
        self.repaired = Some(Repaired {
            kept: kept.map(|kept| kept.display().to_string()),
            mends: mends.iter().map(mended).collect(),
        });
        self
    }

    /// Adds a change of the key.
    #[must_use]
    pub fn rekeyed(mut self, done: &Rekeyed) -> Self {
        self.rekeyed =
            Some(Done { from: done.from.to_string(), to: done.to.to_string(), records: done.records });
        self
    }
}

fn key(record: &KeyRecord) -> Key {
    Key {
        id: record.id.to_string(),
        state: record.state.as_str(),
        source: record.source.to_string(),
        added: record.added,
        since: record.since,
    }
}
