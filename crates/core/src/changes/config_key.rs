//! Keys in the config itself: what changed, and whose requests it concerns.

use super::{Change, union};
use crate::{AgentId, AgentView, Candidate, Observation, Place, ProviderId, Standing};
use std::collections::BTreeSet;

/// Returns the changes, one a provider.
pub(super) fn changes(before: &Observation, after: &Observation) -> Vec<Change> {
    let providers = union(before.config_keys.keys(), after.config_keys.keys());
    let changed =
        providers.into_iter().filter(|id| before.config_keys.get(*id) != after.config_keys.get(*id));
    changed.map(|provider| of_provider(provider, before, after)).collect()
}

fn of_provider(provider: &ProviderId, before: &Observation, after: &Observation) -> Change {
    let print = |observed: &Observation| observed.config_keys.get(provider)?.fingerprint();
    let agents: BTreeSet<&AgentId> =
        before.agents.iter().chain(&after.agents).map(|agent| &agent.id).collect();
    let (mut affected, mut fallback_of) = (Vec::new(), Vec::new());
    for agent in agents {
        let (old, new) = (before.agent(agent), after.agent(agent));
        if sends_other(provider, old, new) {
            affected.push(agent.clone());
        } else if [old, new].into_iter().flatten().any(|agent| falls_back(provider, agent)) {
            fallback_of.push(agent.clone());
        }
    }
    Change::ConfigKey {
        provider: provider.clone(),
        before: print(before),
        after: print(after),
        affected,
        fallback_of,
    }
}

/// Tells whether the agent's first candidate is another one because of the key: it is the key on one side, or the key is the name of a
/// profile, which binds it and is no candidate itself.
fn sends_other(provider: &ProviderId, before: Option<&AgentView>, after: Option<&AgentView>) -> bool {
    let first = |agent: Option<&AgentView>| agent.and_then(|agent| agent.first(provider)).cloned();
    let (old, new) = (first(before), first(after));
    let what = |one: &Option<Candidate>| {
        one.as_ref().map(|one| (one.profile.clone(), one.place.clone(), one.material.clone()))
    };
    let keyed = |one: &Option<Candidate>| one.as_ref().is_some_and(|one| one.place == Place::ConfigKey);
    let binds = ![before, after].into_iter().flatten().any(|agent| of_key(provider, agent).next().is_some());
    what(&old) != what(&new) && (keyed(&old) || keyed(&new) || binds)
}

fn falls_back(provider: &ProviderId, agent: &AgentView) -> bool {
    of_key(provider, agent).any(|one| matches!(one.standing, Standing::First | Standing::Later))
}

fn of_key<'a>(provider: &ProviderId, agent: &'a AgentView) -> impl Iterator<Item = &'a Candidate> {
    let all = agent.candidates.get(provider).into_iter().flatten();
    all.filter(|one| one.place == Place::ConfigKey)
}
