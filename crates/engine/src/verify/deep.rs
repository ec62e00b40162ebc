//! Does a credential reach the models that its agent is configured with? A list of models does not say that.

use super::proof::{AgentProof, ModelProof, Proof, Role};
use crate::ports::Ports;
use crate::progress::Progress;
use keyshoal_core::{Ask, CredentialKind, Observation, ProviderId, Verdict, VerdictKind};
use std::collections::{BTreeMap, BTreeSet};

type Question = (Ask, String);

/// Has every model that an agent answers with answer, each distinct question once, and returns how many were really asked. What was
/// rejected already is left alone.
pub(super) fn put<P: Ports + ?Sized>(
    ports: &P,
    observed: &Observation,
    agents: &mut [AgentProof],
    progress: &mut dyn FnMut(Progress),
) -> usize {
    let wanted: BTreeSet<Question> = agents
        .iter()
        .flat_map(|agent| agent.proofs.iter().flat_map(|proof| questions(observed, agent, proof)))
        .collect();
    if wanted.is_empty() {
        return 0;
    }
    progress(Progress::Asking { questions: wanted.len() });
    let said: BTreeMap<Question, Verdict> = ports.complete(&wanted).into_iter().collect();
    let now = ports.now();
    for agent in agents {
        let wanted: Vec<Vec<Question>> =
            agent.proofs.iter().map(|proof| questions(observed, agent, proof)).collect();
        for (proof, wanted) in agent.proofs.iter_mut().zip(wanted) {
            for question in wanted {
                let verdict = said.get(&question).cloned();
                let verdict = verdict.unwrap_or_else(|| Verdict::new(VerdictKind::NotAsked, now));
                // Where a list says nothing of a credential, a model's answer does.
                if proof.verdict.kind == VerdictKind::Unknown && verdict.kind == VerdictKind::Ok {
                    proof.verdict = verdict.clone();
                }
                proof.models.push(ModelProof { model: question.1, verdict });
            }
        }
    }
    said.values().filter(|verdict| verdict.kind.was_asked()).count()
}

fn questions(observed: &Observation, agent: &AgentProof, proof: &Proof) -> Vec<Question> {
    if !matches!(proof.role, Role::First | Role::Keyless) || proof.is_rejected() {
        return Vec::new();
    }
    let Some(ask) = ask(observed, agent, &proof.provider, proof) else { return Vec::new() };
    // Special work, as embeddings, is not done by models that chat.
    let chats = proof.needs.iter().filter(|need| need.purpose.is_none());
    let models: BTreeSet<&String> = chats.map(|need| &need.model).collect();
    models.into_iter().map(|model| (ask.clone(), model.clone())).collect()
}

fn ask(observed: &Observation, agent: &AgentProof, provider: &ProviderId, proof: &Proof) -> Option<Ask> {
    let view = observed.agent(&agent.id)?;
    let first = view.first(provider)?;
    let fingerprint = first.asked_by()?;
    let endpoint = view.endpoints.get(provider)?.clone();
    let kind = first.kind.clone().unwrap_or(CredentialKind::ApiKey);
    let same = proof.role == Role::Keyless || proof.fingerprint == Some(fingerprint);
    same.then_some(Ask { fingerprint, kind, endpoint })
}
