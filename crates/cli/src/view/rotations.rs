//! Rotations that are half done: some agents may have the new value and others the one before.

use keyshoal_core::{AgentId, ProfileId, Timestamp};
use serde::Serialize;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HalfDone {
    /// Of which profile.
    pub profile: ProfileId,
    /// Whose override it is; `None` where all share it.
    pub agent: Option<AgentId>,
    /// Where it stands.
    pub stage: String,
    /// Since when.
    pub since: Timestamp,
    /// Who works on it now, where somebody does: then it is not for others to go on with.
    pub at_work: Option<String>,
    /// How to go on.
    pub fix: String,
}
