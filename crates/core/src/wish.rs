//! What a vault wants the agents of an instance to hold, by fingerprints.

use crate::{AgentId, Fingerprint, ProfileId, ProviderId, SourceValue, Timestamp};
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
    /// Profiles that a person has taken back to an earlier value: it is brought to the agents even if its provider rejects it.
    pub taken_back: BTreeSet<ProfileId>,
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

    /// Tells whether the vault has ever had this value of a profile, shared or for anybody.
    pub fn has_had(&self, profile: &ProfileId, value: Fingerprint) -> bool {
        let shared = self.shared.get(profile).into_iter();
        let own = self.own.iter().filter(|((_, id), _)| id == profile).map(|(_, line)| line);
        shared.chain(own).any(|line| line.has_had(value))
    }
}
