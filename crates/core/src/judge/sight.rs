//! What judging looks at, with the questions it asks of it.

use super::{SourceState, owner_of};
use crate::{
    AgentId, AgentView, CredentialKind, Desired, Endpoint, Fingerprint, Knowledge, Observation, ProfileId,
    ProfileView, ProviderId, SourceOf, SourceValue, StoreHealth, StoreId, StoreView, Timestamp, Verdict,
    VerdictKind,
    knowledge::{KeptBy, KeptMark},
};
use std::collections::{BTreeMap, BTreeSet};

/// Holds what one judgement is made of.
pub struct Sight<'a> {
    /// What was seen.
    pub observed: &'a Observation,
    /// What should be.
    pub desired: &'a Desired,
    /// What is known.
    pub knowledge: &'a Knowledge,
    /// The time of the judgement.
    pub now: Timestamp,
    agents: BTreeMap<&'a AgentId, &'a AgentView>,
    users: BTreeMap<&'a StoreId, Vec<&'a AgentView>>,
}

impl<'a> Sight<'a> {
    /// Begins to look. A fleet has a thousand agents, so what is looked up for each of them has an index.
    pub fn new(
        observed: &'a Observation,
        desired: &'a Desired,
        knowledge: &'a Knowledge,
        now: Timestamp,
    ) -> Self {
        let mut agents = BTreeMap::new();
        let mut users: BTreeMap<&StoreId, Vec<&AgentView>> = BTreeMap::new();
        for agent in &observed.agents {
            agents.entry(&agent.id).or_insert(agent);
            users.entry(&agent.store).or_default().push(agent);
        }
        Self { observed, desired, knowledge, now, agents, users }
    }

    /// Returns the agents that keep their profiles in this store: mostly one, several where their directories are one.
    pub fn users(&self, store: &StoreId) -> &[&'a AgentView] {
        self.users.get(store).map_or(&[], Vec::as_slice)
    }

    /// Returns the first of them; of a store that was left behind, whose it was.
    pub fn user(&self, store: &StoreId) -> Option<AgentId> {
        let user = self.users(store).first().map(|agent| &agent.id);
        user.or(store.agent().filter(|_| self.is_left_behind(store))).cloned()
    }

    /// Tells whether it is the store of an agent that is in the roster no more.
    pub fn is_left_behind(&self, store: &StoreId) -> bool {
        store.agent().is_some() && self.users(store).is_empty()
    }

    /// Returns the name under which marks of a store are kept.
    pub fn owner(&self, store: &StoreId) -> AgentId {
        match (store, self.users(store).first()) {
            (StoreId::Base, Some(agent)) => agent.id.clone(),
            _ => owner_of(self.observed, store),
        }
    }

    /// Returns whom an agent asks: its own endpoint, else another agent's for the same provider, else the one that it would ask.
    pub fn endpoint(&self, agent: &AgentId, provider: &ProviderId) -> Endpoint {
        let own = self.agents.get(agent).and_then(|agent| agent.endpoints.get(provider));
        own.cloned().unwrap_or_else(|| endpoint_of(self.observed, agent, provider))
    }

    /// Returns what the provider last said of a value at an agent's endpoint.
    pub fn verdict(&self, agent: &AgentId, provider: &ProviderId, value: Fingerprint) -> Option<&'a Verdict> {
        self.knowledge.verdict(value, &self.endpoint(agent, provider))
    }

    /// Returns the kind of that verdict; a bearer token whose time is over needs no provider to be dead.
    pub fn verdict_kind(&self, agent: &AgentId, view: &ProfileView) -> VerdictKind {
        if view.kind == CredentialKind::Token && view.expires.is_some_and(|end| end <= self.now) {
            return VerdictKind::Expired;
        }
        view.material
            .fingerprint()
            .and_then(|value| self.verdict(agent, &view.provider, value))
            .map_or(VerdictKind::NotAsked, |verdict| verdict.kind)
    }

    /// Tells whether it was found out too long ago that a provider refuses what a profile holds.
    pub(super) fn was_refused_long_ago(&self, agent: &AgentId, view: &ProfileView) -> bool {
        let over = view.kind == CredentialKind::Token && view.expires.is_some_and(|end| end <= self.now);
        !over && self.said_of(agent, view).is_some_and(|said| said.is_old_refusal(self.now))
    }

    /// Returns as a clause what is known of what a profile holds.
    pub(super) fn clause(&self, agent: &AgentId, view: &ProfileView) -> String {
        match self.said_of(agent, view) {
            Some(said) if self.was_refused_long_ago(agent, view) => said.clause(self.now),
            _ => self.verdict_kind(agent, view).clause().to_owned(),
        }
    }

    fn said_of(&self, agent: &AgentId, view: &ProfileView) -> Option<&'a Verdict> {
        self.verdict(agent, &view.provider, view.material.fingerprint()?)
    }

    /// Returns what is known of the source's value at an agent's endpoint.
    pub fn source_verdict(&self, agent: &AgentId, profile: &ProfileId) -> VerdictKind {
        self.desired.values.get(profile).map_or(VerdictKind::NotAsked, |value| self.verdict_of(agent, value))
    }

    /// Returns what is known of a right value at an agent's endpoint.
    pub fn verdict_of(&self, agent: &AgentId, value: &SourceValue) -> VerdictKind {
        if value.kind == CredentialKind::Token && value.expires.is_some_and(|end| end <= self.now) {
            return VerdictKind::Expired;
        }
        self.verdict(agent, &value.provider, value.fingerprint)
            .map_or(VerdictKind::NotAsked, |verdict| verdict.kind)
    }

    /// Returns every distinct endpoint at which the roster asks this provider.
    pub fn endpoints(&self, provider: &ProviderId) -> BTreeSet<Endpoint> {
        let mut all: BTreeSet<Endpoint> =
            self.observed.agents.iter().filter_map(|agent| agent.endpoints.get(provider).cloned()).collect();
        if all.is_empty() {
            all.insert(self.observed.would_ask(provider));
        }
        all
    }

    /// Returns how the source stands for a profile, before the question which store is the source.
    pub fn source_health(&self, profile: &ProfileId) -> SourceState {
        let Some(value) = self.desired.values.get(profile) else { return SourceState::Usable };
        if self.source_is_dead(profile) {
            return SourceState::Rejected;
        }
        match self.newest_seen(profile) {
            Some(newest)
                if newest != value.fingerprint
                    && value.kind != CredentialKind::OAuth
                    && self.is_known(profile, value.fingerprint)
                    && !self.source_is_newest(profile) =>
            {
                SourceState::Reverted { newest }
            }
            _ => SourceState::Usable,
        }
    }

    /// Tells whether the source's value is dead: where its own agent asks, else anywhere without being accepted elsewhere.
    fn source_is_dead(&self, profile: &ProfileId) -> bool {
        let Some(value) = self.desired.values.get(profile) else { return false };
        if value.kind == CredentialKind::Token && value.expires.is_some_and(|end| end <= self.now) {
            return true;
        }
        // What cannot even be a key of its provider needs nobody to be asked.
        let unusable = |kind: VerdictKind| kind.is_dead() || kind == VerdictKind::MalformedKey;
        let asks_itself = |owner: &AgentId| {
            self.agents.get(owner).is_some_and(|agent| agent.endpoints.contains_key(&value.provider))
        };
        let owner = value.store.as_ref().map(|store| self.owner(store)).filter(asks_itself);
        let own = owner.map(|owner| self.source_verdict(&owner, profile));
        match own {
            Some(kind) if unusable(kind) => true,
            Some(kind) if kind.is_accepted() => false,
            _ => {
                let all: Vec<VerdictKind> = self
                    .endpoints(&value.provider)
                    .iter()
                    .map(|endpoint| self.knowledge.verdict_kind(value.fingerprint, endpoint))
                    .collect();
                all.iter().any(|kind| kind.is_dead()) && !all.iter().any(|kind| kind.is_accepted())
            }
        }
    }

    /// Returns why a store must not be written, if so.
    pub fn not_writable(&self, store: &StoreId) -> Option<String> {
        self.observed.not_writable(store)
    }

    /// Tells whether an agent without a profile of this kind uses the base store's.
    pub fn reads_through(&self, kind: &CredentialKind) -> bool {
        match kind {
            CredentialKind::OAuth => self.observed.capabilities.oauth_reads_through,
            _ => self.observed.capabilities.reads_through,
        }
    }

    /// Returns the profile that agents of a store use for an id: the store's own, else the base store's.
    pub fn effective(&self, store: &StoreId, profile: &ProfileId) -> Option<(StoreId, &'a ProfileView)> {
        if let Some(own) = self.observed.profile(store, profile) {
            return Some((store.clone(), own));
        }
        let base = self.observed.profile(&StoreId::Base, profile)?;
        self.reads_through(&base.kind).then_some((StoreId::Base, base))
    }

    /// Returns the stores into which a value that the person has just given goes, whatever they hold.
    ///
    /// These are the own stores of the agents that the run is limited to; else the base store; else, for a profile that the base
    /// store does not have, the one into which the program's commands write, or the only one that has it. Without any of these
    /// the value is added to the base store.
    pub fn given_targets(&self, profile: &ProfileId) -> BTreeSet<StoreId> {
        if self.desired.source != SourceOf::Given || !self.desired.values.contains_key(profile) {
            return BTreeSet::new();
        }
        let holders: BTreeSet<StoreId> = self
            .observed
            .stores
            .iter()
            .filter(|(_, store)| store.profiles.contains_key(profile))
            .map(|(id, _)| id.clone())
            .collect();
        let only = &self.desired.scope.agents;
        if !only.is_empty() {
            let named = |store: &StoreId| self.users(store).iter().any(|agent| only.contains(&agent.id));
            return holders.into_iter().filter(named).collect();
        }
        if holders.contains(&StoreId::Base) {
            return BTreeSet::from([StoreId::Base]);
        }
        let written = &self.observed.program_writes_to;
        let one = if holders.len() == 1 { holders.first() } else { holders.get(written) };
        // Who has said that it is this agent's own is asked for that agent by name.
        one.filter(|store| !self.is_kept_by_person(store, profile)).cloned().into_iter().collect()
    }

    /// Tells whether a person has said that this store's profile is a deliberate override of one of its agents.
    pub fn is_kept_by_person(&self, store: &StoreId, profile: &ProfileId) -> bool {
        self.marks(store, profile).any(|mark| mark.by == KeptBy::Person)
    }

    /// Returns the marks that say something of a copy: of its owner, and of every other agent that keeps its profiles there.
    pub fn marks(&self, store: &StoreId, profile: &ProfileId) -> impl Iterator<Item = &'a KeptMark> {
        self.names(store).filter_map(|name| self.knowledge.kept.get(&(name, profile.clone())))
    }

    /// Returns the names under which marks of a store may stand.
    pub fn names(&self, store: &StoreId) -> impl Iterator<Item = AgentId> {
        let others = self.users(store).iter().map(|agent| agent.id.clone());
        std::iter::once(self.owner(store)).chain(others)
    }

    /// Returns the base store, when it can be read.
    pub fn base(&self) -> Option<&'a StoreView> {
        self.observed.store(&StoreId::Base).filter(|base| is_readable(base))
    }
}

/// Tells whether a store was read.
pub(crate) fn is_readable(store: &StoreView) -> bool {
    matches!(store.health, StoreHealth::Ok | StoreHealth::Absent | StoreHealth::Empty)
}

/// Returns whom an agent asks: its own endpoint, else another agent's for the same provider, else the one that it would ask.
pub fn endpoint_of(observed: &Observation, agent: &AgentId, provider: &ProviderId) -> Endpoint {
    observed
        .agent(agent)
        .and_then(|agent| agent.endpoints.get(provider))
        .or_else(|| observed.agents.iter().filter_map(|agent| agent.endpoints.get(provider)).min())
        .cloned()
        .unwrap_or_else(|| observed.would_ask(provider))
}
