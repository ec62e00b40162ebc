//! Conversations, and the channels that they are held in.

use crate::agent_id::DEFAULT_ACCOUNT;
use std::collections::BTreeMap;
use std::fmt;

/// A conversation that a binding names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer {
    /// Its kind.
    pub kind: PeerKind,
    /// Its id.
    pub id: String,
}

/// Says what kind of conversation one is. Groups and channels are one where messages are routed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeerKind {
    /// With one person.
    Direct,
    /// Of a group.
    Group,
    /// Of a channel within a guild or team.
    Channel,
}

impl PeerKind {
    /// Reads a kind as the program does; `dm` is an older word for `direct`.
    pub fn of(text: &str) -> Option<Self> {
        match text.trim().to_lowercase().as_str() {
            "direct" | "dm" => Some(Self::Direct),
            "group" => Some(Self::Group),
            "channel" => Some(Self::Channel),
            _ => None,
        }
    }

    /// Returns the program's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Group => "group",
            Self::Channel => "channel",
        }
    }

    /// Tells whether a binding to one kind is also for the other.
    pub fn is_like(self, other: Self) -> bool {
        (self == Self::Direct) == (other == Self::Direct)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)
    }
}

/// One entry of `channels`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelDecl {
    /// `enabled`; true when absent.
    pub enabled: bool,
    /// `accounts`, by normalised id, with whether each is enabled.
    pub accounts: BTreeMap<String, bool>,
}

impl ChannelDecl {
    /// Returns the accounts that messages can come to.
    pub fn enabled_accounts(&self) -> Vec<String> {
        if self.accounts.is_empty() {
            return vec![DEFAULT_ACCOUNT.to_owned()];
        }
        self.accounts.iter().filter(|(_, enabled)| **enabled).map(|(id, _)| id.clone()).collect()
    }
}
