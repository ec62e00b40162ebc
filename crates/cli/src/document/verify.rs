//! `keyshoal.verify.v1`.

use crate::render::explain::place_words;
use crate::view::rotations::HalfDone;
use keyshoal_core::{
    AgentId, Delivery, Fingerprint, ModelName, ProfileId, ProviderId, Timestamp, Turn, TurnOutcome,
    VerdictKind,
};
use keyshoal_engine::VerifyReport;
use keyshoal_engine::verify::{
    AgentProof, AgentState, Check, CheckResult, Gap, GatewayProof, GatewayState, ModelProof, Proof, Role,
    RouteProof,
};
use serde::Serialize;

/// What `verify --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyDocument {
    schema: &'static str,
    at: Timestamp,
    agents: Vec<AgentDocument>,
    gateway: GatewayDocument,
    checks: Vec<CheckDocument>,
    routes: Vec<RouteDocument>,
    rotations: Vec<HalfDone>,
    unfinished_import: bool,
    summary: SummaryDocument,
}

#[derive(Clone, Debug, Serialize)]
struct AgentDocument {
    id: AgentId,
    default: bool,
    state: &'static str,
    profiles: Vec<ProfileDocument>,
    turn: Option<TurnDocument>,
}

/// Whether the running gateway has what was asked about.
#[derive(Clone, Debug, Serialize)]
struct GatewayDocument {
    state: &'static str,
    message: Option<String>,
    fix: Option<String>,
}

/// What came of a prompt through the gateway.
#[derive(Clone, Debug, Serialize)]
struct TurnDocument {
    outcome: &'static str,
    begun: Timestamp,
    finished: Timestamp,
    expected: Option<ModelName>,
    answered_by: Option<ModelName>,
    gap: Option<&'static str>,
    reason: Option<String>,
}

/// One thing that an agent sends, or should.
#[derive(Clone, Debug, Serialize)]
struct ProfileDocument {
    id: Option<ProfileId>,
    provider: ProviderId,
    from: Option<String>,
    fingerprint: Option<Fingerprint>,
    role: &'static str,
    needed_by: Vec<String>,
    verdict: VerdictKind,
    retryable: bool,
    http_status: Option<u16>,
    request_id: Option<String>,
    latency_ms: Option<u64>,
    retry_after: Option<u64>,
    status_page: Option<String>,
    advice: Option<String>,
    models: Vec<ModelDocument>,
}

/// What a model said.
#[derive(Clone, Debug, Serialize)]
struct ModelDocument {
    model: String,
    verdict: VerdictKind,
    http_status: Option<u16>,
    request_id: Option<String>,
    advice: Option<String>,
}

/// Where a message goes, and what came of it.
#[derive(Clone, Debug, Serialize)]
struct RouteDocument {
    query: String,
    agent: Option<AgentId>,
    why: String,
    routed: bool,
    answered: Option<bool>,
    delivered: Option<bool>,
    delivery_reason: Option<String>,
}

/// One of the five questions.
#[derive(Clone, Debug, Serialize)]
struct CheckDocument {
    id: &'static str,
    question: &'static str,
    result: &'static str,
    reason: String,
    evidence: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
struct SummaryDocument {
    agents: usize,
    proven: usize,
    accepted: usize,
    unproven: usize,
    missing: usize,
    failing: usize,
    rejected_unneeded: usize,
    asked: usize,
}

impl VerifyDocument {
    /// Makes it.
    pub fn of(
        report: &VerifyReport,
        checks: &[Check],
        routes: &[RouteProof],
        rotations: &[HalfDone],
        unfinished_import: bool,
    ) -> Self {
        let counts = report.summary();
        Self {
            schema: "keyshoal.verify.v1",
            at: report.look.now,
            agents: report.agents.iter().map(agent).collect(),
            gateway: gateway(&report.gateway),
            checks: checks.iter().map(check).collect(),
            routes: routes.iter().map(|route| route_document(route, report)).collect(),
            rotations: rotations.to_vec(),
            unfinished_import,
            summary: SummaryDocument {
                agents: counts.agents,
                proven: counts.proven,
                accepted: counts.accepted,
                unproven: counts.unproven,
                missing: counts.missing,
                failing: counts.failing,
                rejected_unneeded: report.rejected_unneeded().len(),
                asked: report.asked,
            },
        }
    }
}

/// Returns the word of a state.
pub fn state_word(state: AgentState) -> &'static str {
    match state {
        AgentState::Proven => "proven",
        AgentState::Accepted => "accepted",
        AgentState::Unproven => "unproven",
        AgentState::Missing => "missing",
        AgentState::Failing => "failing",
    }
}

fn gateway(proof: &GatewayProof) -> GatewayDocument {
    let state = match proof.state {
        GatewayState::Current => "current",
        GatewayState::NotRunning => "not_running",
        GatewayState::Unknown => "unknown",
        GatewayState::Behind => "behind",
        GatewayState::Elsewhere => "elsewhere",
    };
    GatewayDocument { state, message: proof.message.clone(), fix: proof.fix.clone() }
}

fn route_document(route: &RouteProof, report: &VerifyReport) -> RouteDocument {
    RouteDocument {
        query: route.query.clone(),
        agent: route.agent.clone(),
        why: route.why.clone(),
        routed: route.agent.is_some() && !route.misled && route.unreachable.is_none(),
        answered: route.answered(report),
        delivered: route.delivery.as_ref().and_then(Delivery::arrived),
        delivery_reason: match &route.delivery {
            Some(delivery) => delivery.reason().map(str::to_owned),
            None => Some("pass --deliver".to_owned()),
        },
    }
}

fn check(check: &Check) -> CheckDocument {
    let result = match check.result {
        CheckResult::Yes => "yes",
        CheckResult::No => "no",
        CheckResult::NotTested => "not_tested",
    };
    let (reason, evidence) = (check.reason.clone(), check.evidence.clone());
    CheckDocument { id: check.id, question: check.question, result, reason, evidence }
}

fn agent(agent: &AgentProof) -> AgentDocument {
    AgentDocument {
        id: agent.id.clone(),
        default: agent.default,
        state: state_word(agent.state()),
        profiles: agent.proofs.iter().map(profile).collect(),
        turn: agent.turn.as_ref().map(|turn| turn_document(agent, turn)),
    }
}

fn turn_document(agent: &AgentProof, turn: &Turn) -> TurnDocument {
    let (outcome, answered_by, reason) = match &turn.outcome {
        TurnOutcome::Answered { by } => ("answered", by.clone(), None),
        TurnOutcome::AuthFailed { why } => ("auth_failed", None, Some(why.clone())),
        TurnOutcome::Failed { why } => ("failed", None, Some(why.clone())),
        TurnOutcome::NotAsked { reason } => ("not_asked", None, Some(reason.clone())),
    };
    TurnDocument {
        outcome,
        begun: turn.begun,
        finished: turn.ended,
        expected: turn.expected.clone(),
        answered_by,
        gap: agent.gap().map(|gap| match gap {
            Gap::NotActivated => "not_activated",
            Gap::Fallback { .. } => "fallback",
            Gap::Snapshot => "snapshot",
        }),
        reason,
    }
}

fn model(proof: &ModelProof) -> ModelDocument {
    ModelDocument {
        model: proof.model.clone(),
        verdict: proof.verdict.kind,
        http_status: proof.verdict.http_status,
        request_id: proof.verdict.request_id.clone(),
        advice: proof.verdict.advice.clone(),
    }
}

fn profile(proof: &Proof) -> ProfileDocument {
    let verdict = &proof.verdict;
    ProfileDocument {
        id: proof.profile.clone(),
        provider: proof.provider.clone(),
        from: proof.place.as_ref().map(place_words),
        fingerprint: proof.fingerprint,
        role: match proof.role {
            Role::First => "first",
            Role::Later => "fallback",
            Role::HeldBack => "held_back",
            Role::Keyless => "keyless",
            Role::Nothing => "nothing",
        },
        needed_by: proof.needs.iter().map(ToString::to_string).collect(),
        verdict: verdict.kind,
        retryable: verdict.retryable,
        http_status: verdict.http_status,
        request_id: verdict.request_id.clone(),
        latency_ms: verdict.latency_ms,
        retry_after: verdict.retry_after,
        status_page: verdict.status_page.clone(),
        advice: verdict.advice.clone(),
        models: proof.models.iter().map(model).collect(),
    }
}
