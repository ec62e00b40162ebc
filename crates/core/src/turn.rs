//! What came of a prompt that was put to an agent through the running gateway.

use crate::{AgentId, ProviderId, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One prompt to one agent, and what came of it. Between its two times the provider saw the request, if it saw any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Whom.
    pub agent: AgentId,
    /// When it was put.
    pub begun: Timestamp,
    /// When the answer was there.
    pub ended: Timestamp,
    /// The model that the agent's config puts first, where one is known.
    pub expected: Option<ModelName>,
    /// What came of it.
    pub outcome: TurnOutcome,
}

/// What came of a prompt, judged by content and stop reason, never by a status alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnOutcome {
    /// A model answered.
    Answered {
        /// Which, as the gateway says.
        by: Option<ModelName>,
    },
    /// The provider refused what the gateway sent, or there was nothing to send.
    AuthFailed {
        /// In the gateway's words, one line.
        why: String,
    },
    /// Something else went wrong.
    Failed {
        /// In the gateway's words, one line.
        why: String,
    },
    /// The agent was not asked.
    NotAsked {
        /// Why.
        reason: String,
    },
}

/// A model of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelName {
    /// The provider.
    pub provider: ProviderId,
    /// Its name there.
    pub model: String,
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

impl Turn {
    /// Makes one for an agent that was not asked.
    pub fn not_asked(agent: AgentId, now: Timestamp, reason: impl Into<String>) -> Self {
        let outcome = TurnOutcome::NotAsked { reason: reason.into() };
        Self { agent, begun: now, ended: now, expected: None, outcome }
    }

    /// Returns the provider that answered.
    pub fn answered_by(&self) -> Option<&ProviderId> {
        match &self.outcome {
            TurnOutcome::Answered { by } => by.as_ref().or(self.expected.as_ref()).map(|name| &name.provider),
            _ => None,
        }
    }

    /// Returns which model answered in place of the expected one.
    pub fn fallback(&self) -> Option<&ModelName> {
        let TurnOutcome::Answered { by: Some(by) } = &self.outcome else { return None };
        let expected = self.expected.as_ref()?;
        // Some releases leave the provider's name before the model's.
        let model = by.model.strip_prefix(&format!("{}/", by.provider)).unwrap_or(&by.model);
        (by.provider != expected.provider || model != expected.model).then_some(by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(provider: &str, model: &str) -> ModelName {
        ModelName { provider: provider.into(), model: model.to_owned() }
    }

    fn turn(by: Option<ModelName>) -> Turn {
        Turn {
            expected: Some(name("acme", "big")),
            outcome: TurnOutcome::Answered { by },
            ..Turn::not_asked("main".into(), Timestamp::UNIX_EPOCH, "")
        }
    }

    #[test]
    fn another_model_than_the_first_is_a_fallback() {
        for same in [None, Some(name("acme", "big")), Some(name("acme", "acme/big"))] {
            assert_eq!(turn(same.clone()).fallback(), None, "{same:?}");
            assert_eq!(turn(same).answered_by(), Some(&"acme".into()));
        }
        for other in [name("acme", "small"), name("other", "big")] {
            assert_eq!(turn(Some(other.clone())).fallback(), Some(&other));
        }
    }
}
