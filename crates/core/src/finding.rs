//! What observation and knowledge say about one agent's profile.

use crate::{CredentialKind, Fingerprint, ProfileId, ProviderId, StoreId, Timestamp, Verdict, ids::AgentId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names a finding. Each has its severity and its exit code in the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// It equals the source.
    InSync,
    /// The agent has none of its own and uses the base store's.
    Inherited,
    /// An earlier generation, or dead while the source's is accepted.
    Stale,
    /// A local copy of the owner's OAuth profile hides it.
    Shadowing,
    /// It differs, and nothing says whether on purpose.
    Foreign,
    /// A deliberate override.
    Kept,
    /// A value that was marked as the agent's own is not there any more, and nothing of ours took it away.
    Overwritten,
    /// The agent needs this provider and has nothing for it.
    Missing,
    /// Its time is over.
    Expired,
    /// Its store cannot be read.
    Unreadable,
    /// The config's `auth.profiles` wants another type, so the agent does not use it.
    ModeMismatch,
    /// A cooldown or disabled mark holds it back.
    CoolingDown,
    /// The store is right, the running gateway does not know it yet.
    NotActivated,
    /// The source itself has gone back to an earlier value.
    SourceReverted,
    /// The source's value is rejected by its provider; nothing is spread.
    SourceRejected,
    /// A directory with credentials that no agent owns.
    Orphaned,
    /// A plaintext copy that nothing uses any more.
    Residue,
    /// An earlier run did not finish.
    OpenRun,
    /// The vault has it for this agent, and the store does not hold it yet.
    Pending,
    /// The config is not what the vault wants.
    ConfigDiffers,
}

/// Says how much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Fine,
    /// Worth knowing; exit code 0.
    Info,
    /// Needs attention; exit code 2.
    Attention,
}

impl FindingKind {
    /// All kinds, in the order of the README's table.
    pub const ALL: [Self; 20] = [
        Self::InSync,
        Self::Inherited,
        Self::Kept,
        Self::Stale,
        Self::Foreign,
        Self::Shadowing,
        Self::Overwritten,
        Self::Missing,
        Self::Expired,
        Self::Unreadable,
        Self::ModeMismatch,
        Self::CoolingDown,
        Self::NotActivated,
        Self::SourceReverted,
        Self::SourceRejected,
        Self::Orphaned,
        Self::Residue,
        Self::OpenRun,
        Self::Pending,
        Self::ConfigDiffers,
    ];

    /// Returns its word in JSON documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::Inherited => "inherited",
            Self::Stale => "stale",
            Self::Shadowing => "shadowing",
            Self::Foreign => "foreign",
            Self::Kept => "kept",
            Self::Overwritten => "overwritten",
            Self::Missing => "missing",
            Self::Expired => "expired",
            Self::Unreadable => "unreadable",
            Self::ModeMismatch => "mode_mismatch",
            Self::CoolingDown => "cooling_down",
            Self::NotActivated => "not_activated",
            Self::SourceReverted => "source_reverted",
            Self::SourceRejected => "source_rejected",
            Self::Orphaned => "orphaned",
            Self::Residue => "residue",
            Self::OpenRun => "open_run",
            Self::Pending => "pending",
            Self::ConfigDiffers => "config_differs",
        }
    }

    /// Returns how much it matters by itself. A dead override is raised by the judge.
    pub fn severity(self) -> Severity {
        match self {
            Self::InSync | Self::Inherited => Severity::Fine,
            Self::Kept | Self::Orphaned | Self::Residue => Severity::Info,
            _ => Severity::Attention,
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub finding: FindingKind,
    /// How much it matters here.
    pub severity: Severity,
    /// Whose. `None` when it concerns the instance.
    pub agent: Option<AgentId>,
    /// Which profile.
    pub profile: Option<ProfileId>,
    /// Its provider.
    pub provider: Option<ProviderId>,
    /// The store in which the agent's value stands.
    #[serde(skip)]
    pub store: Option<StoreId>,
    /// The agent's type.
    #[serde(rename = "type")]
    pub kind: Option<CredentialKind>,
    /// The agent's value.
    pub fingerprint: Option<Fingerprint>,
    /// The source's value.
    pub source_fingerprint: Option<Fingerprint>,
    /// When the agent's value was first seen there.
    pub first_seen: Option<Timestamp>,
    /// What its provider last said.
    pub verdict: Option<Verdict>,
    /// One sentence: what is so, and how it is known.
    pub message: String,
    /// One line: the command that mends it.
    pub fix: Option<String>,
}
