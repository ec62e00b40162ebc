//! What a vault holds, in numbers.

use crate::header::Header;
use crate::rekey::{count, of_key};
use crate::session::Session;
use crate::{Cause, KeyRecord, KeyState, Vault, VaultError, queries};
use keyshoal_core::Timestamp;
use keyshoal_seal::KeyId;

/// What a vault holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultStatus {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Its keys, also those that are retired.
    pub keys: Vec<KeyRecord>,
    /// A change of its key that is not finished.
    pub rekey: Option<OpenRekey>,
    /// How many organisations it has.
    pub organisations: u64,
    /// How many instances.
    pub instances: u64,
    /// How many agents.
    pub agents: u64,
    /// How many credentials that are not dropped.
    pub credentials: u64,
    /// How many versions of credentials, also retired ones.
    pub versions: u64,
    /// How many documents.
    pub documents: u64,
}

/// A change of the key that is not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRekey {
    /// Its id.
    pub id: String,
    /// The old key.
    pub from: KeyId,
    /// The new key.
    pub to: KeyId,
    /// When it began.
    pub begun: Timestamp,
    /// How many records have the old key still.
    pub left: u64,
}

impl Vault {
    /// Says what the vault holds.
    pub fn status(&self) -> Result<VaultStatus, VaultError> {
        self.database.read(|db| {
            let header = Header::read(db)?;
            header.check(&self.tags)?;
            let rekey = open_rekey(db, &header)?;
            Ok(VaultStatus {
                id: header.id,
                created: header.created,
                keys: header.keys.into_iter().map(|key| key.record).collect(),
                rekey,
                organisations: count(db, queries::COUNT_ORGANISATIONS)?,
                instances: count(db, queries::COUNT_INSTANCES)?,
                agents: count(db, queries::COUNT_AGENTS)?,
                credentials: count(db, queries::COUNT_CREDENTIALS)?,
                versions: count(db, queries::COUNT_VERSIONS)?,
                documents: count(db, queries::COUNT_DOCUMENTS)?,
            })
        })
    }
}

/// Returns the change of the key that is not finished: the header says that there is one and of which keys.
pub(crate) fn open_rekey(db: &dyn Session, header: &Header) -> Result<Option<OpenRekey>, Cause> {
    let row = db.one(queries::OPEN_REKEY, &[])?;
    let retiring = header.keys.iter().map(|key| &key.record).find(|key| key.state == KeyState::Retiring);
    let altered = || Cause::Altered("the record of the change of its key".to_owned());
    let (row, old) = match (row, retiring) {
        (None, None) => return Ok(None),
        (Some(row), Some(old)) => (row, old),
        _ => return Err(altered()),
    };
    let new = header.active()?;
    if row.bytes(1)? != old.id.as_bytes() || row.bytes(2)? != new.id.as_bytes() {
        return Err(altered());
    }
    let (id, begun, left) = (row.string(0)?, row.time(3)?, of_key(db, old.id)?);
    Ok(Some(OpenRekey { id, from: old.id, to: new.id, begun, left }))
}
