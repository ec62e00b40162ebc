//! Marks that hold back what its provider has just accepted, whoever's value it is.

use super::{activation_need, mark_of};
use crate::{
    Action, ActivationNeed, AgentView, Candidate, CredentialKind, Knowledge, Observation, OutReason, Plan,
    ProviderId, Standing, StoreId,
};
use std::collections::BTreeSet;

/// Plans to take away the authentication marks that hold back credentials which their provider has accepted since the failure that set
/// them: of the exact profile, where the mark stands. Deliberate overrides count as well, for no value changes. Marks of billing and
/// limits stay: that a key is known does not say that it is paid for.
pub fn releases(observed: &Observation, knowledge: &Knowledge) -> Plan {
    let mut actions = Vec::new();
    let mut planned = BTreeSet::new();
    for agent in &observed.agents {
        for (provider, candidates) in &agent.candidates {
            for candidate in candidates {
                let Some(action) = release(observed, knowledge, agent, provider, candidate) else { continue };
                if planned.insert((action.store().clone(), action.profile().clone())) {
                    actions.push(action);
                }
            }
        }
    }
    actions.sort_by_key(|action| *action.store() != StoreId::Base);
    let may_run = observed.instance.gateway.running != Some(false);
    let activation = match may_run && !actions.is_empty() {
        true => activation_need(observed),
        false => ActivationNeed::None,
    };
    Plan { actions, activation, ..Plan::default() }
}

fn release(
    observed: &Observation,
    knowledge: &Knowledge,
    agent: &AgentView,
    provider: &ProviderId,
    candidate: &Candidate,
) -> Option<Action> {
    let Standing::Out(OutReason::CoolingDown { .. }) = candidate.standing else { return None };
    let (Some(value), Some(profile)) = (candidate.material.value(), &candidate.profile) else {
        return None;
    };
    if !matches!(candidate.kind, Some(CredentialKind::ApiKey | CredentialKind::Token)) {
        return None;
    }
    let (store, mark) = mark_of(observed, &agent.store, profile)?;
    if !mark.auth_block_at(observed.at) || observed.not_writable(&store).is_some() {
        return None;
    }
    let verdict = knowledge.verdict(value, agent.endpoints.get(provider)?)?;
    let since = mark.last_failure.is_none_or(|failed| failed < verdict.at);
    (verdict.kind.is_accepted() && since).then(|| Action::ResetCooldown {
        store,
        agent: Some(agent.id.clone()),
        profile: profile.clone(),
        provider: provider.clone(),
        expect: value,
    })
}
