//! What a vault says of itself: its id, its keys, and a tag that shows whether anybody has changed that.

use crate::session::{Row, Session, json, values};
use crate::tally::Tally;
use crate::{Cause, KeyRecord, KeyState, NewKey, queries};
use keyshoal_core::Timestamp;
use keyshoal_seal::{Aad, DataKey, IntegrityKey, KeyEncryptionKey, KeyId, Keyring, WrappedKey, same_tag};

/// A vault's first row and its keys.
pub(crate) struct Header {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) keys: Vec<StoredKey>,
    tag: Vec<u8>,
}

/// One of its keys.
pub(crate) struct StoredKey {
    pub(crate) record: KeyRecord,
    /// The text that says where it comes from, as it stands there.
    source: String,
    wrapped: Option<Vec<u8>>,
}

impl Header {
    /// Writes a new vault's. The key of the tags is random, and stays when the vault gets a new key.
    pub(crate) fn begin(
        db: &dyn Session,
        id: &str,
        first: &NewKey,
        now: Timestamp,
    ) -> Result<IntegrityKey, Cause> {
        let tags = DataKey::random().map_err(Cause::seal("the key of the tags"))?;
        let empty: &[u8] = &[];
        db.touch(queries::NEW_VAULT, &values![id, now, empty])?;
        let wrapped = wrap(id, &first.key, &tags)?;
        let source = json(&first.source)?;
        let key = first.key.id();
        db.touch(queries::NEW_KEY, &values![key, source, KeyState::Active.as_str(), now, wrapped])?;
        let tags = IntegrityKey::new(&tags);
        Self::retag(db, &tags)?;
        Tally::default().write(db, &tags)?;
        Ok(tags)
    }

    /// Reads it. It says nothing about whether anybody has changed it.
    pub(crate) fn read(db: &dyn Session) -> Result<Self, Cause> {
        let row = db.one(queries::VAULT, &[])?;
        let row = row.ok_or_else(|| Cause::Header("its first row is missing".to_owned()))?;
        let keys = db.query(queries::KEYS, &[])?;
        let read = || {
            let keys = keys.iter().map(StoredKey::read).collect::<Result<_, _>>()?;
            Ok(Self { id: row.string(0)?, created: row.time(1)?, tag: row.bytes(2)?.to_vec(), keys })
        };
        read().map_err(|cause| match cause {
            Cause::Corrupt(why) => Cause::Header(why),
            cause => cause,
        })
    }

    /// Returns the key that new records are wrapped with.
    pub(crate) fn active(&self) -> Result<&KeyRecord, Cause> {
        let mut active = self.keys.iter().map(|key| &key.record).filter(|key| key.state == KeyState::Active);
        active.next().ok_or_else(|| Cause::Header("no key of it is active".to_owned()))
    }

    /// Returns the active key itself.
    pub(crate) fn active_key<'a>(&self, ring: &'a Keyring) -> Result<&'a KeyEncryptionKey, Cause> {
        let active = self.active()?;
        ring.get(active.id).ok_or_else(|| self.wrong_key(active))
    }

    pub(crate) fn key(&self, id: KeyId) -> Option<&StoredKey> {
        self.keys.iter().find(|key| key.record.id == id)
    }

    fn wrong_key(&self, wanted: &KeyRecord) -> Cause {
        Cause::WrongKey { wanted: wanted.id, source_hint: wanted.source.to_string() }
    }

    /// Opens the key of the tags with whichever key is at hand.
    pub(crate) fn tags_key(&self, ring: &Keyring) -> Result<DataKey, Cause> {
        for key in &self.keys {
            if let (Some(at_hand), Some(wrapped)) = (ring.get(key.record.id), &key.wrapped) {
                let opened = WrappedKey::from_bytes(wrapped).map_err(|error| error.to_string());
                let opened = opened.and_then(|wrapped| {
                    at_hand.unwrap_key(&wrapped, &aad(&self.id)).map_err(|error| error.to_string())
                });
                return opened.map_err(|why| Cause::Header(format!("the key of its tags: {why}")));
            }
        }
        Err(self.wrong_key(self.active()?))
    }

    /// Opens the key of the tags, and refuses a header that somebody has changed.
    pub(crate) fn open(&self, ring: &Keyring) -> Result<IntegrityKey, Cause> {
        let tags = IntegrityKey::new(&self.tags_key(ring)?);
        self.check(&tags)?;
        Ok(tags)
    }

    /// Refuses a header that somebody has changed.
    pub(crate) fn check(&self, tags: &IntegrityKey) -> Result<(), Cause> {
        if same_tag(&self.make_tag(tags), &self.tag) {
            return Ok(());
        }
        Err(Cause::Header("its tag does not fit".to_owned()))
    }

    fn make_tag(&self, tags: &IntegrityKey) -> [u8; 32] {
        tags.tag("keyshoal vault header v1", |parts| {
            parts.push(self.id.as_bytes());
            parts.push(&self.created.as_millisecond().to_le_bytes());
            for StoredKey { record, source, .. } in &self.keys {
                parts.push(record.id.as_bytes());
                parts.push(source.as_bytes());
                parts.push(record.state.as_str().as_bytes());
                parts.push(&record.added.as_millisecond().to_le_bytes());
                parts.push(&record.since.as_millisecond().to_le_bytes());
            }
        })
    }

    /// Makes the tag anew, after something of it was written.
    pub(crate) fn retag(db: &dyn Session, tags: &IntegrityKey) -> Result<(), Cause> {
        let tag = Self::read(db)?.make_tag(tags);
        db.touch(queries::SET_VAULT_TAG, &values![tag.as_slice()])
    }

    /// Wraps the key of the tags with another key of the vault.
    pub(crate) fn wrap_tags_key(&self, ring: &Keyring, by: &KeyEncryptionKey) -> Result<Vec<u8>, Cause> {
        wrap(&self.id, by, &self.tags_key(ring)?)
    }
}

impl StoredKey {
    fn read(row: &Row) -> Result<Self, Cause> {
        let id = <[u8; KeyId::LEN]>::try_from(row.bytes(0)?)
            .map_err(|_| Cause::Corrupt("a key's id has another length".to_owned()))?;
        let state = row.text(2)?;
        let (state, _) = KeyState::ALL
            .into_iter()
            .find(|(_, word)| *word == state)
            .ok_or_else(|| Cause::Corrupt("a key's state is none".to_owned()))?;
        if (state == KeyState::Retired) != row.maybe_bytes(5)?.is_none() {
            return Err(Cause::Corrupt("a key is not wrapped as its state says".to_owned()));
        }
        let wrapped = row.maybe_bytes(5)?.map(<[u8]>::to_vec);
        let by = wrapped.as_deref().map(|wrapped| WrappedKey::from_bytes(wrapped).map(|one| one.key_id()));
        if by.is_some_and(|by| by.ok() != Some(KeyId::from_bytes(id))) {
            return Err(Cause::Corrupt("a key is another one than its row says".to_owned()));
        }
        let record = KeyRecord {
            id: KeyId::from_bytes(id),
            source: row.json(1)?,
            state,
            added: row.time(3)?,
            since: row.time(4)?,
        };
        Ok(Self { record, source: row.string(1)?, wrapped })
    }
}

fn wrap(vault: &str, by: &KeyEncryptionKey, tags: &DataKey) -> Result<Vec<u8>, Cause> {
    Ok(by.wrap(tags, &aad(vault)).map_err(Cause::seal("the key of the vault's tags"))?.to_bytes())
}

fn aad(vault: &str) -> Aad {
    Aad::for_purpose("keyshoal vault tags key v1").with(vault.as_bytes())
}
