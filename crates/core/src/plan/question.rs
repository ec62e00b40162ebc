//! What only a person can decide, with the values that it is about.

use crate::{Fingerprint, ProfileId, ProviderId, VerdictKind, ids::AgentId};
use serde::Serialize;

/// Something only a person can decide. One per provider and profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "question", rename_all = "snake_case")]
pub enum Question {
    /// Values differ from the source and nothing says whether on purpose.
    Differing {
        /// Which profile.
        profile: ProfileId,
        /// Its provider.
        provider: ProviderId,
        /// The source's value, who holds it, and what the provider says.
        source: Group,
        /// Every other value.
        others: Vec<Group>,
        /// The commands that settle the first of those for which nothing is proposed.
        settles: Option<String>,
    },
    /// The base store and the store that the program's own commands write differ: which one is right?
    WhichSource {
        /// Which profile.
        profile: ProfileId,
        /// Its provider.
        provider: ProviderId,
        /// What agents inherit.
        base: Group,
        /// What the commands wrote.
        written: Group,
    },
    /// The source holds an earlier value again.
    SourceReverted {
        /// Which profile.
        profile: ProfileId,
        /// Its provider.
        provider: ProviderId,
        /// What it holds now.
        now: Group,
        /// The newest that it ever had.
        newest: Group,
    },
    /// The provider rejects the source's value.
    SourceRejected {
        /// Which profile.
        profile: ProfileId,
        /// Its provider.
        provider: ProviderId,
        /// The source's value.
        source: Group,
        /// The commands that settle it, where the base store holds another value that may be the right one.
        settles: Option<String>,
    },
}

impl Question {
    /// Returns the profile that it is about.
    pub fn profile(&self) -> &ProfileId {
        match self {
            Self::Differing { profile, .. }
            | Self::WhichSource { profile, .. }
            | Self::SourceReverted { profile, .. }
            | Self::SourceRejected { profile, .. } => profile,
        }
    }
}

/// A value and who holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Which value.
    pub fingerprint: Fingerprint,
    /// Who has it in the agent's own store (or inherits it, for the source).
    pub agents: Vec<AgentId>,
    /// What the provider says.
    pub verdict: VerdictKind,
    /// What would be done with it if the person just agrees.
    pub proposal: Proposal,
}

/// What would be done with a differing value if the person just agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proposal {
    /// Put the source's value in its place.
    Replace,
    /// Keep it, and remember that.
    Keep,
    /// Leave it alone and decide nothing.
    Leave,
}
