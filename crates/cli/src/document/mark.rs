//! `keyshoal.keep.v1` and `keyshoal.replace.v1`: what a person said of a value.

use keyshoal_core::{AgentId, Fingerprint, ProfileId};
use serde::Serialize;

/// What `keep --json` and `replace --json` print.
#[derive(Clone, Debug, Serialize)]
pub struct MarkDocument {
    schema: String,
    agent: AgentId,
    profile: ProfileId,
    fingerprint: Option<Fingerprint>,
    kept: bool,
    may_replace: bool,
}

impl MarkDocument {
    /// The value is a deliberate override, or is none any more.
    pub fn kept(agent: &AgentId, profile: &ProfileId, fingerprint: Option<Fingerprint>, kept: bool) -> Self {
        let (agent, profile) = (agent.clone(), profile.clone());
        Self { schema: "keyshoal.keep.v1".to_owned(), agent, profile, fingerprint, kept, may_replace: false }
    }

    /// The value may be replaced.
    pub fn may_replace(agent: &AgentId, profile: &ProfileId, fingerprint: Fingerprint) -> Self {
        let kept = Self::kept(agent, profile, Some(fingerprint), false);
        Self { schema: "keyshoal.replace.v1".to_owned(), may_replace: true, ..kept }
    }
}
