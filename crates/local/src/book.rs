//! The book from fingerprints to secrets. It lives as long as a command works, or between two rests of a watch, and is wiped when dropped.

use keyshoal_core::{CredentialKind, Fingerprint, Fingerprints, ProfileId, ProviderId, Secret};
use keyshoal_openclaw::store::{
    StoreContents, StoredProfile, StoredSecret,
    model::{as_sent, ref_fingerprint, secret_fingerprint},
};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a fingerprint stands for.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The value or reference.
    pub secret: StoredSecret,
    /// `expires` of the profile it was found in, in milliseconds.
    pub expires: Option<i64>,
    /// The whole entry that a vault has of it, as JSON text: a profile that is added gets all of it.
    pub raw: Option<Secret>,
    /// What a reference of ours leads to: the value that is sent.
    pub leads_to: Option<Secret>,
}

impl Entry {
    /// Returns the whole entry for a profile that is added, where there is one of this provider and type.
    pub fn whole(&self, profile: &ProfileId, provider: &ProviderId, kind: &CredentialKind) -> Option<Secret> {
        let raw = self.raw.as_ref()?;
        let stored = StoredProfile::parse(profile, raw).ok()?;
        (stored.provider == *provider && stored.kind == *kind).then(|| raw.clone())
    }
}

/// A shorter value is a word that may stand anywhere.
const SHORTEST: usize = 6;

/// Finds the secret that a fingerprint stands for.
#[derive(Debug, Default)]
pub struct Book(Mutex<HashMap<Fingerprint, Entry>>);

impl Book {
    fn entries(&self) -> MutexGuard<'_, HashMap<Fingerprint, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of everything.
    pub fn clear(&self) {
        *self.entries() = HashMap::new();
    }

    /// Enters every value of a store. The first store that is entered decides a value's `expires`, so enter the source first.
    pub fn enter_store(&self, contents: &StoreContents, prints: &dyn Fingerprints) {
        for profile in contents.profiles.values() {
            self.enter_profile(profile, prints);
        }
    }

    /// Returns a text without any value that is known here.
    pub fn scrubbed(&self, mut text: String) -> String {
        for entry in self.entries().values() {
            let secrets = match &entry.secret {
                StoredSecret::Inline(secret) => vec![secret],
                StoredSecret::OAuth { access, refresh } => std::iter::once(access).chain(refresh).collect(),
                StoredSecret::Ref(_) => entry.leads_to.iter().collect(),
                StoredSecret::Fenced | StoredSecret::Absent => Vec::new(),
            };
            for secret in secrets {
                let secret = as_sent(secret);
                let secret = secret.reveal_secret();
                if secret.len() >= SHORTEST && text.contains(secret) {
                    text = text.replace(secret, "(redacted)");
                }
            }
        }
        text
    }

    fn enter_profile(&self, profile: &StoredProfile, prints: &dyn Fingerprints) {
        let Some(fingerprint) = profile.material(prints).fingerprint() else { return };
        let expires = profile.expires.as_ref().and_then(|expires| expires.as_ref().ok().copied());
        self.entries().entry(fingerprint).or_insert_with(|| Entry {
            secret: profile.secret.clone(),
            expires,
            raw: None,
            leads_to: None,
        });
    }

    /// Enters a value that stands in no store. What a store says of the same value counts.
    pub fn enter_loose(&self, secret: Secret, prints: &dyn Fingerprints) {
        let fingerprint = secret_fingerprint(prints, &secret);
        let entry =
            || Entry { secret: StoredSecret::Inline(secret), expires: None, raw: None, leads_to: None };
        self.entries().entry(fingerprint).or_insert_with(entry);
    }

    /// Enters a value that a person has given and returns its fingerprint.
    pub fn enter_given(
        &self,
        secret: Secret,
        expires: Option<i64>,
        prints: &dyn Fingerprints,
    ) -> Fingerprint {
        let fingerprint = secret_fingerprint(prints, &secret);
        self.entries().insert(
            fingerprint,
            Entry { secret: StoredSecret::Inline(secret), expires, raw: None, leads_to: None },
        );
        fingerprint
    }

    /// Enters a value of the config that goes with requests.
    pub fn enter_configured(&self, secret: &Secret, prints: &dyn Fingerprints) {
        let entry = || Entry {
            secret: StoredSecret::Inline(secret.clone()),
            expires: None,
            raw: None,
            leads_to: None,
        };
        self.entries().entry(secret_fingerprint(prints, secret)).or_insert_with(entry);
    }

    /// Enters a value or reference that the journal kept and returns its fingerprint: a reference of ours has that of what it leads to
    /// now. OAuth values are refused.
    pub fn enter_kept(&self, entry: Entry, prints: &dyn Fingerprints) -> Option<Fingerprint> {
        let fingerprint = match &entry.secret {
            StoredSecret::Inline(secret) => secret_fingerprint(prints, secret),
            StoredSecret::Ref(reference) => match prints.delivered(reference) {
                Some(led) => return Some(led),
                None => ref_fingerprint(prints, reference),
            },
            StoredSecret::OAuth { .. } | StoredSecret::Fenced | StoredSecret::Absent => return None,
        };
        self.entries().insert(fingerprint, entry);
        Some(fingerprint)
    }

    /// Enters a value of a vault. What it says of the value counts.
    pub fn enter_held(&self, fingerprint: Fingerprint, entry: Entry) {
        self.entries().insert(fingerprint, entry);
    }

    /// Enters what a reference leads to.
    pub fn enter_led(&self, fingerprint: Fingerprint, value: Secret) {
        if let Some(entry) = self.entries().get_mut(&fingerprint) {
            entry.leads_to = Some(value);
        }
    }

    /// Finds an entry.
    pub fn find(&self, fingerprint: Fingerprint) -> Option<Entry> {
        self.entries().get(&fingerprint).cloned()
    }

    /// Finds the text to send to a provider: an inline value, or an OAuth access token.
    pub fn sendable(&self, fingerprint: Fingerprint) -> Option<Secret> {
        let entry = self.find(fingerprint)?;
        match entry.secret {
            StoredSecret::Ref(_) => entry.leads_to.as_ref().map(as_sent),
            StoredSecret::Inline(secret) => Some(as_sent(&secret)),
            StoredSecret::OAuth { access, .. } => Some(access),
            StoredSecret::Fenced | StoredSecret::Absent => None,
        }
    }
}
