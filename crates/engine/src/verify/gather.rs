//! Puts together what was found of every agent.

use super::Answers;
use super::gateway::GatewayState;
use super::proof::{AgentProof, Proof, Role};
use keyshoal_core::observation::is_auth;
use keyshoal_core::{
    AgentView, Candidate, FindingKind, Judgement, Material, Need, Observation, OutReason, Place, ProviderId,
    Scope, Standing, Timestamp, Verdict, VerdictKind,
};

/// Tells whether an agent is to be verified.
pub(super) fn is_meant(agent: &AgentView, scope: &Scope) -> bool {
    agent.enabled && (scope.agents.is_empty() || scope.agents.contains(&agent.id))
}

/// Returns what an agent would send to a provider, in order, with how each stands. What is out for good is left out.
pub(super) fn tried<'a>(
    candidates: &'a [Candidate],
    provider: &'a ProviderId,
    scope: &'a Scope,
) -> impl Iterator<Item = (Role, &'a Candidate)> {
    candidates.iter().filter_map(move |one| {
        let role = match &one.standing {
            Standing::First if one.place == Place::NoKey => Role::Keyless,
            Standing::First => Role::First,
            Standing::Later => Role::Later,
            Standing::Out(OutReason::CoolingDown { .. } | OutReason::Expired { .. }) => Role::HeldBack,
            Standing::Out(_) => return None,
        };
        let meant = match &one.profile {
            Some(profile) => scope.includes_profile(profile, provider),
            None => {
                scope.profiles.is_empty()
                    && (scope.providers.is_empty() || scope.providers.contains(provider))
            }
        };
        meant.then_some((role, one))
    })
}

/// Puts together what was found of every agent.
pub(super) fn of_all(
    observed: &Observation,
    scope: &Scope,
    answers: &Answers,
    now: Timestamp,
) -> Vec<AgentProof> {
    let meant = observed.agents.iter().filter(|agent| is_meant(agent, scope));
    meant.map(|agent| of_agent(agent, scope, answers, now)).collect()
}

fn of_agent(agent: &AgentView, scope: &Scope, answers: &Answers, now: Timestamp) -> AgentProof {
    let mut proofs = Vec::new();
    let mut providers: Vec<&ProviderId> = agent.needs.keys().chain(agent.candidates.keys()).collect();
    providers.sort();
    providers.dedup();
    for provider in providers {
        if !scope.providers.is_empty() && !scope.providers.contains(provider) {
            continue;
        }
        let needs = agent.needs.get(provider).cloned().unwrap_or_default();
        let found = candidates_of(agent, provider, scope, answers, now);
        if !found.is_empty() {
            proofs.extend(found.into_iter().map(|proof| Proof { needs: needs.clone(), ..proof }));
        } else if !needs.is_empty() && scope.profiles.is_empty() {
            proofs.push(nothing(agent, provider, needs, now));
        }
    }
    // The gateway is looked at once all have been asked about.
    let gateway = GatewayState::Unknown;
    let models_known = !agent.needs.is_empty();
    AgentProof { id: agent.id.clone(), default: agent.default, models_known, proofs, turn: None, gateway }
}

fn candidates_of(
    agent: &AgentView,
    provider: &ProviderId,
    scope: &Scope,
    answers: &Answers,
    now: Timestamp,
) -> Vec<Proof> {
    let key = agent.endpoints.get(provider).map(keyshoal_core::Endpoint::key);
    let candidates = agent.candidates.get(provider).map_or(&[][..], Vec::as_slice);
    let mut proofs = Vec::new();
    let mut settled = false;
    for (role, candidate) in tried(candidates, provider, scope) {
        let fingerprint = candidate.material.fingerprint();
        let answer = match (candidate.asked_by(), &key) {
            (Some(value), Some(key)) => answers.get(&(value, key.clone())).cloned(),
            _ => None,
        };
        // What comes after an accepted one is not tried, neither by the agent nor by us.
        if settled && answer.is_none() {
            continue;
        }
        let verdict = match &candidate.standing {
            Standing::Out(OutReason::Expired { at }) => {
                let mut verdict = Verdict::new(VerdictKind::Expired, now);
                verdict.advice =
                    Some(format!("its time was over at {at}: OpenClaw does not send it any more"));
                verdict
            }
            _ => answer.unwrap_or_else(|| not_asked(candidate, now)),
        };
        let verdict = held_back(candidate, verdict);
        let role = match verdict.kind {
            // The server asks for a key after all.
            VerdictKind::Missing if role == Role::Keyless => Role::Nothing,
            _ => role,
        };
        settled |= matches!(role, Role::First | Role::Keyless) && verdict.kind == VerdictKind::Ok;
        proofs.push(Proof {
            provider: provider.clone(),
            needs: Vec::new(),
            profile: candidate.profile.clone(),
            place: Some(candidate.place.clone()),
            fingerprint,
            role,
            verdict,
            models: Vec::new(),
        });
    }
    // An expired one beside one that works holds nobody up.
    let works = proofs.iter().any(Proof::is_ok);
    proofs.retain(|proof| !(works && proof.role == Role::HeldBack));
    proofs
}

/// Says what holds back a candidate that its provider accepts.
fn held_back(candidate: &Candidate, mut verdict: Verdict) -> Verdict {
    if let Standing::Out(OutReason::CoolingDown { until, reason }) = &candidate.standing
        && verdict.kind == VerdictKind::Ok
    {
        let way_out = if is_auth(reason) { ": keyshoal verify --reset-cooldowns" } else { "" };
        verdict.advice = Some(format!(
            "the provider accepts it, and OpenClaw holds it back until {until} ({reason}){way_out}"
        ));
    }
    verdict
}

/// Says why a candidate was not asked about.
fn not_asked(candidate: &Candidate, now: Timestamp) -> Verdict {
    let (kind, advice) = match (&candidate.material, &candidate.place) {
        (_, Place::NoKey) => {
            (VerdictKind::NotAsked, "it sends no key, and nobody was asked whether one is needed")
        }
        (_, Place::OtherLogin { .. }) => {
            (VerdictKind::NotAsked, "a login of another program, which OpenClaw takes over by itself")
        }
        (Material::Ref { known: false, .. }, _) => {
            (VerdictKind::UnresolvedRef, "a reference, which OpenClaw resolves: ask through the gateway")
        }
        (Material::Fenced, _) => (VerdictKind::NotAsked, "an OAuth refresh is under way"),
        (Material::Absent, _) => (VerdictKind::Missing, "there is nothing in it"),
        (Material::Inline(_) | Material::Ref { .. }, _) => (VerdictKind::NotAsked, "no provider was asked"),
    };
    let mut verdict = Verdict::new(kind, now);
    verdict.advice = Some(advice.to_owned());
    verdict
}

/// Replaces what the provider's answer alone would advise where the stores hold the remedy: a stale copy needs no new key.
pub(super) fn advise(agents: &mut [AgentProof], judgement: &Judgement) {
    for agent in agents {
        for proof in agent.proofs.iter_mut().filter(|proof| !proof.is_ok()) {
            let found = proof.profile.as_ref().and_then(|profile| judgement.of(&agent.id, profile));
            let Some(found) = found.filter(|found| found.fingerprint == proof.fingerprint) else { continue };
            if let (FindingKind::Stale | FindingKind::Shadowing, Some(fix)) = (found.finding, &found.fix) {
                proof.verdict.advice = Some(format!("the source holds another value by now: {fix}"));
            }
        }
    }
}

/// Says that there is nothing to send, and why.
fn nothing(agent: &AgentView, provider: &ProviderId, needs: Vec<Need>, now: Timestamp) -> Proof {
    let mut verdict = Verdict::new(VerdictKind::Missing, now);
    verdict.advice = Some(match &agent.unknown {
        Some(why) => {
            verdict.kind = VerdictKind::Unknown;
            format!("nobody can tell what it has: {why}")
        }
        None => format!(
            "it has no credential of {provider} that OpenClaw would use: keyshoal explain {}",
            agent.id
        ),
    });
    Proof {
        provider: provider.clone(),
        needs,
        profile: None,
        place: None,
        fingerprint: None,
        role: Role::Nothing,
        verdict,
        models: Vec::new(),
    }
}
