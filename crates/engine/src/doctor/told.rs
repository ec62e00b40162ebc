//! What a check tells.

use keyshoal_core::{AgentId, Severity};

/// What a check tells: what it saw, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Told {
    /// What it saw, found or not: one fact a line.
    pub seen: Vec<String>,
    /// What is wrong.
    pub symptoms: Vec<Symptom>,
}

impl Told {
    /// Begins with what was seen.
    pub fn seeing(seen: Vec<String>) -> Self {
        Self { seen, symptoms: Vec::new() }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// How much it matters.
    pub severity: Severity,
    /// The agents that it concerns; none when it concerns the whole installation.
    pub agents: Vec<AgentId>,
    /// One sentence, without the agents.
    pub message: String,
    /// The facts that it rests on, one a line.
    pub evidence: Vec<String>,
    /// The command that mends it, or what to do.
    pub fix: Option<String>,
    /// How `doctor --fix` mends it, where that is safe.
    pub remedy: Option<Remedy>,
}

/// Says which of the engine's own ways mends something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// [`crate::sync()`]: its plan replaces what is certainly wrong, resets cooldowns of what it mends, and makes the gateway see it.
    Sync,
    /// [`crate::scrub`]: plaintext outside of the stores goes, after a question of its own.
    Scrub,
}

impl Remedy {
    /// Returns its word in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Scrub => "scrub",
        }
    }
}

impl Symptom {
    fn of(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            severity,
            agents: Vec::new(),
            message: message.into(),
            evidence: Vec::new(),
            fix: None,
            remedy: None,
        }
    }

    /// Makes one that needs attention.
    pub fn attention(message: impl Into<String>) -> Self {
        Self::of(Severity::Attention, message)
    }

    /// Makes one that is worth knowing.
    pub fn info(message: impl Into<String>) -> Self {
        Self::of(Severity::Info, message)
    }

    /// Names the agents that it concerns.
    #[must_use]
    pub fn agents(mut self, agents: impl IntoIterator<Item = AgentId>) -> Self {
        self.agents.extend(agents);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn because(mut self, fact: impl Into<String>) -> Self {
        self.evidence.push(fact.into());
        self
    }

    /// Adds facts.
    #[must_use]
    pub fn given(mut self, facts: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(facts);
        self
    }

    /// Says what mends it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Says that `keyshoal sync` mends it, and so may `doctor --fix`.
    #[must_use]
    pub fn by_sync(mut self) -> Self {
        self.remedy = Some(Remedy::Sync);
        self.fix("keyshoal sync")
    }

    /// Says that `keyshoal scrub` mends it, and so may `doctor --fix`.
    #[must_use]
    pub fn by_scrub(mut self) -> Self {
        self.remedy = Some(Remedy::Scrub);
        self.fix("keyshoal scrub")
    }
}
