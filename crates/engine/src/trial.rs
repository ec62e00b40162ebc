//! Trying a value at its provider before any agent has it.

use crate::ports::{PortError, Ports};
use crate::rotate::Rotation;
use crate::set::{Rejection, SetError};
use keyshoal_core::judge::endpoint_of;
use keyshoal_core::{
    AgentId, Ask, CredentialKind, Endpoint, Fact, Fingerprint, Observation, ProviderId, Verdict, VerdictKind,
};
use std::collections::BTreeSet;

/// A value that is to be tried. The port that asks must know the secret of this fingerprint.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Its provider.
    pub provider: ProviderId,
    /// Its type.
    pub kind: CredentialKind,
    /// Which value.
    pub fingerprint: Fingerprint,
    /// Only where this agent asks; `None`: wherever the roster asks this provider.
    pub agent: Option<AgentId>,
}

impl Trial {
    /// Of the value that a rotation brings.
    pub(crate) fn of(rotation: &Rotation) -> Self {
        Self {
            provider: rotation.provider.clone(),
            kind: rotation.kind.clone(),
            fingerprint: rotation.new,
            agent: rotation.agent.clone(),
        }
    }
}

/// Returns every endpoint at which a value would be sent.
pub fn asked_at(observed: &Observation, trial: &Trial) -> BTreeSet<Endpoint> {
    let Trial { provider, agent, .. } = trial;
    let agents: Vec<&AgentId> = match agent {
        Some(agent) => vec![agent],
        None => observed
            .agents
            .iter()
            .filter(|agent| agent.endpoints.contains_key(provider))
            .map(|agent| &agent.id)
            .collect(),
    };
    let mut endpoints: BTreeSet<Endpoint> =
        agents.iter().map(|agent| endpoint_of(observed, agent, provider)).collect();
    if endpoints.is_empty() {
        endpoints.insert(observed.would_ask(provider));
    }
    endpoints
}

/// Asks every endpoint at which the value would be sent, once, and remembers the answers.
pub fn try_value<P: Ports + ?Sized>(
    ports: &P,
    observed: &Observation,
    trial: &Trial,
) -> Result<Vec<(Endpoint, Verdict)>, PortError> {
    asked(ports, observed, trial, &|verdict| verdict.kind != VerdictKind::NotAsked)
}

/// The same where the answer is no condition of anything: what was remembered of the value stays where nobody answers now.
pub fn hear_of<P: Ports + ?Sized>(
    ports: &P,
    observed: &Observation,
    trial: &Trial,
) -> Result<Vec<(Endpoint, Verdict)>, PortError> {
    let says = |verdict: &Verdict| verdict.kind != VerdictKind::NotAsked && !verdict.kind.is_silence();
    asked(ports, observed, trial, &says)
}

fn asked<P: Ports + ?Sized>(
    ports: &P,
    observed: &Observation,
    trial: &Trial,
    remembered: &dyn Fn(&Verdict) -> bool,
) -> Result<Vec<(Endpoint, Verdict)>, PortError> {
    let Trial { kind, fingerprint, .. } = trial;
    let asks: BTreeSet<Ask> = asked_at(observed, trial)
        .into_iter()
        .map(|endpoint| Ask { fingerprint: *fingerprint, kind: kind.clone(), endpoint })
        .collect();
    let answers = ports.ask(&asks);
    let facts: Vec<Fact> = answers
        .iter()
        .filter(|(_, verdict)| remembered(verdict))
        .map(|(ask, verdict)| Fact::Verdict { ask: ask.clone(), verdict: verdict.clone() })
        .collect();
    ports.learn(&facts)?;
    Ok(answers.into_iter().map(|(ask, verdict)| (ask.endpoint, verdict)).collect())
}

/// Refuses a value that its provider rejects and nobody accepts, and, where it was `asked`, one of which nobody said anything.
pub fn require_accepted(verdicts: &[(Endpoint, Verdict)], asked: bool) -> Result<(), SetError> {
    if verdicts.iter().any(|(_, verdict)| verdict.kind.is_accepted()) {
        return Ok(());
    }
    let find = |wanted: &dyn Fn(&Verdict) -> bool| {
        let found = verdicts.iter().find(|(_, verdict)| wanted(verdict))?;
        Some(Box::new(Rejection { endpoint: found.0.clone(), verdict: found.1.clone() }))
    };
    let dead = |verdict: &Verdict| verdict.kind.is_dead() || verdict.kind == VerdictKind::MalformedKey;
    if let Some(rejection) = find(&dead) {
        return Err(SetError::Rejected(rejection));
    }
    match find(&|verdict| asked && verdict.kind.is_silence()) {
        Some(rejection) => Err(SetError::Untested(rejection)),
        None => Ok(()),
    }
}
