//! `keyshoal.explain.v1`: what an agent may send, from where, and why.

use super::VerdictDocument;
use crate::render::explain::{out_words, place_words};
use keyshoal_core::{
    AgentId, AgentView, Candidate, Finding, Fingerprint, Knowledge, ProfileId, ProviderId, Standing,
    Timestamp,
};
use serde::Serialize;

/// What `explain --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct ExplainDocument {
    schema: &'static str,
    agent: AgentExplanation,
}

/// One agent's part.
#[derive(Clone, Debug, Serialize)]
pub struct AgentExplanation {
    id: AgentId,
    agent_dir: String,
    unknown: Option<String>,
    providers: Vec<ProviderExplanation>,
    findings: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
struct ProviderExplanation {
    id: ProviderId,
    base_url: Option<String>,
    models: Vec<String>,
    candidates: Vec<CandidateDocument>,
}

#[derive(Clone, Debug, Serialize)]
struct CandidateDocument {
    profile: Option<ProfileId>,
    r#type: Option<String>,
    fingerprint: Option<Fingerprint>,
    from: String,
    standing: &'static str,
    out_because: Option<String>,
    because: String,
    pinned_by_sessions: usize,
    verdict: Option<VerdictDocument>,
}

impl ExplainDocument {
    /// Makes it, limited to one profile where it is named.
    pub fn of(
        agent: &AgentView,
        profile: Option<&ProfileId>,
        knowledge: &Knowledge,
        findings: &[Finding],
        now: Timestamp,
    ) -> Self {
        let mut names: Vec<&ProviderId> =
            agent.candidates.keys().chain(agent.unneeded.keys()).chain(agent.needs.keys()).collect();
        names.sort();
        names.dedup();
        let providers = names.into_iter().map(|provider| {
            let endpoint = agent.endpoints.get(provider);
            let all = [&agent.candidates, &agent.unneeded];
            let candidates = all.into_iter().filter_map(|all| all.get(provider)).flatten();
            let shown =
                candidates.filter(|one| profile.is_none_or(|profile| one.profile.as_ref() == Some(profile)));
            ProviderExplanation {
                id: provider.clone(),
                base_url: endpoint.and_then(keyshoal_core::Endpoint::shown_url),
                models: agent
                    .needs
                    .get(provider)
                    .into_iter()
                    .flatten()
                    .map(|need| need.model.clone())
                    .collect(),
                candidates: shown
                    .map(|one| {
                        let said = one
                            .material
                            .fingerprint()
                            .zip(endpoint)
                            .and_then(|(print, endpoint)| knowledge.verdict(print, endpoint));
                        candidate(one, VerdictDocument::of(said), now)
                    })
                    .collect(),
            }
        });
        let mine = findings.iter().filter(|one| one.agent.as_ref() == Some(&agent.id));
        Self {
            schema: "keyshoal.explain.v1",
            agent: AgentExplanation {
                id: agent.id.clone(),
                agent_dir: agent.agent_dir.clone(),
                unknown: agent.unknown.clone(),
                providers: providers.collect(),
                findings: mine.map(|one| format!("{}: {}", one.finding, one.message)).collect(),
            },
        }
    }
}

fn candidate(one: &Candidate, verdict: Option<VerdictDocument>, now: Timestamp) -> CandidateDocument {
    let (standing, out_because) = match &one.standing {
        Standing::First => ("first", None),
        Standing::Later => ("later", None),
        Standing::Out(reason) => ("out", Some(out_words(reason, now))),
    };
    CandidateDocument {
        profile: one.profile.clone(),
        r#type: one.kind.as_ref().map(|kind| kind.as_str().to_owned()),
        fingerprint: one.material.fingerprint(),
        from: place_words(&one.place),
        standing,
        out_because,
        because: one.because.clone(),
        pinned_by_sessions: one.pinned_by_sessions.len(),
        verdict,
    }
}
