//! A vault, open: each method is one whole transaction.

use crate::apply::{Work, named};
use crate::header::Header;
use crate::keys::Keys;
use crate::load::load;
use crate::session::{Session, values};
use crate::sqlite::Database;
use crate::tally::Tally;
use crate::write::Pen;
use crate::{Author, Cause, Change, Event, KeyRecord, NewInstance, NewKey, VaultError, events, queries};
use keyshoal_core::vault::VaultInstance;
use keyshoal_core::{InstanceId, Timestamp};
use keyshoal_seal::{IntegrityKey, KeyEncryptionKey, Keyring};
use std::fmt;
use std::path::Path;

/// The organisation of whoever names none.
pub const ORGANISATION: &str = "default";

/// A vault, open.
pub struct Vault {
    pub(crate) database: Database,
    pub(crate) id: String,
    pub(crate) keys: Keys,
    pub(crate) tags: IntegrityKey,
}

impl Vault {
    /// Makes a vault: one file (0600), in a directory that is made (0700) when it is not there. Never over an existing file.
    pub fn create(path: &Path, first: &NewKey, who: &Author, now: Timestamp) -> Result<Self, VaultError> {
        let id = uuid::Uuid::new_v4().to_string();
        let begin = |db: &dyn Session| {
            let tags = Header::begin(db, &id, first, now)?;
            db.execute(queries::NEW_ORGANISATION, &values![ORGANISATION, now])?;
            events::add(db, &tags, None, who, &["vault made".to_owned()], now)
        };
        Database::create(path, begin).map_err(VaultError::at(path))?;
        Self::open(path, Keyring::of(first.key.clone()))
    }

    /// Says which keys a vault has, without opening it. Only [`Self::open`] finds out whether somebody has changed that.
    pub fn keys(path: &Path) -> Result<Vec<KeyRecord>, VaultError> {
        let database = Database::open(path).map_err(VaultError::at(path))?;
        let header = database.read(Header::read)?;
        Ok(header.keys.into_iter().map(|key| key.record).collect())
    }

    /// Opens a vault with the keys at hand. While it gets a new key, two are needed to read everything.
    pub fn open(path: &Path, ring: Keyring) -> Result<Self, VaultError> {
        let database = Database::open(path).map_err(VaultError::at(path))?;
        Self::of(database, ring)
    }

    pub(crate) fn of(database: Database, ring: Keyring) -> Result<Self, VaultError> {
        let (id, tags) = database.read(|db| {
            let header = Header::read(db)?;
            let tags = header.open(&ring)?;
            Ok((header.id, tags))
        })?;
        Ok(Self { database, id, keys: Keys::of(ring), tags })
    }

    /// Returns the file, for people.
    pub fn path(&self) -> &Path {
        &self.database.path
    }

    /// Returns the vault's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns one of the keys that it was opened with.
    pub fn key(&self, id: keyshoal_seal::KeyId) -> Option<KeyEncryptionKey> {
        self.keys.ring().get(id).cloned()
    }

    /// Returns every instance, by organisation and name. One that somebody has changed is an error, not left out.
    pub fn instances(&self) -> Result<Vec<VaultInstance>, VaultError> {
        self.database.read(|db| {
            let ids = db.query(queries::INSTANCE_IDS, &[])?;
            if i64::try_from(ids.len()) != Ok(Tally::read(db, &self.tags)?.instances) {
                return Err(Cause::Altered("which instances there are".to_owned()));
            }
            ids.iter().map(|row| load(db, &self.tags, &InstanceId::new(row.string(0)?))).collect()
        })
    }

    /// Returns one instance.
    pub fn instance(&self, id: &InstanceId) -> Result<VaultInstance, VaultError> {
        self.database.read(|db| load(db, &self.tags, id))
    }

    /// Finds an instance by its name.
    pub fn instance_named(
        &self,
        organisation: &str,
        name: &str,
    ) -> Result<Option<VaultInstance>, VaultError> {
        self.database.read(|db| {
            let found = db.one(queries::INSTANCE_BY_NAME, &values![organisation, name])?;
            found.map(|row| load(db, &self.tags, &InstanceId::new(row.string(0)?))).transpose()
        })
    }

    /// Takes an instance in with everything of it, or nothing. Returns its revision.
    pub fn add_instance(
        &self,
        new: &NewInstance,
        changes: Vec<Change>,
        who: &Author,
        now: Timestamp,
    ) -> Result<u64, VaultError> {
        self.write(now, |pen| {
            named(&new.name, "an instance's name")?;
            named(&new.organisation, "an organisation")?;
            named(new.id.as_str(), "an instance's id")?;
            if pen.db.one(queries::INSTANCE, &values![new.id.as_str()])?.is_some() {
                return Err(Cause::refused(format!("instance {} is in the vault already", new.id)));
            }
            let empty = empty(new);
            require_free(pen.db, &empty)?;
            pen.begin(&empty)?;
            Tally::count_instance(pen.db, pen.tags, 1)?;
            make(pen, empty, changes, who, vec![format!("instance {} taken in", new.name)])
        })
    }

    /// Makes changes, all or none, if the instance still has the revision that they were made for. Returns the new revision.
    pub fn change(
        &self,
        instance: &InstanceId,
        expected_revision: u64,
        changes: Vec<Change>,
        who: &Author,
        now: Timestamp,
    ) -> Result<u64, VaultError> {
        self.write(now, |pen| {
            let before = at_revision(pen, instance, expected_revision)?;
            make(pen, before, changes, who, Vec::new())
        })
    }

    /// Removes an instance with everything of it, also the values. What was done with it stays in the history.
    pub fn remove_instance(
        &self,
        instance: &InstanceId,
        expected_revision: u64,
        who: &Author,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(now, |pen| {
            let before = at_revision(pen, instance, expected_revision)?;
            for query in queries::REMOVE_WHOLE {
                pen.db.execute(query, &values![instance.as_str()])?;
            }
            Tally::count_instance(pen.db, pen.tags, -1)?;
            let said = format!("instance {} removed", before.name);
            events::add(pen.db, pen.tags, Some(instance), who, &[said], now)
        })?;
        self.empty_log()
    }

    /// Returns what was done, the newest first: with one instance, or with everything (`None`).
    pub fn events(&self, instance: Option<&InstanceId>, limit: u32) -> Result<Vec<Event>, VaultError> {
        let limit = i64::from(limit);
        self.database.read(|db| {
            let rows = match instance {
                Some(instance) => db.query(queries::EVENTS_OF, &values![instance.as_str(), limit])?,
                None => {
                    let rows = db.query(queries::NEWEST_EVENTS, &values![limit.max(1)])?;
                    events::check_newest(db, &rows, &self.tags)?;
                    rows
                }
            };
            events::read(&rows, &self.tags)
        })
    }

    /// Writes in one transaction, with the key that is active then: another process may have given the vault a new one.
    pub(crate) fn write<T>(
        &self,
        now: Timestamp,
        work: impl FnOnce(&Pen<'_>) -> Result<T, Cause>,
    ) -> Result<T, VaultError> {
        let mut work = Some(work);
        self.with_keys(|ring| {
            self.database.write(|db| {
                let header = Header::read(db)?;
                header.check(&self.tags)?;
                let key = header.active_key(ring)?;
                let work =
                    work.take().ok_or_else(|| Cause::refused("the vault got another key; look again"))?;
                work(&Pen { db, vault: &self.id, tags: &self.tags, key, now })
            })
        })
    }

    /// Takes what was replaced or removed out of the write-ahead log, too.
    pub(crate) fn empty_log(&self) -> Result<(), VaultError> {
        self.database.empty_log().map_err(VaultError::at(self.path()))
    }
}

/// Makes an instance that has nothing yet.
pub(crate) fn empty(new: &NewInstance) -> VaultInstance {
    VaultInstance {
        id: new.id.clone(),
        organisation: new.organisation.clone(),
        name: new.name.clone(),
        state_dir: new.state_dir.clone(),
        config: new.config.clone(),
        delivery: Default::default(),
        models: Default::default(),
        agents: Vec::new(),
        bindings: Vec::new(),
        credentials: Vec::new(),
        order: Vec::new(),
        channels: Vec::new(),
        revision: 0,
    }
}

/// Reads an instance that must still have this revision.
pub(crate) fn at_revision(
    pen: &Pen<'_>,
    instance: &InstanceId,
    expected: u64,
) -> Result<VaultInstance, Cause> {
    let before = load(pen.db, pen.tags, instance)?;
    if before.revision == expected {
        return Ok(before);
    }
    let last = pen.db.one(queries::LAST_EVENT_OF, &values![instance.as_str()])?;
    let last =
        last.map(|row| Ok::<_, Cause>(format!(": {} by {} at {}", row.text(2)?, row.text(1)?, row.time(0)?)));
    Err(Cause::Conflict {
        instance: instance.clone(),
        expected,
        found: before.revision,
        last: last.transpose()?,
    })
}

/// Makes changes, writes them and what was done.
pub(crate) fn make(
    pen: &Pen<'_>,
    before: VaultInstance,
    changes: Vec<Change>,
    who: &Author,
    first: Vec<String>,
) -> Result<u64, Cause> {
    let mut work = Work::new(before.clone(), who, pen.now);
    work.said = first;
    changes.into_iter().try_for_each(|change| work.apply(change))?;
    work.instance.revision += 1;
    if work.instance.name != before.name {
        require_free(pen.db, &work.instance)?;
    }
    pen.write(&before, &work)?;
    events::add(pen.db, pen.tags, Some(&before.id), who, &work.said, pen.now)?;
    Ok(work.instance.revision)
}

fn require_free(db: &dyn Session, instance: &VaultInstance) -> Result<(), Cause> {
    let name = values![instance.organisation.as_str(), instance.name.as_str()];
    match db.one(queries::INSTANCE_BY_NAME, &name)? {
        Some(_) => Err(Cause::refused(format!("there is an instance {} already", instance.name))),
        None => Ok(()),
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("path", &self.path()).field("id", &self.id).finish_non_exhaustive()
    }
}
