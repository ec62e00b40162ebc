//! Rotations that are half done: some agents, or instances, may have the new value and others the one before.

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
    /// The other instances that rotate with this one and where it is half done.
    pub elsewhere: Vec<Elsewhere>,
    /// Since when.
    pub since: Timestamp,
    /// Who works on it now, where somebody does: then it is not for others to go on with.
    pub at_work: Option<String>,
    /// How to go on.
    pub fix: String,
}

/// Where it stands in another instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Elsewhere {
    /// Its name.
    pub instance: String,
    /// The stage.
    pub stage: String,
}

impl HalfDone {
    /// Says where it stands, in words.
    pub fn stands(&self) -> String {
        let here = self.stage.replace('_', " ");
        if self.elsewhere.is_empty() {
            return here;
        }
        let one = |there: &Elsewhere| format!("{} in {}", there.stage.replace('_', " "), there.instance);
        let there: Vec<String> = self.elsewhere.iter().map(one).collect();
        format!("{here} here, and at {}", there.join(", "))
    }
}
