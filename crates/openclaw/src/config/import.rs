//! Taking a config over: what a vault needs to want just this.

use super::ConfigError;
use super::generate::view::{View, kind};
use super::generate::{Sources, WantedAgent, WantedBinding};
use super::notes::Look;
use crate::agent_id;
use crate::locate::Locations;
use keyshoal_core::vault::{AgentUid, ModelChoice, VaultAgent, VaultBinding};
use keyshoal_core::{AgentId, CredentialKind, ProfileId, ProviderId, Secret};
use std::collections::BTreeMap;

/// What a config holds of what is generated, as it is written: `${VAR}` stays what it is.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The agents of the roster, in order; `main` where none is written.
    pub agents: Vec<WantedAgent>,
    /// `agents.defaults.model`.
    pub models: ModelChoice,
    /// The bindings of messages to agents of the roster, in order.
    pub bindings: Vec<WantedBinding>,
    /// Those to agents that the roster does not have.
    pub unowned: Vec<WantedBinding>,
    /// `agents.ownership: "explicit"`.
    pub explicit: bool,
    /// `auth.profiles`.
    pub profiles: BTreeMap<ProfileId, (ProviderId, CredentialKind)>,
    /// `auth.order`.
    pub order: Vec<(ProviderId, Vec<ProfileId>)>,
    /// `channels.<name>`, as JSON text.
    pub channels: BTreeMap<String, Secret>,
    /// What stays in the config alone, and why.
    pub notes: Vec<String>,
}

/// Settings of `channels` that are not channels.
const NO_CHANNELS: [&str; 2] = ["defaults", "modelByChannel"];

/// Reads what a config holds, with everything that it includes.
pub fn import(locations: &Locations, sources: &Sources) -> Result<Imported, ConfigError> {
    let view = View::of(sources.whole()).map_err(|strange| sources.refuse(locations, &strange))?;
    let default = view.default_agent().cloned();
    let mut agents: Vec<WantedAgent> = view
        .agents
        .into_iter()
        .map(|seen| WantedAgent {
            default: default.as_ref() == Some(&seen.id),
            id: seen.id,
            name: seen.name,
            models: seen.models.choice,
            workspace: seen.workspace,
        })
        .collect();
    if agents.is_empty() {
        agents.push(WantedAgent {
            id: AgentId::new(agent_id::FALLBACK),
            name: None,
            default: true,
            models: ModelChoice::default(),
            workspace: None,
        });
    }
    let mut notes = Vec::new();
    let (mut bindings, mut unowned) = (Vec::new(), Vec::new());
    for (at, bound) in view.bindings.into_iter().enumerate() {
        if bound.acp {
            notes.push(format!("bindings[{at}] is of the type acp and stays as it is"));
            continue;
        }
        let (agent, matching, comment) = (bound.agent, bound.matching, bound.comment);
        let list = if agents.iter().any(|one| one.id == agent) {
            &mut bindings
        } else {
            notes.push(format!("bindings[{at}] names agent {agent}, which is not in the roster"));
            &mut unowned
        };
        list.push(WantedBinding { agent, matching, comment });
    }
    let mut profiles = BTreeMap::new();
    for (id, (provider, mode)) in view.profiles {
        match kind(&mode) {
            CredentialKind::Unknown(_) => {
                notes.push(format!("auth.profiles[{id}] has the mode {mode} and stays as it is"))
            }
            mode => drop(profiles.insert(id, (super::provider_id(&provider), mode))),
        }
    }
    let root = Look::root(sources.whole());
    let channels = root.at("channels");
    let channels = channels.iter().flat_map(Look::entries).filter(|(name, _)| !NO_CHANNELS.contains(name));
    Ok(Imported {
        agents,
        models: view.models.choice,
        explicit: view.explicit,
        bindings,
        unowned,
        profiles,
        order: view.order.into_iter().map(|(provider, (_, list))| (provider, list)).collect(),
        channels: channels
            .map(|(name, look)| (name.to_owned(), Secret::new(look.value.to_string())))
            .collect(),
        notes,
    })
}

impl Imported {
    /// Returns agents and bindings as a vault has them, all enabled; `uid_of` gives each agent its id.
    pub fn parts(
        &self,
        mut uid_of: impl FnMut(&AgentId) -> AgentUid,
    ) -> (Vec<VaultAgent>, Vec<VaultBinding>) {
        let agents: Vec<VaultAgent> = self
            .agents
            .iter()
            .map(|agent| VaultAgent {
                uid: uid_of(&agent.id),
                id: agent.id.clone(),
                name: agent.name.clone(),
                enabled: true,
                default: agent.default,
                models: agent.models.clone(),
                workspace: agent.workspace.clone(),
            })
            .collect();
        let bound = self.bindings.iter().filter_map(|binding| {
            let agent = agents.iter().find(|agent| agent.id == binding.agent)?;
            let (matching, comment) = (binding.matching.clone(), binding.comment.clone());
            Some(VaultBinding { agent: agent.uid, matching, comment })
        });
        let bindings = bound.collect();
        (agents, bindings)
    }
}
