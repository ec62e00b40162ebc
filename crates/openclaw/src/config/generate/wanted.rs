//! What a config shall hold: plain data, made from a vault's instance.

use keyshoal_core::vault::{ModelChoice, VaultInstance};
use keyshoal_core::{AgentId, CredentialKind, ProfileId, ProviderId, Secret};
use std::collections::{BTreeMap, BTreeSet};

/// What the config of one installation shall hold, of what is generated.
///
/// Texts are as they stand in the config: `${VAR}` in one of them is a variable to the program.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The agents of the roster, in order: the enabled ones. All others leave it.
    pub agents: Vec<WantedAgent>,
    /// `agents.defaults.model`.
    pub models: ModelChoice,
    /// `bindings`, in order; those of the type `acp` are the person's own.
    pub bindings: Vec<WantedBinding>,
    /// `auth.profiles`: provider and mode of each. Others in the file stay.
    pub profiles: BTreeMap<ProfileId, (ProviderId, CredentialKind)>,
    /// Profiles that leave `auth.profiles` and `auth.order`.
    pub gone_profiles: BTreeSet<ProfileId>,
    /// `auth.order` of these providers; an empty list takes it away. Others in the file stay.
    pub order: BTreeMap<ProviderId, Vec<ProfileId>>,
    /// `channels.<name>`, as JSON text. Others in the file stay.
    pub channels: BTreeMap<String, Secret>,
    /// `secrets.providers.<name>`: the JSON file that it reads; `None` takes it away. Others in the file stay.
    pub secret_files: BTreeMap<String, Option<String>>,
    /// What a gateway needs to start safely, where it shall be set.
    pub gateway: Option<GatewayDefaults>,
    /// Agents keep their stores where the program puts them by itself: every `agentDir` leaves.
    pub usual_stores: bool,
    /// Keys that an earlier release's own commands wrote, and this one refuses, leave: for a config that comes from another machine.
    pub without_retired: bool,
    /// Agents that have another id than the file gives them: the new id, and the one in the file.
    pub renamed: BTreeMap<AgentId, AgentId>,
    /// What the entries of agents held when they left the roster ([`super::Left::entry`]), for those that come back.
    pub kept: BTreeMap<AgentId, Secret>,
}

/// One agent of the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedAgent {
    /// Its id, normalised.
    pub id: AgentId,
    /// Its display name.
    pub name: Option<String>,
    /// Whether it is the default agent; where the config says `agents.ownership: "explicit"`, the one of `agents.defaults.systemAgent`.
    pub default: bool,
    /// Its own models.
    pub models: ModelChoice,
    /// Its workspace directory.
    pub workspace: Option<String>,
}

/// One binding.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedBinding {
    /// To whom.
    pub agent: AgentId,
    /// `match`.
    pub matching: serde_json::Value,
    /// `comment`.
    pub comment: Option<String>,
}

/// What a gateway needs to start safely, beside `gateway.mode: "local"`, which is always set with it.
#[derive(Clone, Debug, Default)]
pub struct GatewayDefaults {
    /// `gateway.port`; left as it is where `None`.
    pub port: Option<u16>,
    /// `gateway.bind`; left as it is where `None`.
    pub bind: Option<String>,
    /// `gateway.auth.token`, with the mode `token`; left as it is where `None`.
    pub token: Option<Secret>,
}

/// Says why an instance of a vault makes no config.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WantedError {
    /// OpenClaw makes up an agent `main` where no other is.
    #[error(
        "no agent is enabled; OpenClaw would make up an agent main and give it every credential: enable one"
    )]
    NoAgent,
    /// Two agents have one id.
    #[error("the agent {0} is there twice: rename one")]
    Twice(AgentId),
    /// Two agents are the default.
    #[error("the agents {0} and {1} are both the default: choose one")]
    TwoDefaults(AgentId, AgentId),
    /// `auth.profiles` knows one mode of a profile, for all agents.
    #[error(
        "the profile {profile} is {} of {} for some and {} of {} for others, but OpenClaw knows one type of it for all agents: give the override an id of its own",
        .first.1.as_str(), .first.0, .second.1.as_str(), .second.0
    )]
    TwoModes {
        /// The profile.
        profile: ProfileId,
        /// What it is for some.
        first: (ProviderId, CredentialKind),
        /// And for others.
        second: (ProviderId, CredentialKind),
    },
}

impl Wanted {
    /// Makes what the config shall hold of an instance. Bindings of disabled agents are left out. Channels, files of secrets, the
    /// gateway and renames are the caller's to add.
    pub fn of(instance: &VaultInstance) -> Result<Self, WantedError> {
        let enabled = || instance.agents.iter().filter(|agent| agent.enabled);
        let mut wanted = Self { models: instance.models.clone(), ..Self::default() };
        for agent in enabled() {
            wanted.agents.push(WantedAgent {
                id: agent.id.clone(),
                name: agent.name.clone(),
                default: agent.default,
                models: agent.models.clone(),
                workspace: agent.workspace.clone(),
            });
        }
        for binding in &instance.bindings {
            if let Some(agent) = enabled().find(|agent| agent.uid == binding.agent) {
                wanted.bindings.push(WantedBinding {
                    agent: agent.id.clone(),
                    matching: binding.matching.clone(),
                    comment: binding.comment.clone(),
                });
            }
        }
        for credential in &instance.credentials {
            let used = credential.agent.is_none_or(|owner| enabled().any(|agent| agent.uid == owner));
            if !used
                || credential.current().is_none()
                || matches!(credential.kind, CredentialKind::Unknown(_))
            {
                continue;
            }
            let declared = (credential.provider.clone(), credential.kind.clone());
            if let Some(first) = wanted.profiles.get(&credential.profile).filter(|first| **first != declared)
            {
                return Err(WantedError::TwoModes {
                    profile: credential.profile.clone(),
                    first: first.clone(),
                    second: declared,
                });
            }
            wanted.profiles.insert(credential.profile.clone(), declared);
        }
        wanted.order = instance.order.iter().cloned().collect();
        wanted.checked()
    }

    /// Checks what no config can hold.
    pub(super) fn checked(self) -> Result<Self, WantedError> {
        if self.agents.is_empty() {
            return Err(WantedError::NoAgent);
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.agents.iter().find(|agent| !seen.insert(&agent.id)) {
            return Err(WantedError::Twice(twice.id.clone()));
        }
        let mut defaults = self.agents.iter().filter(|agent| agent.default);
        if let (Some(one), Some(other)) = (defaults.next(), defaults.next()) {
            return Err(WantedError::TwoDefaults(one.id.clone(), other.id.clone()));
        }
        Ok(self)
    }
}
