//! What the journal notes of an action before anything is done.

use super::image::Image;
use crate::Installation;
use keyshoal_core::{Action, Fingerprint, Plan, ProfileId, StoreId};
use keyshoal_ledger::JournalStep;

impl Installation {
    /// The journal's step for an action of a plan: what stands there, what shall, and what that rests on.
    pub(super) fn step(&self, action: &Action, plan: &Plan) -> JournalStep {
        let seen = self.seen();
        let stored = seen
            .as_ref()
            .and_then(|seen| seen.stores.get(action.store())?.read.contents.profiles.get(action.profile()));
        let before = stored.and_then(Image::of);
        let print = stored.and_then(|stored| stored.material(self.prints()).fingerprint());
        let (kind, post, after) = match action {
            Action::Replace { provider, value, kind, .. } => {
                let after = self.book.find(*value).map(|entry| Image::of_entry(provider, kind, &entry));
                ("replace", Some(*value), after)
            }
            Action::Insert { profile, provider, value, kind, .. } => {
                let after = self.book.find(*value).map(|entry| Image {
                    raw: entry.whole(profile, provider, kind),
                    ..Image::of_entry(provider, kind, &entry)
                });
                ("insert", Some(*value), after)
            }
            Action::RemoveShadow { .. } => ("remove_shadow", None, None),
            Action::Remove { .. } => ("remove", None, None),
            Action::FixType { kind, .. } => {
                let after = before.clone().map(|image| Image { kind: kind.clone(), raw: None, ..image });
                ("fix_type", print, after)
            }
            Action::ResetCooldown { .. } => ("reset_cooldown", print, None),
        };
        JournalStep {
            store: action.store().clone(),
            profile: action.profile().clone(),
            action: kind.to_owned(),
            pre_fingerprint: print,
            post_fingerprint: post,
            rests_on: self.rests_on(action, plan),
            pre_image: before.map(|image| image.seal_text()),
            post_image: after.map(|image| image.seal_text()),
        }
    }

    /// What the base store must hold for an agent's step to be right. A value that a person gave to this agent alone, or that
    /// stands elsewhere, rests on nothing.
    fn rests_on(&self, action: &Action, plan: &Plan) -> Option<Fingerprint> {
        match action {
            Action::RemoveShadow { inherits, .. } => Some(*inherits),
            Action::Replace { store: StoreId::Agent(_), profile, value, .. } => {
                self.base_after(profile, plan).filter(|base| base == value)
            }
            _ => None,
        }
    }

    /// What the base store holds of a profile once the plan is carried out.
    fn base_after(&self, profile: &ProfileId, plan: &Plan) -> Option<Fingerprint> {
        let written = plan.actions.iter().find_map(|one| match one {
            Action::Replace { store: StoreId::Base, profile: of, value, .. }
            | Action::Insert { store: StoreId::Base, profile: of, value, .. }
                if of == profile =>
            {
                Some(*value)
            }
            _ => None,
        });
        written.or_else(|| {
            let seen = self.seen()?;
            let base = seen.stores.get(&StoreId::Base)?;
            base.read.contents.profiles.get(profile)?.material(self.prints()).fingerprint()
        })
    }
}
