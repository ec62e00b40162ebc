//! What a run teaches.

use crate::facts::delivered as delivered_by;
use crate::look::Look;
use crate::ports::Ports;
use keyshoal_core::judge::owner_of;
use keyshoal_core::knowledge::{GenerationOrigin, KeptBy};
use keyshoal_core::simulate::simulate;
use keyshoal_core::{Action, Fact, Fingerprint, Plan, ProfileId, Receipt, SourceOf, SourceState, StoreId};
use std::collections::BTreeMap;

/// Remembers overrides that their providers accepted, now that nobody decided otherwise, and sources that a person confirmed.
pub(super) fn learn_decided<P: Ports + ?Sized>(ports: &P, look: &mut Look, plan: &Plan) {
    let replaced = |fact: &Fact| match fact {
        Fact::Kept { profile, fingerprint, .. } => plan.actions.iter().any(|action| match action {
            Action::Replace { profile: other, expect, .. }
            | Action::Remove { profile: other, expect, .. }
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
        let scope = &look.desired.scope;
        // Who says which value is right for one agent, or for one provider, was not asked about the others.
        let in_scope = scope.agents.is_empty() && scope.includes_profile(profile, &value.provider);
        let by_person = look.desired.is_confirmed(profile) && value.store == Some(StoreId::Base);
        let known = look.knowledge.known_values(profile).contains(&value.fingerprint);
        if usable && in_scope && by_person && known {
            facts.push(written(profile, value.fingerprint));
        }
    }
    facts.extend(given_already(look));
    let wish = look.desired.wish.as_ref();
    facts.extend(wish.into_iter().flat_map(|wish| delivered_by(&look.observed, &look.knowledge, wish)));
    facts.extend(writing(look, plan));
    look.learn(ports, &facts);
}

/// A person who gives an agent the value that it has already says of that value that it is right: a mark of theirs goes on with it.
fn given_already(look: &Look) -> Vec<Fact> {
    let marks =
        look.knowledge.kept.iter().filter(|((agent, _), mark)| {
            mark.by == KeptBy::Person && look.desired.scope.agents.contains(agent)
        });
    let given = marks.filter_map(|((agent, profile), mark)| {
        let value = look.desired.values.get(profile).filter(|_| look.desired.source == SourceOf::Given)?;
        let store = &look.observed.agent(agent)?.store;
        let held = look.observed.profile(store, profile)?.material.fingerprint();
        let (agent, profile, fingerprint) = (agent.clone(), profile.clone(), value.fingerprint);
        (held == Some(fingerprint) && mark.fingerprint != fingerprint).then_some(Fact::Kept {
            agent,
            profile,
            fingerprint,
            by: KeptBy::Person,
        })
    });
    given.collect()
}

/// Says where a vault's word is about to be brought. A process that is killed then leaves nothing that looks as if somebody had put it there.
fn writing(look: &Look, plan: &Plan) -> Vec<Fact> {
    if look.desired.wish.is_none() {
        return Vec::new();
    }
    let places = plan.actions.iter().map(super::place);
    let known = places.filter(|place| look.knowledge.delivered.contains_key(place));
    known.map(|(store, profile)| Fact::Writing { store, profile }).collect()
}

/// Returns what the writes teach.
///
/// A value that the base store holds by a person's will is its newest generation. One that went from one agent to others and not into
/// the base store is none of the source's: where a person asked for that, it is an override.
pub(super) fn of_receipts(look: &Look, receipts: &[Receipt]) -> Vec<Fact> {
    let in_base = |profile: &ProfileId, value: Fingerprint| {
        let held = look.observed.profile(&StoreId::Base, profile);
        let held = held.and_then(|view| view.material.fingerprint()) == Some(value);
        held || receipts.iter().any(|receipt| {
            super::is_done(receipt) && written_value(receipt) == Some((&StoreId::Base, profile, value))
        })
    };
    let mut generations = BTreeMap::new();
    let mut facts = Vec::new();
    for receipt in receipts.iter().filter(|receipt| super::is_done(receipt)) {
        if let Some(done) = permission_used(look, &receipt.action) {
            facts.push(done);
        }
        let Some((store, profile, value)) = written_value(receipt) else { continue };
        if in_base(profile, value) {
            generations.insert(profile.clone(), value);
        } else if !look.desired.scope.agents.is_empty() && look.desired.wish.is_none() {
            facts.push(Fact::Kept {
                agent: owner_of(&look.observed, store),
                profile: profile.clone(),
                fingerprint: value,
                by: KeptBy::Person,
            });
        }
    }
    facts.extend(receipts.iter().filter_map(|receipt| delivered(look, receipt)));
    facts.extend(marks_moved(look, receipts, &facts));
    facts.extend(generations.iter().map(|(profile, value)| written(profile, *value)));
    facts
}

/// Says that a store holds now what the vault wants of a profile.
fn delivered(look: &Look, receipt: &Receipt) -> Option<Fact> {
    let wish = look.desired.wish.as_ref().filter(|_| super::is_done(receipt))?;
    let then = simulate(&look.observed, &receipt.action);
    let (store, profile) = super::place(&receipt.action);
    let fingerprint = wish.as_wanted(&then, &store, &profile)?;
    Some(Fact::Delivered { store, profile, fingerprint })
}

/// What we put somewhere ourselves, or took away, is no value that somebody else overwrote: a person's mark goes on with the value that
/// stands there now, and one that rests on an acceptance ends with the value that was accepted.
fn marks_moved(look: &Look, receipts: &[Receipt], marked: &[Fact]) -> Vec<Fact> {
    let mut facts = Vec::new();
    for receipt in receipts.iter().filter(|receipt| super::is_done(receipt)) {
        let (store, profile, value) = match &receipt.action {
            Action::Replace { store, profile, value, .. } | Action::Insert { store, profile, value, .. } => {
                (store, profile, Some(*value))
            }
            Action::Remove { store, profile, .. } | Action::RemoveShadow { store, profile, .. } => {
                (store, profile, None)
            }
            _ => continue,
        };
        for agent in look.observed.agents_of(store).map(|agent| agent.id.clone()) {
            let Some(mark) = look.knowledge.kept.get(&(agent.clone(), profile.clone())) else { continue };
            let again = marked.iter().any(|fact| {
                matches!(fact, Fact::Kept { agent: of, profile: which, .. } if *of == agent && which == profile)
            });
            if again || Some(mark.fingerprint) == value {
                continue;
            }
            let profile = profile.clone();
            facts.push(match value.filter(|_| mark.by == KeptBy::Person) {
                Some(fingerprint) => Fact::Kept { agent, profile, fingerprint, by: KeptBy::Person },
                None => Fact::KeptUndone { agent, profile },
            });
        }
    }
    facts
}

/// Returns what an action put where; `None` when it put no value anywhere.
fn written_value(receipt: &Receipt) -> Option<(&StoreId, &ProfileId, Fingerprint)> {
    match &receipt.action {
        Action::Replace { store, profile, value, .. } | Action::Insert { store, profile, value, .. } => {
            Some((store, profile, *value))
        }
        _ => None,
    }
}

/// A permission to replace is for the value that stood there: it ends with that value, or the same value could never be put there on
/// purpose again.
fn permission_used(look: &Look, action: &Action) -> Option<Fact> {
    let (Action::Replace { store, profile, expect, .. }
    | Action::RemoveShadow { store, profile, expect, .. }) = action
    else {
        return None;
    };
    if look.knowledge.replace.is_empty() {
        return None;
    }
    let agents = look.observed.agents_of(store).map(|agent| agent.id.clone());
    let mut names = agents.chain([owner_of(&look.observed, store)]);
    let agent =
        names.find(|name| look.knowledge.replace.get(&(name.clone(), profile.clone())) == Some(expect))?;
    Some(Fact::Replaced { agent, profile: profile.clone(), fingerprint: *expect })
}

fn written(profile: &ProfileId, fingerprint: Fingerprint) -> Fact {
    Fact::Generation { profile: profile.clone(), fingerprint, origin: GenerationOrigin::Written }
}
