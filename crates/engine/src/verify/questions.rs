//! What is asked: each distinct value that an agent sends, at each endpoint to which it is sent.

use super::Answers;
use super::gather::{is_meant, tried};
use super::proof::Role;
use keyshoal_core::{Ask, Candidate, CredentialKind, Observation, Scope, VerdictKind};
use std::collections::BTreeSet;

/// Returns the questions that are open: about what agents send first and, where that is known not to be accepted, about what they
/// fall back on.
pub(super) fn of(observed: &Observation, scope: &Scope, answers: &Answers) -> BTreeSet<Ask> {
    let mut asks = BTreeSet::new();
    let mut known = BTreeSet::new();
    for agent in observed.agents.iter().filter(|agent| is_meant(agent, scope)) {
        for (provider, candidates) in &agent.candidates {
            let Some(endpoint) = agent.endpoints.get(provider) else { continue };
            let key = endpoint.key();
            let said = |one: &Candidate| {
                let value = one.asked_by()?;
                answers.get(&(value, key.clone())).map(|verdict| verdict.kind)
            };
            let candidates = || tried(candidates, provider, scope);
            let fails = |kind: VerdictKind| kind != VerdictKind::Ok;
            // A reference is not ours to resolve: whether it is accepted stays open, as does what comes after it.
            let falls_back = candidates()
                .filter(|(role, _)| *role == Role::First)
                .all(|(_, first)| said(first).is_some_and(fails));
            for (role, candidate) in candidates() {
                if role == Role::Later && !falls_back {
                    continue;
                }
                let Some(fingerprint) = candidate.asked_by() else { continue };
                if said(candidate).is_none() && known.insert((fingerprint, key.clone())) {
                    let kind = candidate.kind.clone().unwrap_or(CredentialKind::ApiKey);
                    asks.insert(Ask { fingerprint, kind, endpoint: endpoint.clone() });
                }
            }
        }
    }
    asks
}
