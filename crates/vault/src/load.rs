//! One instance out of its rows, and the tag that shows whether anybody has changed them.

use crate::repair::Parts;
use crate::session::{Row, Session, values};
use crate::{Cause, queries};
use keyshoal_core::vault::{
    AgentUid, CredentialUid, Delivery, VaultAgent, VaultBinding, VaultCredential, VaultInstance,
    VaultVersion, VersionState,
};
use keyshoal_core::{AgentId, CredentialKind, InstanceId, ProfileId, ProviderId};
use keyshoal_seal::{IntegrityKey, same_tag};

/// Documents with names that begin so are the settings of channels.
pub const CHANNELS: &str = "channels/";
/// What an agent's entry in the config held when it left the roster: one document for each, by its id.
pub const ENTRIES: &str = "entries/";

pub(crate) const DELIVERIES: [(Delivery, &str); 2] = [(Delivery::Inline, "inline"), (Delivery::Refs, "refs")];
pub(crate) const STATES: [(VersionState, &str); 4] = [
    (VersionState::Pending, "pending"),
    (VersionState::Current, "current"),
    (VersionState::Previous, "previous"),
    (VersionState::Retired, "retired"),
];

/// Returns the word that stands for a value of a small set.
pub(crate) fn word<T: PartialEq>(words: &[(T, &'static str)], value: &T) -> &'static str {
    words.iter().find(|(one, _)| one == value).map_or("", |(_, word)| word)
}

/// Reads a word of a small set.
pub(crate) fn from_word<T: Copy>(words: &[(T, &str)], stored: &str) -> Result<T, Cause> {
    let found = words.iter().find(|(_, word)| *word == stored);
    found.map(|(value, _)| *value).ok_or_else(|| Cause::Corrupt(format!("{stored:?} is no word of its kind")))
}

/// Every row of one instance but what is sealed.
pub(crate) struct Rows {
    instance: Row,
    parts: [Vec<Row>; 6],
}

const PARTS: [&str; 6] = [
    queries::AGENTS,
    queries::BINDINGS,
    queries::CREDENTIALS,
    queries::VERSIONS,
    queries::DOCUMENTS,
    queries::ROTATION_TAGS,
];
/// Where the instance's own row has its tag.
const TAG: usize = 10;

impl Rows {
    /// Reads them. `None` when there is no such instance.
    pub(crate) fn read(db: &dyn Session, id: &InstanceId) -> Result<Option<Self>, Cause> {
        let Some(instance) = db.one(queries::INSTANCE, &values![id.as_str()])? else { return Ok(None) };
        let mut parts: [Vec<Row>; 6] = Default::default();
        for (rows, query) in parts.iter_mut().zip(PARTS) {
            *rows = db.query(query, &values![id.as_str()])?;
        }
        Ok(Some(Self { instance, parts }))
    }

    /// Takes rows that are about to be written.
    pub(crate) fn of(instance: Row, parts: Parts) -> Self {
        let Parts { agents, bindings, credentials, versions, documents, rotations } = parts;
        Self { instance, parts: [agents, bindings, credentials, versions, documents, rotations] }
    }

    /// Returns the instance's own row, and agents, bindings, credentials, versions, documents, rotations.
    pub(crate) fn parts(&self) -> (&Row, &[Vec<Row>; 6]) {
        (&self.instance, &self.parts)
    }

    /// Makes the tag over them.
    pub(crate) fn tag(&self, tags: &IntegrityKey) -> [u8; 32] {
        tags.tag("keyshoal vault instance v1", |parts| {
            for value in &self.instance.values()[..TAG] {
                parts.push(&value.bytes());
            }
            for rows in &self.parts {
                parts.push(&(rows.len() as u64).to_le_bytes());
                for value in rows.iter().flat_map(Row::values) {
                    parts.push(&value.bytes());
                }
            }
        })
    }

    /// Names it for people: by its name, or by its id where that is none.
    pub(crate) fn name(&self) -> &str {
        let name = self.instance.text(2).ok().filter(|name| !name.trim().is_empty());
        name.or_else(|| self.instance.text(0).ok()).unwrap_or_default()
    }

    /// Refuses rows that somebody has changed.
    pub(crate) fn check(&self, tags: &IntegrityKey) -> Result<(), Cause> {
        if same_tag(&self.tag(tags), self.instance.bytes(TAG)?) {
            return Ok(());
        }
        Err(Cause::Altered(format!("what it says of instance {}", self.name())))
    }

    /// Refuses sealed versions that are not exactly those that the tag covers: by credential, number, state and time.
    pub(crate) fn check_versions(&self, sealed: &[Row]) -> Result<(), Cause> {
        self.check_same(&self.parts[3], sealed, 4)
    }

    /// Refuses sealed documents that are not exactly those that the tag covers: by name, number and time.
    pub(crate) fn check_documents(&self, sealed: &[Row]) -> Result<(), Cause> {
        self.check_same(&self.parts[4], sealed, 3)
    }

    /// Refuses rotations that are not exactly those that the tag covers, as many and in the same order.
    pub(crate) fn check_rotations(&self, rows: &[Row]) -> Result<(), Cause> {
        let known = self.parts[5].iter().map(|row| (row.text(0).ok(), row.integer(1).ok()));
        if known.eq(rows.iter().map(|row| (row.text(0).ok(), row.integer(8).ok()))) {
            return Ok(());
        }
        Err(Cause::Altered(format!("the rotations of instance {}", self.name())))
    }

    fn check_same(&self, known: &[Row], sealed: &[Row], columns: usize) -> Result<(), Cause> {
        let first = |row: &'_ Row| row.values().iter().take(columns).cloned().collect::<Vec<_>>();
        if known.iter().map(first).eq(sealed.iter().map(first)) {
            return Ok(());
        }
        Err(Cause::Altered(format!("what is sealed of instance {}", self.name())))
    }

    /// Returns the organisation that the instance belongs to.
    pub(crate) fn organisation(&self) -> Result<&str, Cause> {
        self.instance.text(1)
    }

    /// Makes the instance of them.
    pub(crate) fn instance(&self) -> Result<VaultInstance, Cause> {
        let row = &self.instance;
        let [agents, bindings, credentials, versions, documents, _] = &self.parts;
        let names = documents.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
        Ok(VaultInstance {
            id: InstanceId::new(row.string(0)?),
            organisation: row.string(1)?,
            name: row.string(2)?,
            state_dir: row.maybe_string(3)?,
            config: row.maybe_string(4)?,
            delivery: from_word(&DELIVERIES, row.text(5)?)?,
            models: row.json(6)?,
            order: row.json(7)?,
            revision: row.counted(8)?,
            agents: agents.iter().map(agent).collect::<Result<_, _>>()?,
            bindings: bindings.iter().map(binding).collect::<Result<_, _>>()?,
            credentials: credentials.iter().map(|row| credential(row, versions)).collect::<Result<_, _>>()?,
            channels: names
                .iter()
                .filter_map(|name| name.strip_prefix(CHANNELS))
                .map(str::to_owned)
                .collect(),
        })
    }
}

/// Reads one instance's rows, and refuses them when somebody has changed one.
pub(crate) fn checked(db: &dyn Session, tags: &IntegrityKey, id: &InstanceId) -> Result<Rows, Cause> {
    let rows = Rows::read(db, id)?.ok_or_else(|| Cause::NoInstance(id.clone()))?;
    rows.check(tags)?;
    Ok(rows)
}

/// Reads one instance, and refuses it when somebody has changed its rows.
pub(crate) fn load(db: &dyn Session, tags: &IntegrityKey, id: &InstanceId) -> Result<VaultInstance, Cause> {
    checked(db, tags, id)?.instance()
}

pub(crate) fn agent(row: &Row) -> Result<VaultAgent, Cause> {
    Ok(VaultAgent {
        uid: AgentUid(row.uid(0)?),
        id: AgentId::new(row.string(2)?),
        name: row.maybe_string(3)?,
        enabled: row.truth(4)?,
        default: row.truth(5)?,
        models: row.json(6)?,
        workspace: row.maybe_string(7)?,
    })
}

pub(crate) fn binding(row: &Row) -> Result<VaultBinding, Cause> {
    Ok(VaultBinding { agent: AgentUid(row.uid(1)?), matching: row.json(2)?, comment: row.maybe_string(3)? })
}

fn credential(row: &Row, versions: &[Row]) -> Result<VaultCredential, Cause> {
    let uid = row.uid(0)?;
    let mut own = Vec::new();
    for version in versions {
        if version.text(0)? == row.text(0)? {
            own.push(self::version(version)?);
        }
    }
    let agent = match row.maybe_text(5)? {
        None => None,
        Some(_) => Some(AgentUid(row.uid(5)?)),
    };
    Ok(VaultCredential {
        uid: CredentialUid(uid),
        profile: ProfileId::new(row.string(2)?),
        provider: ProviderId::new(row.string(3)?),
        kind: CredentialKind::parse(row.text(4)?),
        agent,
        versions: own,
    })
}

fn version(row: &Row) -> Result<VaultVersion, Cause> {
    Ok(VaultVersion {
        number: row.counted(1)?,
        state: from_word(&STATES, row.text(2)?)?,
        created: row.time(3)?,
        since: row.time(4)?,
        by: row.string(5)?,
        why: row.maybe_string(6)?,
        expires: row.maybe_time(7)?,
    })
}
