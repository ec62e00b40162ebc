//! Gives a vault another key, while it is in use.
//!
//! No value is opened or written: only the wrapped data keys are wrapped anew, a batch in each transaction. From the first
//! transaction on new records are wrapped with the new key; the old one stays valid until nothing is wrapped with it any more. A crash
//! leaves a vault that both keys together open whole, and the next call goes on from there.

use crate::header::Header;
use crate::place::Place;
use crate::record::Kind;
use crate::session::{Row, Session, json, values};
use crate::status::open_rekey;
use crate::values::Home;
use crate::{Author, Cause, KeyState, NewKey, Vault, VaultError, events, queries};
use keyshoal_core::Timestamp;
use keyshoal_seal::{KeyEncryptionKey, KeyId, Keyring};

/// What was just made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RekeyStep {
    /// Both keys are valid, and new records get the new one.
    Begun,
    /// So many of so many records have the new key.
    Wrapped {
        /// How many have it.
        done: u64,
        /// How many there are.
        total: u64,
    },
    /// Only the new key is valid.
    Finished,
}

/// What a rekey did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rekeyed {
    /// The key that is retired.
    pub from: KeyId,
    /// The key that the vault has now.
    pub to: KeyId,
    /// How many records this call wrapped anew.
    pub records: u64,
}

/// How many records a transaction takes: others wait for their turn no longer than this takes.
const BATCH: u32 = 1000;

impl Vault {
    /// Gives the vault another key. One that was interrupted goes on. Two at once refuse.
    pub fn rekey(
        &mut self,
        new: &NewKey,
        who: &Author,
        now: Timestamp,
        on: &mut dyn FnMut(RekeyStep),
    ) -> Result<Rekeyed, VaultError> {
        self.rekey_in_batches(new, who, now, BATCH, on)
    }

    /// As [`Self::rekey`], with so many records in each transaction.
    pub fn rekey_in_batches(
        &mut self,
        new: &NewKey,
        who: &Author,
        now: Timestamp,
        batch: u32,
        on: &mut dyn FnMut(RekeyStep),
    ) -> Result<Rekeyed, VaultError> {
        let path = self.path().to_owned();
        let locked = Place::of(&path).and_then(|place| match place.try_lock(".lock")? {
            (lock, true) => Ok(lock),
            _ => Err(Cause::Busy),
        });
        let _lock = locked.map_err(VaultError::at(&path))?;
        let begun = |ring: &Keyring| self.database.write(|db| self.begin_rekey(db, ring, new, who, now));
        let (from, total, left) = self.with_keys(begun)?;
        self.keys.add(new.key.clone());
        on(RekeyStep::Begun);
        let to = new.key.id();
        let mut records = 0;
        loop {
            let batch = i64::from(batch.max(1));
            let wrapped = self.with_keys(|ring| {
                self.database.write(|db| self.wrap_batch(db, ring, from, &new.key, batch))
            })?;
            if wrapped == 0 {
                break;
            }
            records += wrapped;
            on(RekeyStep::Wrapped { done: total - left + records, total });
        }
        self.database.write(|db| self.finish_rekey(db, from, to, who, now))?;
        on(RekeyStep::Finished);
        self.empty_log()?;
        Ok(Rekeyed { from, to, records })
    }

    /// Ends a change of the key in a copy that nobody else has open, in one transaction.
    pub(crate) fn arrive(&self, who: &Author, now: Timestamp) -> Result<(), VaultError> {
        let ring = self.keys.ring();
        self.database.write(|db| {
            let header = Header::read(db)?;
            header.check(&self.tags)?;
            let Some(open) = open_rekey(db, &header)? else { return Ok(()) };
            let new = header.active_key(&ring)?;
            while self.wrap_batch(db, &ring, open.from, new, i64::from(BATCH))? > 0 {}
            self.finish_rekey(db, open.from, open.to, who, now)
        })
    }

    /// Makes the new key the active one, unless an interrupted rekey has done so. Returns the old key, how many records there are, and
    /// how many of them have the old key.
    fn begin_rekey(
        &self,
        db: &dyn Session,
        ring: &Keyring,
        new: &NewKey,
        who: &Author,
        now: Timestamp,
    ) -> Result<(KeyId, u64, u64), Cause> {
        let header = Header::read(db)?;
        header.check(&self.tags)?;
        let to = new.key.id();
        let total = count(db, queries::COUNT_VERSIONS)? + count(db, queries::COUNT_DOCUMENTS)?;
        if let Some(open) = open_rekey(db, &header)? {
            if open.to == to {
                return Ok((open.from, total, open.left));
            }
            let source_hint =
                header.key(open.to).map(|key| key.record.source.to_string()).unwrap_or_default();
            return Err(Cause::OtherRekey { wanted: open.to, source_hint, begun: open.begun });
        }
        let from = header.active()?.id;
        if from == to {
            return Err(Cause::refused(format!("{to} is the vault's key already")));
        }
        let wrapped = header.wrap_tags_key(ring, &new.key)?;
        let source = json(&new.source)?;
        db.touch(queries::SET_KEY_STATE, &values![from, KeyState::Retiring.as_str(), now])?;
        if header.key(to).is_some() {
            db.touch(queries::TAKE_KEY_BACK, &values![to, source, now, wrapped])?;
        } else {
            db.touch(queries::NEW_KEY, &values![to, source, KeyState::Active.as_str(), now, wrapped])?;
        }
        let id = uuid::Uuid::new_v4().to_string();
        db.touch(queries::NEW_REKEY, &values![id, from, to, now])?;
        Header::retag(db, &self.tags)?;
        events::add(
            db,
            &self.tags,
            None,
            who,
            &[format!("change of the key from {from} to {to} begun")],
            now,
        )?;
        Ok((from, total, total))
    }

    /// Wraps some records anew. Returns how many that were.
    fn wrap_batch(
        &self,
        db: &dyn Session,
        ring: &Keyring,
        from: KeyId,
        by: &KeyEncryptionKey,
        batch: i64,
    ) -> Result<u64, Cause> {
        let mut wrapped = 0;
        let rewrap = |row: &Row, kind| {
            let home = Home { vault: &self.id, organisation: row.text(0)?, instance: row.text(1)? };
            let record = home.record(kind, row.text(2)?, row.integer(3)?, row.integer(4)?);
            record.rewrap(ring, by, row.bytes(5)?)
        };
        for row in db.query(queries::VERSIONS_OF_KEY, &values![from, batch])? {
            let anew = rewrap(&row, Kind::Credential)?;
            db.touch(queries::REWRAP_VERSION, &values![row.text(2)?, row.integer(3)?, by.id(), anew])?;
            wrapped += 1;
        }
        if wrapped == 0 {
            for row in db.query(queries::DOCUMENTS_OF_KEY, &values![from, batch])? {
                let anew = rewrap(&row, Kind::Document)?;
                db.touch(queries::REWRAP_DOCUMENT, &values![row.text(1)?, row.text(2)?, by.id(), anew])?;
                wrapped += 1;
            }
        }
        Ok(wrapped)
    }

    /// Retires the old key, if nothing is left that only it opens.
    fn finish_rekey(
        &self,
        db: &dyn Session,
        from: KeyId,
        to: KeyId,
        who: &Author,
        now: Timestamp,
    ) -> Result<(), Cause> {
        let header = Header::read(db)?;
        header.check(&self.tags)?;
        let Some(open) = open_rekey(db, &header)? else {
            return Err(Cause::Altered("the record of the change of its key".to_owned()));
        };
        let left = of_key(db, from)?;
        let mixed = count(db, queries::MIXED_UP_VERSIONS)? + count(db, queries::MIXED_UP_DOCUMENTS)?;
        if left + mixed > 0 {
            return Err(Cause::Altered(format!("which key {} of its records have", left + mixed)));
        }
        db.touch(queries::FORGET_KEY, &values![from, now])?;
        db.touch(queries::FINISH_REKEY, &values![open.id, now])?;
        Header::retag(db, &self.tags)?;
        events::add(db, &self.tags, None, who, &[format!("key {from} retired, {to} is the vault's key")], now)
    }
}

/// Counts the records that are wrapped with a key.
pub(crate) fn of_key(db: &dyn Session, key: KeyId) -> Result<u64, Cause> {
    let mut left = 0;
    for query in [queries::COUNT_VERSIONS_OF_KEY, queries::COUNT_DOCUMENTS_OF_KEY] {
        left += db.one(query, &values![key])?.map_or(Ok(0), |row| row.counted::<u64>(0))?;
    }
    Ok(left)
}

/// Counts the rows of a query that counts.
pub(crate) fn count(db: &dyn Session, query: &str) -> Result<u64, Cause> {
    db.one(query, &[])?.map_or(Ok(0), |row| row.counted(0))
}
