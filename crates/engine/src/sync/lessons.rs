//! What a run teaches.

use crate::look::Look;
use crate::ports::Ports;
use keyshoal_core::knowledge::GenerationOrigin;
use keyshoal_core::{Action, Fact, Plan, ProfileId, Receipt, SourceState};
use std::collections::BTreeMap;

/// Remembers overrides that their providers accepted, now that nobody decided otherwise, and sources that a person confirmed.
pub(super) fn learn_decided<P: Ports + ?Sized>(ports: &P, look: &mut Look, plan: &Plan) {
    let replaced = |fact: &Fact| match fact {
        Fact::Kept { profile, fingerprint, .. } => plan.actions.iter().any(|action| match action {
            Action::Replace { profile: other, expect, .. }
            | Action::RemoveShadow { profile: other, expect, .. } => {
                other == profile && expect == fingerprint
            }
            _ => false,
        }),
        _ => false,
    };
    let mut facts: Vec<Fact> =
        look.judgement.learned.iter().filter(|fact| !replaced(fact)).cloned().collect();
    for (profile, value) in &look.desired.values {
        let usable = look.judgement.sources.get(profile) == Some(&SourceState::Usable);
        let in_scope =
            look.desired.scope.profiles.is_empty() || look.desired.scope.profiles.contains(profile);
        let by_person =
            look.desired.is_confirmed(profile) && value.store == Some(keyshoal_core::StoreId::Base);
        let known = look.knowledge.known_values(profile).contains(&value.fingerprint);
        if usable && in_scope && by_person && known {
            facts.push(written(profile, value.fingerprint));
        }
    }
    look.learn(ports, &facts);
}

/// Returns what the writes teach: the source's values were spread, so they are its newest generations.
pub(super) fn of_receipts(receipts: &[Receipt]) -> Vec<Fact> {
    let mut values = BTreeMap::new();
    for receipt in receipts.iter().filter(|receipt| super::is_done(receipt)) {
        match &receipt.action {
            Action::Replace { profile, value, .. } | Action::Insert { profile, value, .. } => {
                values.insert(profile.clone(), *value);
            }
            _ => {}
        }
    }
    values.iter().map(|(profile, value)| written(profile, *value)).collect()
}

fn written(profile: &ProfileId, fingerprint: keyshoal_core::Fingerprint) -> Fact {
    Fact::Generation { profile: profile.clone(), fingerprint, origin: GenerationOrigin::Written }
}
