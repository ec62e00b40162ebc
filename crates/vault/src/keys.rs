//! The keys that an open vault has at hand, and how it takes up one that it is given while it is open.
//!
//! The file names its keys and where each comes from. Whoever opened it before another process gave it a new key meets a record under a key
//! that is not at hand; then the file is read again, what it names and is not at hand is fetched from there, and the work is done once more.

use crate::header::Header;
use crate::rekey::of_key;
use crate::session::Session;
use crate::{Cause, KeyRecord, KeyState, Vault, VaultError};
use keyshoal_seal::{KeyEncryptionKey, Keyring};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Fetches a key from where the vault says that it comes from, without asking anybody; or says why it cannot.
pub type Fetch = Box<dyn Fn(&KeyRecord) -> Result<KeyEncryptionKey, String> + Send + Sync>;

/// Keys at hand, and whoever fetches others.
pub(crate) struct Keys {
    ring: Mutex<Arc<Keyring>>,
    fetch: Option<Fetch>,
}

impl Keys {
    pub(crate) fn of(ring: Keyring) -> Self {
        Self { ring: Mutex::new(Arc::new(ring)), fetch: None }
    }

    /// Returns those at hand.
    pub(crate) fn ring(&self) -> Arc<Keyring> {
        Arc::clone(&self.ring.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds one.
    pub(crate) fn add(&self, key: KeyEncryptionKey) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut ring).add(key);
    }

    /// Fetches what a header names and is not at hand. Tells whether anything came; an error says why the first one did not.
    pub(crate) fn take_up(&self, header: &Header) -> Result<bool, Cause> {
        let Some(fetch) = &self.fetch else { return Ok(false) };
        let (mut came, mut absent) = (false, None);
        for record in self.absent(header) {
            match fetch(record) {
                Ok(key) if key.id() == record.id => {
                    self.add(key);
                    came = true;
                }
                Ok(key) => {
                    absent.get_or_insert(Cause::absent(record, &format!("that gives key {} now", key.id())));
                }
                Err(why) => {
                    absent.get_or_insert(Cause::absent(record, &why));
                }
            }
        }
        match absent {
            Some(absent) if !came => Err(absent),
            _ => Ok(came),
        }
    }

    /// Returns the keys that something of the vault may be wrapped with and that are not at hand.
    pub(crate) fn absent<'a>(&self, header: &'a Header) -> impl Iterator<Item = &'a KeyRecord> {
        let ring = self.ring();
        let records = header.keys.iter().map(|key| &key.record);
        records.filter(move |one| one.state != KeyState::Retired && ring.get(one.id).is_none())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ring().ids()).finish()
    }
}

impl Vault {
    /// Says who fetches a key that another process gives the vault while it is open here.
    #[must_use]
    pub fn fetching(mut self, fetch: Fetch) -> Self {
        self.keys.fetch = Some(fetch);
        self
    }

    /// Works with the keys at hand; where that meets one that is not, fetches it and works once more. `work` is to be a whole transaction.
    pub(crate) fn with_keys<T>(
        &self,
        mut work: impl FnMut(&Keyring) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        loop {
            let ring = self.keys.ring();
            match work(&ring) {
                // Each turn has a key more than the last one.
                Err(error) if error.cause.wants_key() && self.take_up_keys()? => {}
                done => return done,
            }
        }
    }

    fn take_up_keys(&self) -> Result<bool, VaultError> {
        let header = self.database.read(Header::read)?;
        let checked = header.check(&self.tags).and_then(|()| self.keys.take_up(&header));
        checked.map_err(VaultError::at(self.path()))
    }

    /// Takes up, as far as they can be had, the keys that the vault has in this transaction.
    pub(crate) fn keys_of(&self, header: &Header) -> Arc<Keyring> {
        // Which one is missing is said of each record that wants it.
        let _ = self.keys.take_up(header);
        self.keys.ring()
    }

    /// Refuses where a key is absent that records are wrapped with: they are whole, and look like damage without it.
    pub(crate) fn require_keys(&self, db: &dyn Session, header: &Header) -> Result<(), Cause> {
        for record in self.keys.absent(header) {
            if of_key(db, record.id)? > 0 {
                return Err(Cause::absent(record, ""));
            }
        }
        Ok(())
    }
}
