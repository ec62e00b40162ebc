//! What is proven of each agent, as a value.

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
    /// What it sends, by provider; where it falls back on something else, that as well.
    pub proofs: Vec<Proof>,
    /// What came of a prompt through the gateway, where one was asked for.
    pub turn: Option<Turn>,
    /// Whether the running gateway is known not to have what the stores hold.
    pub behind: bool,
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
    /// nothing was rejected, and the running gateway is not known to send something else.
    Proven,
    /// Nothing was rejected, and not everything is proven.
    Unproven,
    /// There is nothing to check.
    Missing,
    /// Something was rejected, or is missing.
    Failing,
}

/// Counts over all agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All that were verified.
    pub agents: usize,
    /// Shown to work.
    pub proven: usize,
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
            unproven: count(AgentState::Unproven),
            missing: count(AgentState::Missing),
            failing: count(AgentState::Failing),
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
    /// Tells whether OpenClaw holds back something that its provider accepts.
    pub fn is_held_back(&self) -> bool {
        self.proofs.iter().any(|proof| proof.role == Role::HeldBack && proof.verdict.kind == VerdictKind::Ok)
    }

    /// Judges the agent as a whole.
    pub fn state(&self) -> AgentState {
        if self.proofs.iter().all(|proof| proof.role == Role::Nothing && proof.needs.is_empty()) {
            return AgentState::Missing;
        }
        let missing =
            |proof: &Proof| proof.role == Role::Nothing && proof.verdict.kind == VerdictKind::Missing;
        let refused = |turn: &Turn| matches!(turn.outcome, TurnOutcome::AuthFailed { .. });
        if self.proofs.iter().any(|proof| proof.is_rejected() || missing(proof))
            || self.turn.as_ref().is_some_and(refused)
        {
            return AgentState::Failing;
        }
        let answered = self.turn.as_ref().and_then(Turn::answered_by);
        let works = |provider: &ProviderId| {
            answered == Some(provider)
                || self.proofs.iter().any(|proof| proof.provider == *provider && proof.is_ok())
        };
        let mut needed = self.proofs.iter().filter(|proof| !proof.needs.is_empty()).peekable();
        let proven = match needed.peek() {
            Some(_) => needed.all(|proof| works(&proof.provider)),
            // No model is known: then something that it has must work.
            None => self.proofs.iter().any(|proof| works(&proof.provider)),
        };
        // Where a turn was asked for, it belongs to the proof.
        let proven =
            proven && !self.behind && (self.turn.is_none() || answered.is_some() && self.gap().is_none());
        if proven { AgentState::Proven } else { AgentState::Unproven }
    }
}
