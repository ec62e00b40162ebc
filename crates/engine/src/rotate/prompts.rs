//! What a prompt through the gateway tells of the new version.

use super::Rotation;
use super::proof::Failure;
use crate::verify::{AgentProof, Proof, Role};
use keyshoal_core::{ProviderId, Turn, TurnOutcome};

/// What it tells.
pub(super) enum Shown {
    /// The agent answered with it.
    Works,
    /// The agent does not send it for any of its models.
    Nothing,
    /// The model that the agent's config puts first is another provider's, and answered: nothing but the word of its own provider can show
    /// that the new version works.
    Behind,
    /// It is not shown to work.
    Not(Failure),
}

/// Says what a prompt tells. It counts for the new version only where that was what the agent sent: another provider's answer, or refusal,
/// tells nothing of it.
pub(super) fn by_turn(agent: &AgentProof, turn: &Turn, rotation: &Rotation) -> Shown {
    let sends = |proof: &&Proof| {
        proof.provider == rotation.provider
            && proof.fingerprint == Some(rotation.new)
            && proof.role == Role::First
            && agent.needs(proof)
    };
    if !agent.proofs.iter().any(|proof| sends(&proof)) {
        return Shown::Nothing;
    }
    let of_it = |provider: Option<&ProviderId>| provider.is_none_or(|one| *one == rotation.provider);
    let nothing = |who: &str| {
        format!("{who}, so it is not shown that it works with {} through the gateway", rotation.new)
    };
    let expected = turn.expected.as_ref().map(|name| &name.provider);
    let (why, certain) = match &turn.outcome {
        TurnOutcome::Answered { .. } if of_it(turn.answered_by()) => return Shown::Works,
        // Where another than the first one answered, those before it were tried, and failed.
        TurnOutcome::Answered { .. } if !of_it(expected) && turn.fallback().is_none() => {
            return Shown::Behind;
        }
        TurnOutcome::Answered { by } => {
            let by = by.as_ref().or(turn.expected.as_ref()).map(ToString::to_string).unwrap_or_default();
            (nothing(&format!("{by} answered its prompt")), false)
        }
        TurnOutcome::AuthFailed { why } if of_it(expected) => (format!("through the gateway: {why}"), true),
        TurnOutcome::AuthFailed { why } | TurnOutcome::Failed { why } => {
            (nothing(&format!("its prompt failed ({why})")), false)
        }
        TurnOutcome::NotAsked { reason } => (nothing(&format!("it was not prompted ({reason})")), false),
    };
    Shown::Not(Failure { agent: agent.id.clone(), why, certain })
}
