//! Whether agents work with the new version: read back from their stores, asked at the provider, asked through the gateway.

use super::Rotation;
use crate::look::Look;
use crate::ports::Ports;
use crate::progress::Progress;
use crate::sync::SyncReport;
use crate::verify::{VerifyOptions, verify};
use keyshoal_core::{
    ActivationOutcome, AgentId, FindingKind, Fingerprint, Observation, ProfileId, Scope, StepState, StoreId,
    TurnOutcome,
};
use std::collections::BTreeSet;

/// One agent that was not shown to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub agent: AgentId,
    /// Why.
    pub why: String,
    /// Whether it is certain that it does not work; else nobody could tell.
    pub certain: bool,
}

/// Says why the gateway does not have what stands in the stores, if so.
pub(super) fn not_activated(report: &SyncReport) -> Option<String> {
    match &report.activation {
        ActivationOutcome::NotDone { reason, .. } => {
            Some(format!("the gateway was not made to read its stores again: {reason}"))
        }
        ActivationOutcome::Unknown { reason } => {
            Some(format!("whether the gateway has read its stores again is not known: {reason}"))
        }
        _ => None,
    }
}

/// Says what a run has left undone, if anything.
pub(super) fn unfinished(report: &SyncReport) -> Option<String> {
    report.receipts.iter().find_map(|receipt| match &receipt.durable {
        StepState::Conflict { found } => Some(format!("{}: {found}", receipt.action.store())),
        StepState::Failed { reason } => Some(format!("{}: {reason}", receipt.action.store())),
        StepState::Done | StepState::Skipped { .. } | StepState::NotAsked => None,
    })
}

/// Returns where an agent has its value of a profile from, its own store or what it inherits from, and which value that is.
fn held(observed: &Observation, store: &StoreId, profile: &ProfileId) -> (StoreId, Option<Fingerprint>) {
    let own = observed.profile(store, profile);
    let place = if own.is_some() { store.clone() } else { StoreId::Base };
    let view = own.or_else(|| observed.profile(&StoreId::Base, profile));
    (place, view.and_then(|view| view.material.fingerprint()))
}

/// Returns the agents whose stores do not hold the new version, or that do not inherit it. What a person keeps there is theirs.
pub(super) fn left(report: &SyncReport, rotation: &Rotation, agents: &BTreeSet<AgentId>) -> Vec<Failure> {
    let observed = &report.after.observed;
    let profile = &rotation.profile;
    let wish = report.after.desired.wish.as_ref();
    let meant = |id: &AgentId| match &rotation.agent {
        Some(agent) => agent == id,
        None => {
            (agents.is_empty() || agents.contains(id))
                && wish.is_none_or(|wish| {
                    !wish.leaving.contains(id)
                        && wish.own_value(id, profile).is_none_or(|own| own.fingerprint == rotation.new)
                })
        }
    };
    let mut all = Vec::new();
    for agent in observed.agents.iter().filter(|agent| meant(&agent.id)) {
        let (place, value) = held(observed, &agent.store, profile);
        let judged = report.after.judgement.copies.get(&(place, profile.clone()));
        let kept = judged.is_some_and(|judged| judged.finding == FindingKind::Kept);
        if value != Some(rotation.new) && !kept {
            let what = value.map_or_else(|| "nothing".to_owned(), |value| value.short());
            let why = format!("it holds {what} instead of {}", rotation.new);
            all.push(Failure { agent: agent.id.clone(), why, certain: true });
        }
    }
    all
}

/// Returns the agents that still hold the version that was taken back, where the vault does not want it for them.
pub(super) fn still_new(report: &SyncReport, rotation: &Rotation) -> Vec<Failure> {
    let observed = &report.after.observed;
    let desired = &report.after.desired;
    let wanted = |id: &AgentId| {
        let own = desired.wish.as_ref().and_then(|wish| wish.own_value(id, &rotation.profile));
        own.or_else(|| desired.values.get(&rotation.profile)).map(|value| value.fingerprint)
    };
    let mut all = Vec::new();
    for agent in &observed.agents {
        let (_, value) = held(observed, &agent.store, &rotation.profile);
        if value == Some(rotation.new) && wanted(&agent.id) != Some(rotation.new) {
            let why = format!("it still holds {}", rotation.new);
            all.push(Failure { agent: agent.id.clone(), why, certain: true });
        }
    }
    all
}

/// Returns the agents that keep a value of their own where the others share the new version: nobody has brought it to them.
pub(super) fn keeping(report: &SyncReport, rotation: &Rotation) -> BTreeSet<AgentId> {
    if rotation.agent.is_some() {
        return BTreeSet::new();
    }
    let observed = &report.after.observed;
    let keeps = |agent: &&keyshoal_core::AgentView| {
        let place = (agent.store.clone(), rotation.profile.clone());
        let judged = report.after.judgement.copies.get(&place);
        let other = |judged: &keyshoal_core::judge::Judged| {
            judged.finding == FindingKind::Kept && judged.fingerprint.is_some_and(|one| one != rotation.new)
        };
        let wish = report.after.desired.wish.as_ref();
        let of_vault = wish.is_some_and(|wish| wish.own_value(&agent.id, &rotation.profile).is_some());
        agent.store != StoreId::Base && !of_vault && judged.is_some_and(other)
    };
    observed.agents.iter().filter(keeps).map(|agent| agent.id.clone()).collect()
}

/// Returns the agents to which the vault gives another value of their own where the others share the new version.
pub(super) fn overridden(report: &SyncReport, rotation: &Rotation) -> BTreeSet<AgentId> {
    let Some(wish) = report.after.desired.wish.as_ref().filter(|_| rotation.agent.is_none()) else {
        return BTreeSet::new();
    };
    let other = |agent: &&keyshoal_core::AgentView| {
        let own = wish.own_value(&agent.id, &rotation.profile);
        agent.enabled && own.is_some_and(|own| own.fingerprint != rotation.new)
    };
    report.after.observed.agents.iter().filter(other).map(|agent| agent.id.clone()).collect()
}

/// Returns the agents that are not shown to work: their provider, asked about what they send, does not accept the new version.
pub fn failures<P: Ports + ?Sized>(
    ports: &P,
    look: Look,
    rotation: &Rotation,
    agents: &BTreeSet<AgentId>,
    through_gateway: bool,
    progress: &mut dyn FnMut(Progress),
) -> Vec<Failure> {
    let scope = Scope {
        agents: match &rotation.agent {
            Some(agent) => BTreeSet::from([agent.clone()]),
            None => agents.clone(),
        },
        providers: BTreeSet::from([rotation.provider.clone()]),
        ..Scope::default()
    };
    let options = VerifyOptions { scope: scope.clone(), through_gateway, ..VerifyOptions::default() };
    let report = verify(ports, look, &options, progress);
    let mut all = Vec::new();
    for agent in report.agents.iter().filter(|one| scope.agents.is_empty() || scope.agents.contains(&one.id))
    {
        let of_it = agent
            .proofs
            .iter()
            .filter(|proof| proof.provider == rotation.provider && proof.fingerprint == Some(rotation.new));
        for proof in of_it.filter(|proof| !proof.is_ok()) {
            let why = format!("it sends {}, and {}", rotation.new, proof.verdict.kind.clause());
            all.push(Failure { agent: agent.id.clone(), why, certain: proof.is_rejected() });
        }
        if let Some(turn) = &agent.turn
            && let TurnOutcome::AuthFailed { why } = &turn.outcome
        {
            let why = format!("through the gateway: {why}");
            all.push(Failure { agent: agent.id.clone(), why, certain: true });
        }
    }
    all
}

/// Says who was not shown to work.
pub(super) fn words(failures: &[Failure]) -> String {
    let one = |failure: &Failure| format!("{} ({})", failure.agent, failure.why);
    failures.iter().map(one).collect::<Vec<_>>().join("; ")
}
