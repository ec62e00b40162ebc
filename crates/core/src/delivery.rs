//! A test message into a conversation, and what became of it.

use crate::AgentId;

/// A test message that is to be posted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Post {
    /// The channel.
    pub channel: String,
    /// The channel's account.
    pub account: String,
    /// The conversation, as the program addresses it.
    pub to: String,
    /// The agent that answers there, and in whose session the program keeps the message.
    pub agent: AgentId,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The channel took it.
    Delivered,
    /// The program or the channel refused it.
    Refused {
        /// Why, without secrets.
        why: String,
    },
    /// Nothing was posted, or nobody knows.
    NotTested {
        /// Why.
        reason: String,
    },
}

impl Delivery {
    /// Makes what was not tested.
    pub fn not_tested(reason: impl Into<String>) -> Self {
        Self::NotTested { reason: reason.into() }
    }

    /// Tells whether it arrived; `None`: that was not tested.
    pub fn arrived(&self) -> Option<bool> {
        match self {
            Self::Delivered => Some(true),
            Self::Refused { .. } => Some(false),
            Self::NotTested { .. } => None,
        }
    }

    /// Returns why it did not arrive, or was not tested.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Delivered => None,
            Self::Refused { why: reason } | Self::NotTested { reason } => Some(reason),
        }
    }
}
