//! `keyshoal.artifacts.v1`: what every agent gets of a vault's credentials.

use keyshoal_core::artifacts::AgentArtifacts;
use serde::Serialize;

/// What `artifacts --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct ArtifactsDocument {
    schema: &'static str,
    agents: Vec<AgentArtifacts>,
}

impl ArtifactsDocument {
    /// Makes it.
    pub fn of(agents: Vec<AgentArtifacts>) -> Self {
        Self { schema: "keyshoal.artifacts.v1", agents }
    }
}
