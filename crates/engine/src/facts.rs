//! What a look teaches.

use keyshoal_core::judge::owner_of;
use keyshoal_core::knowledge::GenerationOrigin;
use keyshoal_core::{Fact, Knowledge, Observation, StoreHealth, StoreId, Wish, activation};

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
    let readable = base.filter(|base| !matches!(base.health, StoreHealth::Unreadable(_)));
    let wanted = readable.and(wish).into_iter().flat_map(|wish| &wish.shared);
    for (profile, line) in wanted {
        let held = readable.and_then(|base| base.profiles.get(profile));
        let fingerprint = line.wanted();
        let as_wanted = held.and_then(|held| held.material.fingerprint()) == fingerprint
            && held.is_some() == fingerprint.is_some();
        if as_wanted && knowledge.delivered.get(profile) != Some(&fingerprint) {
            facts.push(Fact::Delivered { profile: profile.clone(), fingerprint });
        }
    }
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
