//! What changed between two looks at one instance.

mod config_key;

use crate::{AgentId, CredentialKind, Fingerprint, Observation, ProfileId, ProviderId, StoreId, StoreView};
use serde::Serialize;
use std::collections::BTreeSet;

/// One thing that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// A profile came into a store, went, or holds another value or type.
    Profile {
        /// Which store.
        store: StoreId,
        /// Which profile.
        profile: ProfileId,
        /// What stood there.
        before: Option<Held>,
        /// What stands there.
        after: Option<Held>,
    },
    /// A store's own order of a provider's profiles.
    Order {
        /// Which store.
        store: StoreId,
        /// Which provider.
        provider: ProviderId,
        /// As it was.
        before: Vec<ProfileId>,
        /// As it is.
        after: Vec<ProfileId>,
    },
    /// The type that the config demands of a profile.
    Mode {
        /// Which profile.
        profile: ProfileId,
        /// As it was.
        before: Option<CredentialKind>,
        /// As it is.
        after: Option<CredentialKind>,
    },
    /// The key that the config itself holds for a provider was set, changed or taken out.
    ConfigKey {
        /// Which provider.
        provider: ProviderId,
        /// What stood there; `None` where nothing stood there, or a variable without a value.
        before: Option<Fingerprint>,
        /// What stands there.
        after: Option<Fingerprint>,
        /// The agents that send something else to the provider because of it.
        affected: Vec<AgentId>,
        /// The agents that try it, before or now, when what they send first fails.
        fallback_of: Vec<AgentId>,
    },
    /// A cooldown or disabled mark was set or has gone.
    Mark {
        /// Which store.
        store: StoreId,
        /// Which profile.
        profile: ProfileId,
        /// OpenClaw's word for why, before.
        before: Option<String>,
        /// And after.
        after: Option<String>,
    },
    /// An agent came into the roster, or went.
    Roster {
        /// Which.
        agent: AgentId,
        /// It came.
        came: bool,
    },
}

/// What a profile holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Its value, or the reference that it names.
    pub fingerprint: Option<Fingerprint>,
    /// Its type.
    pub r#type: CredentialKind,
}

/// Returns what changed, the stores in their order.
pub fn changes(before: &Observation, after: &Observation) -> Vec<Change> {
    let mut found = Vec::new();
    let roster = |observed: &Observation| -> BTreeSet<AgentId> {
        observed.agents.iter().map(|agent| agent.id.clone()).collect()
    };
    let (old, new) = (roster(before), roster(after));
    found.extend(
        old.symmetric_difference(&new)
            .map(|agent| Change::Roster { agent: agent.clone(), came: new.contains(agent) }),
    );
    for profile in union(before.modes.keys(), after.modes.keys()) {
        let (before, after) = (before.modes.get(profile).cloned(), after.modes.get(profile).cloned());
        if before != after {
            found.push(Change::Mode { profile: profile.clone(), before, after });
        }
    }
    found.extend(config_key::changes(before, after));
    for store in union(before.stores.keys(), after.stores.keys()) {
        of_store(store, before.store(store), after.store(store), &mut found);
    }
    found
}

fn of_store(id: &StoreId, before: Option<&StoreView>, after: Option<&StoreView>, found: &mut Vec<Change>) {
    let held = |view: Option<&StoreView>, profile: &ProfileId| {
        let profile = view?.profiles.get(profile)?;
        Some(Held { fingerprint: profile.material.fingerprint(), r#type: profile.kind.clone() })
    };
    let profiles = |view: Option<&StoreView>| -> BTreeSet<ProfileId> {
        view.into_iter().flat_map(|view| view.profiles.keys().cloned()).collect()
    };
    for profile in profiles(before).union(&profiles(after)) {
        let (before, after) = (held(before, profile), held(after, profile));
        if before != after {
            found.push(Change::Profile { store: id.clone(), profile: profile.clone(), before, after });
        }
    }
    let order = |view: Option<&StoreView>, provider: &ProviderId| -> Vec<ProfileId> {
        view.and_then(|view| view.order.get(provider)).cloned().unwrap_or_default()
    };
    let ordered = |view: Option<&StoreView>| -> BTreeSet<ProviderId> {
        view.into_iter().flat_map(|view| view.order.keys().cloned()).collect()
    };
    for provider in ordered(before).union(&ordered(after)) {
        let (before, after) = (order(before, provider), order(after, provider));
        if before != after {
            found.push(Change::Order { store: id.clone(), provider: provider.clone(), before, after });
        }
    }
    let mark = |view: Option<&StoreView>, profile: &ProfileId| {
        let usage = view?.usage.get(profile)?;
        usage.disabled.as_ref().or(usage.cooldown.as_ref()).map(|(_, why)| why.clone())
    };
    let used = |view: Option<&StoreView>| -> BTreeSet<ProfileId> {
        view.into_iter().flat_map(|view| view.usage.keys().cloned()).collect()
    };
    for profile in used(before).union(&used(after)) {
        let (before, after) = (mark(before, profile), mark(after, profile));
        if before != after {
            found.push(Change::Mark { store: id.clone(), profile: profile.clone(), before, after });
        }
    }
}

fn union<'a, T: Ord>(
    one: impl Iterator<Item = &'a T>,
    other: impl Iterator<Item = &'a T>,
) -> BTreeSet<&'a T> {
    one.chain(other).collect()
}
