//! What a vault wants the agents of an instance to hold, by fingerprints.

use crate::{
    AgentId, Fingerprint, Observation, ProfileId, ProviderId, SourceValue, StoreHealth, StoreId, Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that a vault wants of one instance's stores.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Wish {
    /// What all agents share, by profile.
    pub shared: BTreeMap<ProfileId, Line>,
    /// What one agent shall hold of its own: overrides, and the first agents of a rotation.
    pub own: BTreeMap<(AgentId, ProfileId), Line>,
    /// Which of those are no overrides: a rotation gives the agent its new version before the others get it.
    pub early: BTreeSet<(AgentId, ProfileId)>,
    /// Agents that the vault has disabled or removed, and the earlier ids of those that it has renamed: they end with nothing that the vault gave them.
    pub leaving: BTreeSet<AgentId>,
    /// The earlier ids of agents that the vault has renamed, and what they are called now.
    pub renamed: BTreeMap<AgentId, AgentId>,
    /// What a person is giving one agent right now: that goes before what is kept there.
    pub given: BTreeSet<(AgentId, ProfileId)>,
    /// What one agent has alone and is being rotated: a mark there holds nothing up, and what somebody else has put there is asked about.
    pub rotating: BTreeSet<(AgentId, ProfileId)>,
    /// Profiles that a person has taken back to an earlier value: it is brought to the agents even if its provider rejects it.
    pub taken_back: BTreeSet<ProfileId>,
    /// Whether it is what the vault would want, once a person agrees: until then nobody has put anything anywhere by it.
    pub proposed: bool,
}

/// One credential of a vault: its present value and all that it ever had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What shall be held; `None` when it was withdrawn: then nobody shall hold any of its values.
    pub value: Option<SourceValue>,
    /// Every value that the vault has had of it and has not forgotten, the oldest first. The present one is among them.
    pub known: Vec<Fingerprint>,
    /// Those that came after the present one: staged, or taken back.
    pub newer: BTreeSet<Fingerprint>,
    /// Those of them that are staged: they have not been current yet, so nobody was given them but the first agents of a rotation.
    pub staged: BTreeSet<Fingerprint>,
    /// Which provider it is for.
    pub provider: ProviderId,
    /// When the vault first had it. What the source held before that was an earlier value.
    pub since: Timestamp,
}

impl Line {
    /// Returns which value shall be held; `None` when it was withdrawn.
    pub fn wanted(&self) -> Option<Fingerprint> {
        self.value.as_ref().map(|value| value.fingerprint)
    }

    /// Tells whether the vault has ever had this value of it.
    pub fn has_had(&self, value: Fingerprint) -> bool {
        self.known.contains(&value)
    }
}

impl Wish {
    /// Returns the shared values: what is right for every agent without an override.
    pub fn values(&self) -> BTreeMap<ProfileId, SourceValue> {
        self.shared.iter().filter_map(|(id, line)| Some((id.clone(), line.value.clone()?))).collect()
    }

    /// Returns what an agent shall hold of its own.
    pub fn own_value(&self, agent: &AgentId, profile: &ProfileId) -> Option<&SourceValue> {
        self.own.get(&(agent.clone(), profile.clone()))?.value.as_ref()
    }

    /// Returns whether a store holds of a profile what is wanted there, and which value that is: none is right where none is wanted, and
    /// where the agent inherits what all share. `None`: it does not, or nobody can tell.
    pub fn as_wanted(
        &self,
        observed: &Observation,
        store: &StoreId,
        profile: &ProfileId,
    ) -> Option<Option<Fingerprint>> {
        let view = observed.store(store)?;
        if matches!(view.health, StoreHealth::Unreadable(_) | StoreHealth::NewerSchema { .. }) {
            return None;
        }
        let held = match view.profiles.get(profile) {
            Some(held) => Some(held.material.fingerprint()?),
            None => None,
        };
        let own = match store {
            StoreId::Base => None,
            StoreId::Agent(_) => {
                let mut users = observed.agents_of(store);
                let user = users.next()?;
                self.own_value(&user.id, profile).filter(|_| users.next().is_none())
            }
        };
        let shared = || self.shared.get(profile).and_then(Line::wanted);
        let wanted = own.map(|own| own.fingerprint).or_else(shared);
        let inherits = *store != StoreId::Base && own.is_none() && observed.capabilities.reads_through;
        (held == wanted || inherits && held.is_none()).then_some(held)
    }

    /// Returns every profile that the vault has, or has had, for this store.
    pub fn profiles_of<'w>(
        &'w self,
        observed: &'w Observation,
        store: &'w StoreId,
    ) -> impl Iterator<Item = &'w ProfileId> {
        let own = self.own.keys().filter(move |(id, profile)| {
            *store != StoreId::Base
                && !self.shared.contains_key(profile)
                && observed.agents_of(store).any(|agent| agent.id == *id)
        });
        self.shared.keys().chain(own.map(|(_, profile)| profile))
    }

    /// Tells whether the vault has ever had this value of a profile, shared or for anybody.
    pub fn has_had(&self, profile: &ProfileId, value: Fingerprint) -> bool {
        let shared = self.shared.get(profile).into_iter();
        let own = self.own.iter().filter(|((_, id), _)| id == profile).map(|(_, line)| line);
        shared.chain(own).any(|line| line.has_had(value))
    }
}
