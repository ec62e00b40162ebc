//! The documents of every enabled agent of an instance: what all share, with the agent's overrides in their places.

use super::{Artifact, ArtifactError, Entry, EntryError, artifact};
use keyshoal_core::vault::{AgentUid, CredentialUid, VaultInstance};
use keyshoal_core::{AgentId, Layout, ProfileId, Secret, Timestamp};
use std::collections::BTreeMap;

/// The documents of one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentArtifact {
    /// Whose.
    pub agent: AgentId,
    /// Its documents.
    pub artifact: Artifact,
    /// The profiles in it, in order.
    pub profiles: Vec<ProfileId>,
    /// What is left out of it, and why.
    pub left_out: Vec<(ProfileId, String)>,
}

/// Makes the documents of every enabled agent, in the roster's order. Equal input gives equal bytes; no enabled agent is left out, and
/// no disabled one is in.
///
/// `values` has the present value of each credential: the profile's entry as JSON text. A credential without one is left out.
pub fn build_auth_artifacts(
    layout: Layout,
    instance: &VaultInstance,
    values: &BTreeMap<CredentialUid, Secret>,
    now: Timestamp,
) -> Result<Vec<AgentArtifact>, ArtifactError> {
    let mut shared: BTreeMap<&ProfileId, Result<Entry, EntryError>> = BTreeMap::new();
    let mut own: BTreeMap<AgentUid, BTreeMap<&ProfileId, Result<Entry, EntryError>>> = BTreeMap::new();
    for credential in instance.credentials.iter().filter(|one| one.current().is_some()) {
        let Some(value) = values.get(&credential.uid) else { continue };
        let entry = Entry::new(layout, &credential.profile, value, now);
        match credential.agent {
            None => shared.insert(&credential.profile, entry),
            Some(agent) => own.entry(agent).or_default().insert(&credential.profile, entry),
        };
    }
    let none = BTreeMap::new();
    let mut all = Vec::new();
    for agent in instance.agents.iter().filter(|agent| agent.enabled) {
        let own = own.get(&agent.uid).unwrap_or(&none);
        let inherited = shared.iter().filter(|(id, _)| !own.contains_key(*id));
        let mut held: Vec<(&&ProfileId, &Result<Entry, EntryError>)> = inherited.chain(own).collect();
        held.sort_by_key(|(id, _)| **id);
        let entries: Vec<&Entry> = held.iter().filter_map(|(_, entry)| entry.as_ref().ok()).collect();
        let left_out = held
            .iter()
            .filter_map(|(id, entry)| Some(((**id).clone(), entry.as_ref().err()?.to_string())))
            .collect();
        all.push(AgentArtifact {
            agent: agent.id.clone(),
            artifact: artifact(layout, &entries, &instance.order)?,
            profiles: entries.iter().map(|entry| entry.id().clone()).collect(),
            left_out,
        });
    }
    Ok(all)
}
