//! Which values are worth a question to their providers.

use keyshoal_core::judge::{endpoint_of, owner_of};
use keyshoal_core::{
    Ask, CredentialKind, Desired, Endpoint, Fingerprint, Knowledge, Material, Observation, ProfileId,
    ProfileView, StoreId, Timestamp, VerdictKind,
};
use std::collections::{BTreeMap, BTreeSet};

/// How long a remembered answer stands for a fresh one, in seconds: shorter for an acceptance, which ends without notice.
const ACCEPTED_STANDS: i64 = 15 * 60;
const DEAD_STANDS: i64 = 24 * 60 * 60;

/// Collects questions, one per value and endpoint.
#[derive(Default)]
struct Asks(BTreeMap<(Fingerprint, String), Ask>);

impl Asks {
    fn add(&mut self, fingerprint: Fingerprint, kind: &CredentialKind, endpoint: Endpoint) {
        let ask = || Ask { fingerprint, kind: kind.clone(), endpoint: endpoint.clone() };
        self.0.entry((fingerprint, endpoint.key())).or_insert_with(ask);
    }

    fn add_view(&mut self, view: &ProfileView, endpoint: Endpoint) {
        if let (Material::Inline(value), CredentialKind::ApiKey | CredentialKind::Token) =
            (&view.material, &view.kind)
        {
            self.add(*value, &view.kind, endpoint);
        }
    }
}

/// Returns each distinct question worth asking: values that differ and the source's value beside them, at each distinct endpoint of
/// those who hold them. With `all`, every plain value. References, fences and OAuth logins are never asked about.
pub(crate) fn asks_of(observed: &Observation, desired: &Desired, now: Timestamp, all: bool) -> BTreeSet<Ask> {
    let mut asks = Asks::default();
    for (profile, value) in &desired.values {
        let scope = &desired.scope;
        if !(scope.providers.is_empty() || scope.providers.contains(&value.provider))
            || !(scope.profiles.is_empty() || scope.profiles.contains(profile))
        {
            continue;
        }
        let mut endpoints = BTreeSet::new();
        for (store, view) in differing(observed, profile, value.fingerprint) {
            for endpoint in endpoints_of(observed, store, view) {
                asks.add_view(view, endpoint.clone());
                endpoints.insert(endpoint);
            }
        }
        let held_back = observed
            .stores
            .values()
            .any(|store| store.usage.get(profile).is_some_and(|mark| mark.auth_block_at(now)));
        let given = value.store.is_none();
        if given || all || held_back || !endpoints.is_empty() {
            let owner = owner_of(observed, value.store.as_ref().unwrap_or(&StoreId::Base));
            endpoints.insert(endpoint_of(observed, &owner, &value.provider));
            if given || held_back || all {
                let using =
                    observed.agents.iter().filter_map(|agent| agent.endpoints.get(&value.provider).cloned());
                endpoints.extend(using);
            }
            if !value.is_ref && value.kind != CredentialKind::OAuth {
                for endpoint in endpoints {
                    asks.add(value.fingerprint, &value.kind, endpoint);
                }
            }
        }
    }
    if all {
        for (id, store) in &observed.stores {
            for view in store.profiles.values() {
                for endpoint in endpoints_of(observed, id, view) {
                    asks.add_view(view, endpoint);
                }
            }
        }
    }
    asks.0.into_values().collect()
}

/// Leaves out what was answered with certainty a short while ago.
pub(crate) fn not_remembered(asks: BTreeSet<Ask>, knowledge: &Knowledge, now: Timestamp) -> BTreeSet<Ask> {
    let remembered = |ask: &Ask| {
        knowledge.verdict(ask.fingerprint, &ask.endpoint).is_some_and(|verdict| {
            let age = now.duration_since(verdict.at).as_secs();
            match verdict.kind {
                VerdictKind::Ok => age < ACCEPTED_STANDS,
                kind if kind.is_dead() => age < DEAD_STANDS,
                _ => false,
            }
        })
    };
    asks.into_iter().filter(|ask| !remembered(ask)).collect()
}

fn differing<'a>(
    observed: &'a Observation,
    profile: &'a ProfileId,
    value: Fingerprint,
) -> impl Iterator<Item = (&'a StoreId, &'a ProfileView)> {
    observed.stores.iter().filter_map(move |(id, store)| {
        let view = store.profiles.get(profile)?;
        (view.material.fingerprint()? != value).then_some((id, view))
    })
}

/// Returns whom the agents of a store ask about a profile: their own endpoints; for a base store that is nobody's, everybody's.
fn endpoints_of(observed: &Observation, store: &StoreId, view: &ProfileView) -> BTreeSet<Endpoint> {
    let own: BTreeSet<Endpoint> =
        observed.agents_of(store).map(|agent| endpoint_of(observed, &agent.id, &view.provider)).collect();
    if own.is_empty() {
        return BTreeSet::from([endpoint_of(observed, &owner_of(observed, store), &view.provider)]);
    }
    own
}
