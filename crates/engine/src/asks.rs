//! Which values are worth a question to their providers.

use keyshoal_core::judge::{Sight, SourceState, endpoint_of, owner_of};
use keyshoal_core::{
    AgentView, Ask, CredentialKind, Desired, Endpoint, Fingerprint, Knowledge, Observation, Place, ProfileId,
    ProfileView, SourceValue, StoreId, Timestamp, VerdictKind,
};
use std::collections::{BTreeMap, BTreeSet};

/// How long a remembered acceptance stands for a fresh one, in seconds: shorter than a refusal, as it ends without notice.
const ACCEPTED_STANDS: i64 = 15 * 60;

/// Collects questions, one per value and endpoint.
#[derive(Default)]
struct Asks(BTreeMap<(Fingerprint, String), Ask>);

impl Asks {
    fn add(&mut self, fingerprint: Fingerprint, kind: &CredentialKind, endpoint: Endpoint) {
        let ask = || Ask { fingerprint, kind: kind.clone(), endpoint: endpoint.clone() };
        self.0.entry((fingerprint, endpoint.key())).or_insert_with(ask);
    }

    fn add_view(&mut self, view: &ProfileView, endpoint: Endpoint) {
        if let (Some(value), CredentialKind::ApiKey | CredentialKind::Token) =
            (view.material.value(), &view.kind)
        {
            self.add(value, &view.kind, endpoint);
        }
    }
}

/// Returns each distinct question worth asking: values that differ, at each distinct endpoint of those who hold them, and the
/// source's value where its own agent asks. With `all`, every plain value. References, fences and OAuth logins are never asked about.
///
/// An endpoint of somebody else's sees the source's value only when that is about to be sent there: when what its agent holds is dead,
/// and nobody has said that it is the agent's own. So a second call, when the first answers are known, may return more.
pub(crate) fn asks_of(
    observed: &Observation,
    desired: &Desired,
    knowledge: &Knowledge,
    now: Timestamp,
    all: bool,
) -> BTreeSet<Ask> {
    let mut asks = Asks::default();
    let sight = Sight::new(observed, desired, knowledge, now);
    for (profile, value) in &desired.values {
        if !desired.scope.includes_profile(profile, &value.provider) {
            continue;
        }
        let mut endpoints = BTreeSet::new();
        let mut differs = false;
        for (store, view) in differing(observed, profile, value.fingerprint) {
            differs = true;
            let kept = sight.is_kept_by_person(store, profile);
            for endpoint in endpoints_of(observed, store, view) {
                asks.add_view(view, endpoint.clone());
                let own = view.material.fingerprint();
                if !kept && own.is_some_and(|own| knowledge.verdict_kind(own, &endpoint).is_dead()) {
                    endpoints.insert(endpoint);
                }
            }
        }
        let held_back = observed
            .used()
            .any(|(_, store)| store.usage.get(profile).is_some_and(|mark| mark.auth_block_at(now)));
        let given = value.store.is_none();
        let rejected = sight.source_health(profile) == SourceState::Rejected;
        if given || all || rejected || held_back || differs {
            let owner = owner_of(observed, value.store.as_ref().unwrap_or(&StoreId::Base));
            endpoints.insert(endpoint_of(observed, &owner, &value.provider));
            if given || held_back || all {
                endpoints.extend(endpoints_that_send(&sight, profile, value));
            }
            if !value.is_ref && value.kind != CredentialKind::OAuth {
                for endpoint in endpoints {
                    asks.add(value.fingerprint, &value.kind, endpoint);
                }
            }
        }
    }
    if all {
        for (id, store) in observed.used() {
            for view in store.profiles.values() {
                for endpoint in endpoints_of(observed, id, view) {
                    asks.add_view(view, endpoint);
                }
            }
        }
        for agent in &observed.agents {
            for (provider, endpoint) in &agent.endpoints {
                if agent.first(provider).is_some_and(|first| first.place == Place::NoKey) {
                    asks.add(Fingerprint::NO_KEY, &CredentialKind::ApiKey, endpoint.clone());
                }
            }
        }
    }
    asks.0.into_values().collect()
}

/// Returns the questions about what these stores hold of a profile, at the endpoints of those who use it.
pub(crate) fn asks_of_copies<'a>(
    observed: &Observation,
    copies: impl Iterator<Item = &'a (StoreId, ProfileId)>,
) -> BTreeSet<Ask> {
    let mut asks = Asks::default();
    for (store, profile) in copies {
        let Some(view) = observed.profile(store, profile) else { continue };
        for endpoint in endpoints_of(observed, store, view) {
            asks.add_view(view, endpoint);
        }
    }
    asks.0.into_values().collect()
}

/// Returns whom the agents ask that send the source's value, or would once it is spread: all but those with a copy that is their own.
fn endpoints_that_send(sight: &Sight<'_>, profile: &ProfileId, value: &SourceValue) -> BTreeSet<Endpoint> {
    let sends = |agent: &&AgentView| match sight.observed.profile(&agent.store, profile) {
        None => true,
        Some(own) => {
            own.material.fingerprint() == Some(value.fingerprint)
                || value.store.is_none() && !sight.is_kept_by_person(&agent.store, profile)
        }
    };
    let asked = sight.observed.agents.iter().filter(sends);
    asked.filter_map(|agent| agent.endpoints.get(&value.provider).cloned()).collect()
}

/// Leaves out what was answered with certainty a short while ago. What a person has just given is asked about in any case, and so is
/// what has failed at the program since it was accepted.
pub(crate) fn not_remembered(
    asks: BTreeSet<Ask>,
    observed: &Observation,
    desired: &Desired,
    knowledge: &Knowledge,
    now: Timestamp,
) -> BTreeSet<Ask> {
    let given = |one: &&SourceValue| one.store.is_none();
    let given: BTreeSet<Fingerprint> =
        desired.values.values().filter(given).map(|one| one.fingerprint).collect();
    let sources: BTreeSet<Fingerprint> = desired.values.values().map(|one| one.fingerprint).collect();
    let failed = failed_since(observed, desired, now);
    let remembered = |ask: &Ask| {
        knowledge.verdict(ask.fingerprint, &ask.endpoint).is_some_and(|verdict| {
            let age = now.duration_since(verdict.at).as_secs();
            match verdict.kind {
                VerdictKind::Ok if failed.get(&ask.fingerprint).is_some_and(|at| *at >= verdict.at) => false,
                VerdictKind::Ok => age < ACCEPTED_STANDS,
                // Everything waits for a source's value, and it may have been let in again: a remembered no holds nothing back.
                kind if kind.is_dead() && sources.contains(&ask.fingerprint) => false,
                kind if kind.is_dead() => !verdict.is_old_refusal(now),
                _ => false,
            }
        })
    };
    asks.into_iter().filter(|ask| given.contains(&ask.fingerprint) || !remembered(ask)).collect()
}

/// Returns when each of the source's values last failed at the program, where that holds agents back now.
fn failed_since(
    observed: &Observation,
    desired: &Desired,
    now: Timestamp,
) -> BTreeMap<Fingerprint, Timestamp> {
    let mut failed = BTreeMap::new();
    for (profile, value) in &desired.values {
        let marks = observed.used().filter_map(|(_, store)| store.usage.get(profile));
        let last = marks.filter(|mark| mark.auth_block_at(now)).filter_map(|mark| mark.last_failure).max();
        failed.extend(last.map(|last| (value.fingerprint, last)));
    }
    failed
}

fn differing<'a>(
    observed: &'a Observation,
    profile: &'a ProfileId,
    value: Fingerprint,
) -> impl Iterator<Item = (&'a StoreId, &'a ProfileView)> {
    observed.used().filter_map(move |(id, store)| {
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
