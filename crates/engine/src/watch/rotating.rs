//! Rotations of an installation's vault that are half done: no look at the stores tells of them.

use keyshoal_core::{AgentId, Condition, ConditionId, Nature, ProfileId, Topic};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HalfRotated {
    /// Of which profile.
    pub profile: ProfileId,
    /// Whose override it is; `None` where all share it.
    pub agent: Option<AgentId>,
    /// Where it stands, in words.
    pub stage: String,
    /// Who works on it now, where somebody does.
    pub at_work: Option<String>,
    /// How to go on.
    pub fix: String,
}

impl HalfRotated {
    /// Says it in one sentence, which stays the same while one process works on it.
    pub(super) fn sentence(&self) -> String {
        format!("{}; {}", self.message(), self.fix)
    }

    /// Returns it as a condition. One that a process works on passes by itself.
    pub fn condition(&self) -> Condition {
        Condition {
            id: ConditionId {
                agent: self.agent.clone(),
                profile: Some(self.profile.clone()),
                ..ConditionId::of(Topic::HalfRotated)
            },
            nature: if self.at_work.is_some() { Nature::Passing } else { Nature::Lasting },
            message: self.message(),
            fix: Some(self.fix.clone()),
        }
    }

    fn message(&self) -> String {
        let whose = self.agent.as_ref().map(|agent| format!(" of {agent}")).unwrap_or_default();
        let stands = match &self.at_work {
            Some(who) => format!("{who} is at work on it"),
            None => format!("it stands at {}", self.stage),
        };
        format!("a rotation of {}{whose} is half done: {stands}", self.profile)
    }
}
