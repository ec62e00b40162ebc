//! Marks that agents have earned with a value that they inherit, and that has just been renewed.

use crate::Installation;
use keyshoal_core::{ProfileId, StoreId};
use keyshoal_openclaw::store::{Edit, Refusal, StoreContents, StoreFile};
use std::collections::BTreeSet;

impl Installation {
    /// Returns what the base store holds back because of an authentication failure, as it was last looked at. By merge, that counts for
    /// every store without an entry of its own for the profile; where there is nothing to leak, no entry is made.
    pub(crate) fn marked_in_base(&self) -> BTreeSet<ProfileId> {
        let Some(seen) = self.seen() else { return BTreeSet::new() };
        let base = seen.observed.store(&StoreId::Base);
        let marks = base.into_iter().flat_map(|base| &base.usage);
        marks.filter(|(_, mark)| mark.auth_block()).map(|(profile, _)| profile.clone()).collect()
    }

    /// Resets the authentication cooldowns that agents without a profile of their own have noted for these profiles of the base
    /// store. The plan resets those that it saw; a failure between the look and the write leaves another one, and would hold the
    /// new value back. No mark is made where there is none.
    ///
    /// Agents in whose directories a link leads to the base store have its profiles and a state of their own.
    pub(crate) fn release_inheriting(&self, renewed: &BTreeSet<ProfileId>) {
        let Some(seen) = self.seen() else { return };
        let by_owner = seen.observed.capabilities.usage_kept_by_owner;
        if renewed.is_empty() || by_owner || !self.options.guards.reset_cooldowns {
            return;
        }
        let undeserved = |contents: &StoreContents, linked: bool| -> Vec<Edit> {
            let held_back = |profile: &&ProfileId| {
                (linked || !contents.profiles.contains_key(*profile))
                    && contents.usage.get(*profile).is_some_and(keyshoal_core::UsageView::auth_block)
            };
            let reset =
                |profile: &ProfileId| Edit::ResetAuthCooldown { profile: profile.clone(), explicit: false };
            renewed.iter().filter(held_back).map(reset).collect()
        };
        let rules = self.rules();
        for (store, held) in &seen.stores {
            if seen.observed.not_writable(store).is_some() {
                continue;
            }
            // Without anything to reset nothing is written and no lock is taken. If it fails, the mark ends by itself.
            let release = |file: &StoreFile, linked: bool| {
                let _ = file.update(&rules, &mut |contents| Ok::<_, Refusal>(undeserved(contents, linked)));
            };
            match store {
                StoreId::Base => held.file.links().for_each(|file| release(&file, true)),
                StoreId::Agent(_) => release(&held.file, false),
            }
        }
    }
}
