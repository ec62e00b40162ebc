//! What a look teaches.

use keyshoal_core::judge::owner_of;
use keyshoal_core::knowledge::GenerationOrigin;
use keyshoal_core::{Fact, Knowledge, Observation, StoreId, Wish, activation};

/// Returns what an observation teaches that is not known yet: the base store's values as generations, older values found
/// elsewhere as residue, which agent has which value, and what the gateway holds where that is certain.
///
/// Where a vault is the source, what stands in the base store and was never in the vault is no generation.
pub(crate) fn facts_of(observed: &Observation, knowledge: &Knowledge, wish: Option<&Wish>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let base = observed.store(&StoreId::Base);
    for (profile, fingerprint) in &observed.earlier {
        let present =
            base.and_then(|base| base.profiles.get(profile)).and_then(|view| view.material.fingerprint());
        if present != Some(*fingerprint) && !knowledge.known_values(profile).contains(fingerprint) {
            let (profile, fingerprint) = (profile.clone(), *fingerprint);
            facts.push(Fact::Generation { profile, fingerprint, origin: GenerationOrigin::Residue });
        }
    }
    for (profile, view) in base.into_iter().flat_map(|base| &base.profiles) {
        let Some(fingerprint) = view.material.fingerprint() else { continue };
        if view.material.leads_nowhere().is_some() {
            // The value is none, and comes back with the file.
            continue;
        }
        let lines = wish.and_then(|wish| wish.shared.get(profile));
        let the_sources = lines.is_none_or(|line| line.has_had(fingerprint));
        if the_sources && !knowledge.known_values(profile).contains(&fingerprint) {
            let profile = profile.clone();
            facts.push(Fact::Generation { profile, fingerprint, origin: GenerationOrigin::Seen });
        }
    }
    let agreed = wish.filter(|wish| !wish.proposed);
    facts.extend(agreed.into_iter().flat_map(|wish| delivered(observed, knowledge, wish)));
    for (id, store) in &observed.stores {
        let agent = owner_of(observed, id);
        for (profile, view) in &store.profiles {
            let Some(fingerprint) = view.material.fingerprint() else { continue };
            if !knowledge.first_seen.contains_key(&(agent.clone(), profile.clone(), fingerprint)) {
                facts.push(Fact::Sighting { agent: agent.clone(), profile: profile.clone(), fingerprint });
            }
        }
    }
    facts.extend(activation::certain(observed, knowledge).map(|digest| Fact::Activated { digest }));
    facts
}

/// Returns which stores hold what the vault wants there, and held something else when they were last so.
pub(crate) fn delivered(observed: &Observation, knowledge: &Knowledge, wish: &Wish) -> Vec<Fact> {
    let mut facts = Vec::new();
    for store in observed.stores.keys() {
        for profile in wish.profiles_of(observed, store) {
            let Some(fingerprint) = wish.as_wanted(observed, store, profile) else { continue };
            let place = (store.clone(), profile.clone());
            if knowledge.delivered.get(&place) != Some(&fingerprint) {
                facts.push(Fact::Delivered { store: place.0, profile: place.1, fingerprint });
            }
        }
    }
    facts
}
