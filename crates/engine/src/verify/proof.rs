//! What is proven of each agent, as a value.

use super::gateway::GatewayState;
use keyshoal_core::{
    AgentId, Fingerprint, Need, Place, ProfileId, ProviderId, Turn, TurnOutcome, Verdict, VerdictKind,
};

/// What was found of one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentProof {
    /// Whose.
    pub id: AgentId,
    /// Commands without `--agent` mean this one.
    pub default: bool,
    /// Whether it is known which models it uses, of any provider.
    pub models_known: bool,
    /// What it sends, by provider; where it falls back on something else, that as well.
    pub proofs: Vec<Proof>,
    /// What came of a prompt through the gateway, where one was asked for.
    pub turn: Option<Turn>,
    /// Whether the running gateway has what the stores hold.
    pub gateway: GatewayState,
}

/// What was found of one thing that an agent sends, or should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// To whom.
    pub provider: ProviderId,
    /// The models for which the agent needs the provider. Empty: it has a credential that none of its models needs.
    pub needs: Vec<Need>,
    /// Which profile, where it is one.
    pub profile: Option<ProfileId>,
    /// Where it comes from.
    pub place: Option<Place>,
    /// Which value.
    pub fingerprint: Option<Fingerprint>,
    /// How it stands among what the agent may send.
    pub role: Role,
    /// What its provider says of it, or why nobody was asked.
    pub verdict: Verdict,
    /// What each model says that the agent is configured with, where that was asked for.
    pub models: Vec<ModelProof>,
}

/// What came of asking one model with a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelProof {
    /// The model's name at the provider.
    pub model: String,
    /// Whether it answered.
    pub verdict: Verdict,
}

/// How a candidate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The agent sends it.
    First,
    /// The agent falls back on it.
    Later,
    /// It would be sent, if a mark or its own date did not hold it back.
    HeldBack,
    /// The agent sends no key, as OpenClaw does where it takes the server for one that needs none.
    Keyless,
    /// There is nothing to send.
    Nothing,
}

/// What is to be said of an agent as a whole, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentState {
    /// Each provider that its models need has accepted one of its credentials (where no model is known: one of its providers has),
    /// nothing that they need was rejected, and the running gateway has what the stores hold, or the agent has answered through it.
    Proven,
    /// The same of what it has, but no gateway runs that would send it, or nobody knows whether the running one sends it.
    Accepted,
    /// Nothing that its models need was rejected, and not everything is proven.
    Unproven,
    /// There is nothing to check.
    Missing,
    /// Something that its models need was rejected, or is missing.
    Failing,
}

/// Counts over all agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All that were verified.
    pub agents: usize,
    /// Shown to work.
    pub proven: usize,
    /// Shown to have what works, and not to send it.
    pub accepted: usize,
    /// Neither shown to work nor to fail.
    pub unproven: usize,
    /// With nothing to check.
    pub missing: usize,
    /// Shown to fail.
    pub failing: usize,
}

impl Summary {
    pub(super) fn of(agents: &[AgentProof]) -> Self {
        let count = |state| agents.iter().filter(|agent| agent.state() == state).count();
        Self {
            agents: agents.len(),
            proven: count(AgentState::Proven),
            accepted: count(AgentState::Accepted),
            unproven: count(AgentState::Unproven),
            missing: count(AgentState::Missing),
            failing: count(AgentState::Failing),
        }
    }

    /// Counts those that are as good as it can be told, with the word for them: proven, or where nobody knows of the gateway, accepted.
    pub fn good(&self) -> (usize, &'static str) {
        match self.accepted {
            0 => (self.proven, "proven"),
            accepted => (accepted, "accepted"),
        }
    }
}

impl Proof {
    /// Tells whether the agent sends something here that its provider accepts.
    pub fn is_ok(&self) -> bool {
        let reached = self.models.iter().all(|model| model.verdict.kind == VerdictKind::Ok);
        self.verdict.kind == VerdictKind::Ok && self.role != Role::HeldBack && reached
    }

    /// Tells whether it is certain that this does not work.
    pub fn is_rejected(&self) -> bool {
        is_rejection(self.verdict.kind) || self.models.iter().any(|model| is_rejection(model.verdict.kind))
    }
}

fn is_rejection(kind: VerdictKind) -> bool {
    use VerdictKind::{
        Billing, Expired, InvalidKey, MalformedKey, MissingScope, ModelUnavailable, Policy, Revoked,
    };
    matches!(
        kind,
        InvalidKey | Revoked | MalformedKey | Expired | MissingScope | Billing | ModelUnavailable | Policy
    )
}

impl AgentProof {
    /// Tells whether a model of the agent needs this. Where no model is known, any may.
    pub fn needs(&self, proof: &Proof) -> bool {
        !proof.needs.is_empty() || !self.models_known
    }

    /// Returns what was rejected and what no model of the agent needs: the agent works without it.
    pub fn rejected_unneeded(&self) -> impl Iterator<Item = &Proof> {
        self.proofs.iter().filter(|proof| proof.is_rejected() && !self.needs(proof))
    }

    /// Tells whether OpenClaw holds back something that its provider accepts.
    pub fn is_held_back(&self) -> bool {
        self.proofs.iter().any(|proof| proof.role == Role::HeldBack && proof.verdict.kind == VerdictKind::Ok)
    }

    /// Judges the agent as a whole.
    pub fn state(&self) -> AgentState {
        if self.proofs.iter().all(|proof| proof.role == Role::Nothing && proof.needs.is_empty()) {
            return AgentState::Missing;
        }
        let fails = |proof: &Proof| {
            let missing = proof.role == Role::Nothing && proof.verdict.kind == VerdictKind::Missing;
            (proof.is_rejected() || missing) && self.needs(proof)
        };
        let refused = |turn: &Turn| matches!(turn.outcome, TurnOutcome::AuthFailed { .. });
        if self.proofs.iter().any(fails) || self.turn.as_ref().is_some_and(refused) {
            return AgentState::Failing;
        }
        let answered = self.turn.as_ref().and_then(Turn::answered_by);
        let works = |provider: &ProviderId| {
            answered == Some(provider)
                || self.proofs.iter().any(|proof| proof.provider == *provider && proof.is_ok())
        };
        let mut needed = self.proofs.iter().filter(|proof| !proof.needs.is_empty()).peekable();
        let accepted = match needed.peek() {
            Some(_) => needed.all(|proof| works(&proof.provider)),
            // No model is known: then something that it has must work.
            None => self.proofs.iter().any(|proof| works(&proof.provider)),
        };
        match (self.gateway, &self.turn) {
            _ if !accepted => AgentState::Unproven,
            (GatewayState::Behind | GatewayState::Elsewhere, _) => AgentState::Unproven,
            // Where a turn was asked for, it belongs to the proof.
            (_, Some(_)) if answered.is_some() && self.gap().is_none() => AgentState::Proven,
            (_, Some(_)) => AgentState::Unproven,
            (GatewayState::Current, None) => AgentState::Proven,
            (GatewayState::NotRunning | GatewayState::Unknown, None) => AgentState::Accepted,
        }
    }
}
