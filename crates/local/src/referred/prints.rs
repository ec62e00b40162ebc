//! Fingerprints of references into the private file: each stands for what it leads to.

use keyshoal_core::{Fingerprint, Fingerprints, Secret, SecretRef};
use keyshoal_openclaw::artifacts::RefsFile;
use keyshoal_openclaw::store::model::secret_fingerprint;
use keyshoal_seal::FingerprintKey;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// What the private file holds, and what of it a vault knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub file: RefsFile,
    /// The values that the vault has; `None` while nobody has asked it.
    held: Option<BTreeSet<Fingerprint>>,
}

/// Fingerprints. A reference into the private file has one of its own for what it leads to, which is seen as that of the value.
#[derive(Debug)]
pub(crate) struct Prints {
    pub key: FingerprintKey,
    known: Mutex<Arc<Known>>,
}

/// The same, as the file was at one moment.
pub(crate) struct Then<'a> {
    key: &'a FingerprintKey,
    pub(super) known: Arc<Known>,
}

impl Prints {
    pub fn new(key: FingerprintKey) -> Self {
        Self { key, known: Mutex::default() }
    }

    /// Keeps hold of how things are now.
    pub fn then(&self) -> Then<'_> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Then { key: &self.key, known }
    }

    /// Forgets what the private file holds, until it is read again.
    pub fn forget_file(&self) {
        self.set(|known| known.file = RefsFile::default());
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut Known)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Known { file: known.file.clone(), held: known.held.clone() };
        change(&mut next);
        *known = Arc::new(next);
    }

    /// Says which values a vault has. Anything else in the file was put there by somebody else, or by a later state of that vault.
    pub fn set_held(&self, held: Option<BTreeSet<Fingerprint>>) {
        self.set(|known| known.held = held);
    }

    /// Returns the fingerprint of a reference that leads to a value.
    pub fn of_delivered(&self, reference: &SecretRef, value: Fingerprint) -> Fingerprint {
        of_delivered(&self.key, reference, value)
    }
}

/// People see the value's own: it is one value, whichever way it reaches an agent.
fn of_delivered(key: &FingerprintKey, reference: &SecretRef, value: Fingerprint) -> Fingerprint {
    key.of(&["delivered", &reference.id, &value.hex()]).seen_as(value)
}

impl Fingerprints for Prints {
    fn of(&self, parts: &[&str]) -> Fingerprint {
        self.key.of(parts)
    }

    fn delivered(&self, reference: &SecretRef) -> Option<Fingerprint> {
        self.then().delivered(reference)
    }
}

impl Fingerprints for Then<'_> {
    fn of(&self, parts: &[&str]) -> Fingerprint {
        self.key.of(parts)
    }

    fn delivered(&self, reference: &SecretRef) -> Option<Fingerprint> {
        let value = secret_fingerprint(self.key, self.known.file.value(reference)?);
        Some(of_delivered(self.key, reference, value))
    }
}

impl Then<'_> {
    /// Tells whether somebody else has put a value into the file: a vault says what is right, and never had it.
    pub(super) fn is_of_others(&self, value: &Secret) -> bool {
        let held = self.known.held.as_ref();
        held.is_some_and(|held| !held.contains(&secret_fingerprint(self.key, value)))
    }
}
