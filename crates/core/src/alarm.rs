//! What an alarm is about, as a value: the condition, whether it has come or gone, and since when.

use crate::{AgentId, FindingKind, ProfileId, ProviderId, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Says what kind of trouble a condition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// A look found it.
    Finding(FindingKind),
    /// A provider refuses what an agent sends, or there is nothing to send.
    Rejected,
    /// A provider could not be asked, or gave no answer about the credential: it is down, limits, or cannot be reached.
    Unreachable,
    /// The gateway was refused when it spoke for an agent, or speaks with something else than what the stores hold.
    TurnFailed,
    /// No gateway runs where one is expected.
    GatewayDown,
    /// The gateway on the configured port reads another state directory than the one that is looked at.
    SplitHome,
    /// A rotation of the vault is half done: some agents may have the new value and others the one before.
    HalfRotated,
    /// The installation itself could not be looked at.
    NotLooked,
}

/// Says what brings news about a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Looks at the installation.
    Look,
    /// Questions to providers and agents.
    Verify,
    /// Whether looking works at all.
    Watch,
}

impl Topic {
    /// Returns its word in JSON documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finding(kind) => kind.as_str(),
            Self::Rejected => "rejected",
            Self::Unreachable => "unreachable",
            Self::TurnFailed => "turn_failed",
            Self::GatewayDown => "gateway_down",
            Self::SplitHome => "split_home",
            Self::HalfRotated => "half_rotated",
            Self::NotLooked => "not_looked",
        }
    }

    /// Returns what brings news about it.
    pub fn source(self) -> Source {
        match self {
            Self::Finding(_) | Self::GatewayDown | Self::SplitHome | Self::HalfRotated => Source::Look,
            Self::Rejected | Self::Unreachable | Self::TurnFailed => Source::Verify,
            Self::NotLooked => Source::Watch,
        }
    }
}

/// Names a condition. Two with the same name are one and the same trouble, whatever words describe it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConditionId {
    /// What.
    pub topic: Topic,
    /// Whose. `None` when it concerns the instance or a provider as a whole.
    pub agent: Option<AgentId>,
    /// Of which provider.
    pub provider: Option<ProviderId>,
    /// Which profile.
    pub profile: Option<ProfileId>,
}

impl ConditionId {
    /// Names one that concerns the instance as a whole.
    pub fn of(topic: Topic) -> Self {
        Self { topic, agent: None, provider: None, profile: None }
    }
}

impl fmt::Display for ConditionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |part: Option<&str>| part.unwrap_or("-").to_owned();
        write!(
            f,
            "{}/{}/{}/{}",
            self.topic.as_str(),
            part(self.agent.as_ref().map(AgentId::as_str)),
            part(self.provider.as_ref().map(ProviderId::as_str)),
            part(self.profile.as_ref().map(ProfileId::as_str))
        )
    }
}

/// Says whether trouble may pass by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nature {
    /// It may pass by itself: no answer, too many requests, a cooldown. It is told of when it stays.
    Passing,
    /// It stays until somebody does something. It is told of at once.
    Lasting,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Its name.
    pub id: ConditionId,
    /// Whether it may pass by itself.
    pub nature: Nature,
    /// One sentence: what is so. Never holds secret material.
    pub message: String,
    /// One line: the command that mends it.
    pub fix: Option<String>,
}

/// Says whether a condition has come or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turned {
    /// It is there, and was not told of before.
    Raised,
    /// It was told of, and is there no more.
    Recovered,
}

impl Turned {
    /// Returns its word in JSON documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Recovered => "recovered",
        }
    }
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Whether it has come or gone.
    pub turned: Turned,
    /// What.
    pub condition: Condition,
    /// When it was first seen.
    pub since: Timestamp,
}

impl Alarm {
    /// Tells whether somebody must not sleep over it: trouble that stays until somebody does something.
    pub fn is_urgent(&self) -> bool {
        self.turned == Turned::Raised && self.condition.nature == Nature::Lasting
    }
}
