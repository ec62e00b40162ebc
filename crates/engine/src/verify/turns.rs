//! Prompts to the agents through the running gateway: what it holds in its memory may be another value than what the stores hold.

use super::proof::{AgentProof, Proof, Role};
use crate::ports::Ports;
use crate::progress::Progress;
use keyshoal_core::{AgentId, ModelName, Turn, TurnOutcome, VerdictKind};
use std::collections::BTreeMap;

/// What a turn tells that asking the provider directly does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// The provider accepts what the store holds, and refuses what the gateway sends: it still sends an earlier value.
    NotActivated,
    /// Another model answered than the one that comes first.
    Fallback {
        /// Which.
        by: ModelName,
    },
    /// The provider rejects what the store holds, and the gateway's answer came all the same: from a value that only its memory has.
    Snapshot,
}

/// Puts a prompt to every agent. One whose credential was just rejected gets none: its failure would hold back every agent that
/// shares the credential.
pub(super) fn put<P: Ports + ?Sized>(
    ports: &P,
    agents: &mut [AgentProof],
    progress: &mut dyn FnMut(Progress),
) {
    let asked: Vec<AgentId> =
        agents.iter().filter(|agent| rejected(agent).is_none()).map(|agent| agent.id.clone()).collect();
    let total = asked.len();
    progress(Progress::Prompting { done: 0, total });
    let turns = ports.prompt(&asked, &mut |done| progress(Progress::Prompting { done, total }));
    let mut turns: BTreeMap<AgentId, Turn> =
        turns.into_iter().map(|turn| (turn.agent.clone(), turn)).collect();
    let now = ports.now();
    for agent in agents {
        let why = match rejected(agent) {
            Some(proof) => format!(
                "its credential for {} was just rejected: a failed turn would hold back every agent that shares it",
                proof.provider
            ),
            None => "there was no answer for it".to_owned(),
        };
        let turn = turns.remove(&agent.id);
        agent.turn = Some(turn.unwrap_or_else(|| Turn::not_asked(agent.id.clone(), now, why)));
    }
}

/// Returns what the agent sends first and its provider has just rejected.
fn rejected(agent: &AgentProof) -> Option<&Proof> {
    let sent = |proof: &&Proof| proof.role == Role::First && agent.needs(proof);
    agent.proofs.iter().filter(sent).find(|proof| proof.is_rejected())
}

impl AgentProof {
    /// Returns what the turn tells that asking directly does not.
    pub fn gap(&self) -> Option<Gap> {
        let turn = self.turn.as_ref()?;
        let first = |provider| {
            let mut first = self.proofs.iter().filter(|proof| proof.role == Role::First);
            first.find(|proof| proof.provider == provider)
        };
        match &turn.outcome {
            TurnOutcome::AuthFailed { .. } => {
                let expected = turn.expected.as_ref().map(|name| name.provider.clone());
                let sent = match expected {
                    Some(provider) => first(provider),
                    None => self.proofs.iter().find(|proof| proof.role == Role::First),
                };
                sent.filter(|proof| proof.verdict.kind == VerdictKind::Ok).map(|_| Gap::NotActivated)
            }
            TurnOutcome::Answered { .. } => {
                if let Some(by) = turn.fallback() {
                    return Some(Gap::Fallback { by: by.clone() });
                }
                let sent = first(turn.answered_by()?.clone())?;
                sent.is_rejected().then_some(Gap::Snapshot)
            }
            TurnOutcome::Failed { .. } | TurnOutcome::NotAsked { .. } => None,
        }
    }
}
