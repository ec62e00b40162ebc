//! Entries that only refer to Keyshoal's own private file: it does not move, so what it holds goes in their places.

use crate::manifest::{LeftOut, Manifest, ProfilePart, ValueRef};
use crate::payload::Payload;
use keyshoal_core::SecretRef;
use keyshoal_core::vault::REFERENCES;
use keyshoal_openclaw::artifacts::RefsFile;
use keyshoal_openclaw::store::{StoredProfile, StoredSecret, with_secret};

impl Payload {
    /// Tells whether an entry refers to the private file.
    pub(crate) fn refers(&self) -> bool {
        self.manifest.profiles.iter().any(|part| self.reference(part).is_some())
    }

    /// Puts what references into the private file lead to in their places. Those that lead nowhere stay.
    pub(crate) fn resolve(&mut self, file: &RefsFile) {
        for at in 0..self.manifest.profiles.len() {
            let part = &self.manifest.profiles[at];
            let resolved = self.reference(part).and_then(|(stored, reference)| {
                let secret = StoredSecret::Inline(file.value(&reference)?.clone());
                with_secret(&part.profile, &stored.kind, self.value(part.entry)?, secret)
            });
            if let Some(entry) = resolved {
                self.put(part.entry, entry);
            }
        }
    }

    /// Leaves out what only refers to the private file and leads nowhere there. It ends what [`crate::gather_open`] began.
    pub fn close(&mut self) {
        for at in (0..self.manifest.profiles.len()).rev() {
            let Some((_, reference)) = self.reference(&self.manifest.profiles[at]) else { continue };
            let part = self.manifest.profiles.remove(at);
            self.remove(part.entry);
            self.manifest.left_out.push(LeftOut {
                what: format!("profile {} of {}", part.profile, part.store),
                why: format!(
                    "it only refers to {} in Keyshoal's private file, which has no value for it; give it a new one",
                    reference.id
                ),
            });
        }
    }

    /// Returns where an entry leads in the private file, if it does.
    fn reference(&self, part: &ProfilePart) -> Option<(StoredProfile, SecretRef)> {
        let stored = StoredProfile::parse(&part.profile, self.value(part.entry)?).ok()?;
        match &stored.secret {
            StoredSecret::Ref(reference) if reference.provider == REFERENCES => {
                let reference = reference.clone();
                Some((stored, reference))
            }
            _ => None,
        }
    }

    /// Takes out a value that nothing names any more.
    fn remove(&mut self, gone: ValueRef) {
        self.values.remove(gone.0 as usize);
        self.manifest.values -= 1;
        for number in numbers(&mut self.manifest).filter(|number| **number > gone) {
            number.0 -= 1;
        }
    }
}

fn numbers(manifest: &mut Manifest) -> impl Iterator<Item = &mut ValueRef> {
    let named = [
        &mut manifest.channels,
        &mut manifest.providers,
        &mut manifest.included,
        &mut manifest.variables,
        &mut manifest.entries,
    ];
    let profiles = manifest.profiles.iter_mut().map(|part| &mut part.entry);
    profiles.chain(named.into_iter().flatten().map(|one| &mut one.value)).chain(&mut manifest.config)
}
