//! One open ledger.

use crate::database::{Database, Durability};
use crate::directory::{Directory, Place};
use crate::identity::{self, Own};
use crate::{Adopt, Identity, Keys, LedgerError};
use keyshoal_core::InstanceId;
use keyshoal_seal::{FingerprintKey, SealKey};
use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};

/// Says what a ledger is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Nothing is written, made or changed. Where there is no ledger yet, an empty one in memory stands for it.
    ReadOnly,
    /// The ledger is made when it is not there.
    ReadWrite,
}

/// One open ledger. It may be shared between threads; every method is one whole transaction.
pub struct Ledger {
    pub(crate) inner: Inner,
}

pub(crate) struct Inner {
    pub(crate) database: Database,
    pub(crate) place: Option<Place>,
    pub(crate) seal: SealKey,
    keys: Keys,
    own: RwLock<Arc<Own>>,
    ephemeral: bool,
    /// A run of this process is open: when it is finished, everything before is durable, too.
    pub(crate) in_run: AtomicBool,
}

impl Ledger {
    /// Opens the ledger of a state directory.
    ///
    /// # Errors
    ///
    /// [`LedgerError::is_not_writable`] tells the cases in which [`Ledger::ephemeral`] is the way on. A damaged or newer ledger
    /// is an error, and nothing of it is changed.
    pub fn open(state_dir: &Path, keys: &Keys, mode: OpenMode) -> Result<Self, LedgerError> {
        match mode {
            OpenMode::ReadWrite => {
                let directory = Directory::open_or_create(state_dir)?;
                let place = directory.place()?;
                let (database, made) = Database::open(&directory, &place, keys)?;
                let ledger = Self::assemble(database, Some(place), keys, false, made)?;
                ledger.remember_move()?;
                Ok(ledger)
            }
            OpenMode::ReadOnly => {
                let Some(directory) = Directory::open(state_dir)? else { return Self::ephemeral(keys) };
                let place = directory.place()?;
                let Some(database) = Database::open_to_read(&directory)? else {
                    return Self::ephemeral(keys);
                };
                Self::assemble(database, Some(place), keys, false, false)
            }
        }
    }

    /// Makes a ledger in memory, for where none can be written. It forgets everything with the process.
    pub fn ephemeral(keys: &Keys) -> Result<Self, LedgerError> {
        Self::assemble(Database::in_memory(keys)?, None, keys, true, true)
    }

    /// Opens the ledger for writing, else for reading, else in memory, and says why it is not the first.
    ///
    /// Damaged, newer and misowned ledgers are errors all the same: what is remembered must not be passed over silently.
    pub fn open_best(state_dir: &Path, keys: &Keys) -> Result<(Self, Option<LedgerError>), LedgerError> {
        let why = match Self::open(state_dir, keys, OpenMode::ReadWrite) {
            Ok(ledger) => return Ok((ledger, None)),
            Err(error) if error.is_not_writable() => error,
            Err(error) => return Err(error),
        };
        match Self::open(state_dir, keys, OpenMode::ReadOnly) {
            Ok(ledger) => Ok((ledger, Some(why))),
            Err(error) if error.is_not_writable() => Ok((Self::ephemeral(keys)?, Some(why))),
            Err(error) => Err(error),
        }
    }

    fn assemble(
        database: Database,
        place: Option<Place>,
        keys: &Keys,
        ephemeral: bool,
        made: bool,
    ) -> Result<Self, LedgerError> {
        let own = read_own(&database, place.as_ref(), keys, made)?;
        let inner = Inner {
            database,
            place,
            seal: keys.seal.seal_key(),
            keys: keys.clone(),
            own: RwLock::new(Arc::new(own)),
            ephemeral,
            in_run: AtomicBool::new(false),
        };
        Ok(Self { inner })
    }

    /// Writes a new path of the same directory down, so that it is known next time.
    fn remember_move(&self) -> Result<(), LedgerError> {
        match (&self.inner.own().identity, &self.inner.place) {
            (Identity::Moved { .. }, Some(place)) => self.inner.database.write(Durability::Crash, |db| {
                identity::remember(db, place).map_err(|error| self.inner.database.error(error))
            }),
            _ => Ok(()),
        }
    }

    /// Returns the instance's id.
    pub fn instance(&self) -> InstanceId {
        self.inner.own().instance.clone()
    }

    /// Says whether the ledger lies where it belongs. While that is not certain, nothing may be written to the instance.
    pub fn identity(&self) -> Identity {
        self.inner.own().identity.clone()
    }

    /// Returns the key that every fingerprint of this instance is made with.
    pub fn fingerprints(&self) -> FingerprintKey {
        self.inner.own().prints.clone()
    }

    /// Tells whether it lives in memory only.
    pub fn is_ephemeral(&self) -> bool {
        self.inner.ephemeral
    }

    /// Tells whether it can be written.
    pub fn is_writable(&self) -> bool {
        self.inner.database.writable
    }

    /// Returns its file, for people.
    pub fn path(&self) -> &Path {
        &self.inner.database.path
    }

    /// Answers the question whose directory this is, and returns what it is from now on. Nothing happens when it is certain.
    pub fn adopt(&self, how: Adopt) -> Result<Identity, LedgerError> {
        if self.identity().is_certain() {
            return Ok(self.identity());
        }
        self.inner.database.write(Durability::PowerCut, |db| identity::adopt(db, &self.inner, how))?;
        self.read_again()?;
        Ok(self.identity())
    }

    /// Takes the id of an instance that others know already, whose memory was lost. What is remembered here stays.
    pub fn become_instance(&self, id: &InstanceId) -> Result<(), LedgerError> {
        self.inner.require_certain()?;
        self.inner.database.write(Durability::PowerCut, |db| identity::take(db, &self.inner, id))?;
        self.read_again()
    }

    fn read_again(&self) -> Result<(), LedgerError> {
        let database = &self.inner.database;
        let own = read_own(database, self.inner.place.as_ref(), &self.inner.keys, false)?;
        *self.inner.own.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(own);
        Ok(())
    }
}

impl Inner {
    pub(crate) fn own(&self) -> Arc<Own> {
        self.own.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refuses to go on while it is not certain whose ledger this is.
    pub(crate) fn require_certain(&self) -> Result<(), LedgerError> {
        if self.own().identity.is_certain() { Ok(()) } else { Err(self.unanswered()) }
    }

    pub(crate) fn unanswered(&self) -> LedgerError {
        LedgerError::Unanswered { path: self.database.path.clone(), identity: self.own().identity.clone() }
    }
}

fn read_own(database: &Database, place: Option<&Place>, keys: &Keys, made: bool) -> Result<Own, LedgerError> {
    let found = database.read(|db| identity::read(db, place, keys).map_err(|error| database.error(error)))?;
    let mut own = found.ok_or_else(|| LedgerError::corrupt(&database.path, "its first row is missing"))?;
    if made && own.identity == Identity::Same {
        own.identity = Identity::New;
    }
    Ok(own)
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("path", &self.path()).field("identity", &self.identity()).finish()
    }
}
