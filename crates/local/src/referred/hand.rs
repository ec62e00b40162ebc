//! What of a vault goes into the private file, and the entries that refer to it.

use super::{Prints, Wanted};
use crate::vaulted::HeldVersion;
use keyshoal_core::vault::{AgentUid, Delivery, REFERENCES, VaultCredential, VaultInstance};
use keyshoal_core::{CredentialKind, Fingerprint, Secret, SecretRef};
use keyshoal_engine::ports::PortError;
use keyshoal_openclaw::artifacts::RefsFile;
use keyshoal_openclaw::store::{StoredProfile, StoredSecret, model::secret_fingerprint, with_secret};
use std::collections::{BTreeMap, BTreeSet};

/// Puts values into a file that is to be written.
pub(crate) struct Hand {
    delivery: Delivery,
    /// Agents that have nothing of their own any more.
    disabled: BTreeSet<AgentUid>,
    file: RefsFile,
    notes: BTreeSet<String>,
    /// The fingerprints of all values that may stand in the file.
    pub prints: BTreeSet<Fingerprint>,
    /// The references of the file as it stands, each by the value to which it leads: what an earlier vault delivered is the same value
    /// under another name.
    led: BTreeMap<Fingerprint, Vec<Fingerprint>>,
}

/// A value that can be delivered by reference.
pub(crate) struct Handed {
    /// The reference that leads to it.
    pub reference: SecretRef,
    /// The value.
    pub secret: Secret,
    /// The profile's entry with the reference in place of the value.
    pub raw: Option<Secret>,
}

impl Hand {
    /// Begins, with what the file holds that was last read.
    pub fn new(instance: &VaultInstance, prints: &Prints) -> Result<Self, PortError> {
        let file = RefsFile::new(REFERENCES).map_err(|error| PortError {
            message: error.to_string(),
            hint: None,
            retryable: false,
        })?;
        let mut led: BTreeMap<Fingerprint, Vec<Fingerprint>> = BTreeMap::new();
        for (reference, secret) in prints.then().known.file.iter() {
            let value = secret_fingerprint(&prints.key, secret);
            led.entry(value).or_default().push(prints.of_delivered(&reference, value));
        }
        let disabled = instance.agents.iter().filter(|agent| !agent.enabled).map(|agent| agent.uid);
        Ok(Self {
            delivery: instance.delivery,
            disabled: disabled.collect(),
            file,
            notes: BTreeSet::new(),
            prints: BTreeSet::new(),
            led,
        })
    }

    /// Returns every reference of the file as it stands that leads to a value.
    pub fn leading_to(&self, value: Fingerprint) -> &[Fingerprint] {
        self.led.get(&value).map_or(&[], Vec::as_slice)
    }

    /// Tells whether stores refer to the file.
    pub fn refers(&self) -> bool {
        self.delivery == Delivery::Refs
    }

    /// Takes a version of a credential; into the file goes the current one. `None` for logins, and for what is a reference already.
    pub fn take(
        &mut self,
        credential: &VaultCredential,
        held: &HeldVersion,
        stored: &StoredProfile,
    ) -> Option<Handed> {
        let is_current = credential.current().is_some_and(|version| version.number == held.number);
        let StoredSecret::Inline(secret) = &stored.secret else {
            if is_current && self.refers() && stored.kind == CredentialKind::OAuth {
                self.notes.insert(format!("{} is a login: it stays in the stores", credential.profile));
            }
            return None;
        };
        let owner = credential.agent.map(|agent| agent.0.to_string());
        let mut elsewhere = RefsFile::default();
        let wanted = is_current && !credential.agent.is_some_and(|agent| self.disabled.contains(&agent));
        let file = if wanted && self.refers() { &mut self.file } else { &mut elsewhere };
        let mut reference = file.put(&credential.profile, owner.as_deref(), secret.clone());
        REFERENCES.clone_into(&mut reference.provider);
        let referred = StoredSecret::Ref(reference.clone());
        let raw = with_secret(&credential.profile, &stored.kind, &held.entry, referred);
        Some(Handed { reference, secret: secret.clone(), raw })
    }

    /// Returns what shall be written.
    pub fn wanted(self) -> Wanted {
        Wanted { delivery: self.delivery, file: self.file, notes: self.notes.into_iter().collect() }
    }
}
