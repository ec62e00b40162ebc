//! Whether agents work with the new version: read back from their stores, asked at the provider, asked through the gateway.

use super::Rotation;
use super::prompts::{Shown, by_turn};
use super::strange::is_asked;
use crate::look::Look;
use crate::ports::Ports;
use crate::progress::Progress;
use crate::sync::SyncReport;
use crate::verify::{VerifyOptions, verify};
use keyshoal_core::judge::{Judged, Sight};
use keyshoal_core::{
    ActivationOutcome, AgentId, AgentView, FindingKind, Fingerprint, Observation, ProfileId, Scope,
    StepState, StoreId,
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
pub(super) fn held(
    observed: &Observation,
    store: &StoreId,
    profile: &ProfileId,
) -> (StoreId, Option<Fingerprint>) {
    let own = observed.profile(store, profile);
    let place = if own.is_some() { store.clone() } else { StoreId::Base };
    let view = own.or_else(|| observed.profile(&StoreId::Base, profile));
    (place, view.and_then(|view| view.material.fingerprint()))
}

/// Returns the agents of these (nobody: of all) that are to have the new version. What a person keeps there is theirs, and so is, until a
/// person decides, what somebody else has put into a store of the agent's own where all share the version.
fn meant<'a>(look: &'a Look, rotation: &'a Rotation, agents: &'a BTreeSet<AgentId>) -> Vec<&'a AgentView> {
    let profile = &rotation.profile;
    let wish = look.desired.wish.as_ref();
    let shares = |id: &AgentId| match &rotation.agent {
        Some(agent) => agent == id,
        None => {
            (agents.is_empty() || agents.contains(id))
                && wish.is_none_or(|wish| {
                    !wish.leaving.contains(id)
                        && wish.own_value(id, profile).is_none_or(|own| own.fingerprint == rotation.new)
                })
        }
    };
    let passed_by = |agent: &AgentView| {
        let (place, value) = held(&look.observed, &agent.store, profile);
        let own = place != StoreId::Base && rotation.agent.is_none();
        let judged = look.judgement.copies.get(&(place, profile.clone()));
        let stays = |judged: &Judged| judged.finding == FindingKind::Kept || own && is_asked(judged);
        value != Some(rotation.new) && judged.is_some_and(stays)
    };
    look.observed.agents.iter().filter(|agent| shares(&agent.id) && !passed_by(agent)).collect()
}

/// Returns the ids of the agents of these (nobody: of all) that are to have the new version.
pub(super) fn given(look: &Look, rotation: &Rotation, agents: &BTreeSet<AgentId>) -> BTreeSet<AgentId> {
    meant(look, rotation, agents).into_iter().map(|agent| agent.id.clone()).collect()
}

/// Returns the agents whose stores do not hold the new version, or that do not inherit it.
pub(super) fn left(report: &SyncReport, rotation: &Rotation, agents: &BTreeSet<AgentId>) -> Vec<Failure> {
    let look = &report.after;
    let refused = refused(look, rotation, agents).0;
    let mut all = Vec::new();
    for agent in meant(look, rotation, agents) {
        let (_, value) = held(&look.observed, &agent.store, &rotation.profile);
        if value != Some(rotation.new) {
            let what = value.map_or_else(|| "nothing".to_owned(), |value| value.short());
            let why = match refused.contains(&agent.id) {
                true => format!("it is left on {what}: its provider rejects {}", rotation.new),
                false => format!("it holds {what} instead of {}", rotation.new),
            };
            all.push(Failure { agent: agent.id.clone(), why, certain: true });
        }
    }
    all
}

/// Returns which of these agents (nobody: of all) would fail with the new version, as far as it is known, and whether any would not.
pub(super) fn refused(
    look: &Look,
    rotation: &Rotation,
    agents: &BTreeSet<AgentId>,
) -> (BTreeSet<AgentId>, bool) {
    let sight = Sight::new(&look.observed, &look.desired, &look.knowledge, look.now);
    let meant = meant(look, rotation, agents);
    let dead = |agent: &&&AgentView| {
        let said = sight.verdict(&agent.id, &rotation.provider, rotation.new);
        said.is_some_and(|said| said.kind.is_dead())
    };
    let refused: BTreeSet<AgentId> = meant.iter().filter(dead).map(|agent| agent.id.clone()).collect();
    let any = refused.len() < meant.len();
    (refused, any)
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

/// Returns the agents that are not shown to work: their provider, asked about what they send, does not accept the new version; and those for
/// which that word is all there is, also where they were prompted.
pub(super) fn failures<P: Ports + ?Sized>(
    ports: &P,
    look: Look,
    rotation: &Rotation,
    agents: &BTreeSet<AgentId>,
    through_gateway: bool,
    progress: &mut dyn FnMut(Progress),
) -> (Vec<Failure>, BTreeSet<AgentId>) {
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
    let (mut all, mut behind) = (Vec::new(), BTreeSet::new());
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
        match agent.turn.as_ref().map(|turn| by_turn(agent, turn, rotation)) {
            Some(Shown::Not(failure)) => all.push(failure),
            Some(Shown::Behind) => drop(behind.insert(agent.id.clone())),
            Some(Shown::Works | Shown::Nothing) | None => {}
        }
    }
    (all, behind)
}

/// Counts an agent once: what is certain of it goes before what is not, and what came first before what came later.
pub(super) fn of_each(failures: Vec<Failure>) -> Vec<Failure> {
    let mut all: Vec<Failure> = Vec::new();
    for one in failures {
        match all.iter_mut().find(|known| known.agent == one.agent) {
            Some(known) if one.certain && !known.certain => *known = one,
            Some(_) => {}
            None => all.push(one),
        }
    }
    all
}

/// Says who was not shown to work.
pub(super) fn words(failures: &[Failure]) -> String {
    let one = |failure: &Failure| format!("{} ({})", failure.agent, failure.why);
    failures.iter().map(one).collect::<Vec<_>>().join("; ")
}
