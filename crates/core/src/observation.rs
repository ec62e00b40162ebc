//! What was seen of an instance at one moment, without any secret.

use crate::{
    Candidate, Capabilities, CredentialKind, Endpoint, Fingerprint, Instance, Material, Need, ProfileId,
    ProviderId, Referred, SecretRef, StoreId, Timestamp, ids::AgentId,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that judging and planning need to know of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When it was looked at.
    pub at: Timestamp,
    /// The installation.
    pub instance: Instance,
    /// What its layout can do.
    pub capabilities: Capabilities,
    /// Every store, the base store first: those of the roster, and what agents have left behind that a vault has taken out of it.
    pub stores: BTreeMap<StoreId, StoreView>,
    /// Every agent of the roster, in its order.
    pub agents: Vec<AgentView>,
    /// The store into which the program's own commands write. Differs from `Base` when the default agent is not main.
    pub program_writes_to: StoreId,
    /// What `auth.profiles` in the config demands: the type per profile id.
    pub modes: BTreeMap<ProfileId, CredentialKind>,
    /// What the config itself holds as a provider's key (`models.providers.X.apiKey`); [`Material::Absent`] where it names a variable that is
    /// not set.
    pub config_keys: BTreeMap<ProviderId, Material>,
    /// Whom the config names for a provider (`models.providers`), also where no agent asks that.
    pub declared: BTreeMap<ProviderId, Endpoint>,
    /// What references of profiles and of keys in the config into files of the person's own lead to: what the gateway may hold, what a
    /// provider is asked about, and what leads nowhere.
    pub referred: BTreeMap<SecretRef, Referred>,
    /// Directories under `agents/` that hold credentials but are in no roster.
    pub orphans: Vec<Orphan>,
    /// Further things that a person should know: leftovers, residue, warnings. One sentence each, no secrets.
    pub notices: Vec<Notice>,
    /// Older values seen elsewhere (models.json copies, migration leftovers), which teach the ledger earlier generations.
    pub earlier: Vec<(ProfileId, Fingerprint)>,
}

impl Observation {
    /// Returns the agent of this id.
    pub fn agent(&self, id: &AgentId) -> Option<&AgentView> {
        self.agents.iter().find(|agent| agent.id == *id)
    }

    /// Returns whom an agent would ask that does not ask this provider yet: the config's endpoint, else the provider's public one.
    pub fn would_ask(&self, provider: &ProviderId) -> Endpoint {
        self.declared.get(provider).cloned().unwrap_or_else(|| Endpoint::public(provider.clone()))
    }

    /// Returns the store of this id.
    pub fn store(&self, id: &StoreId) -> Option<&StoreView> {
        self.stores.get(id)
    }

    /// Returns the stores that a gateway reads: not those that agents have left behind who are in the roster no more.
    pub fn used(&self) -> impl Iterator<Item = (&StoreId, &StoreView)> {
        let users: BTreeSet<&StoreId> = self.agents.iter().map(|agent| &agent.store).collect();
        self.stores.iter().filter(move |(id, _)| **id == StoreId::Base || users.contains(id))
    }

    /// Returns a profile of a store.
    pub fn profile(&self, store: &StoreId, profile: &ProfileId) -> Option<&ProfileView> {
        self.stores.get(store)?.profiles.get(profile)
    }

    /// Tells whether the store that agents inherit from is one that the program alone makes, and has not made yet.
    pub fn base_is_to_be_made(&self) -> bool {
        let absent = |store: &StoreView| store.health == StoreHealth::Absent;
        self.store(&StoreId::Base).is_some_and(absent)
            && !self.capabilities.makes_stores
            && self.not_writable(&StoreId::Base).is_none()
    }

    /// Returns why a store must not be written, if so.
    pub fn not_writable(&self, store: &StoreId) -> Option<String> {
        if let Some(reason) = &self.capabilities.read_only {
            return Some(reason.clone());
        }
        if self.instance.layout == crate::Layout::Unknown {
            return Some("the layout of this release is not known".to_owned());
        }
        let view = self.store(store)?;
        match &view.health {
            StoreHealth::Unreadable(reason) => Some(format!("it cannot be read: {reason}")),
            StoreHealth::NewerSchema { found, known } => {
                Some(format!("its schema {found} is newer than the newest known one, {known}"))
            }
            StoreHealth::Ok | StoreHealth::Absent | StoreHealth::Empty => view.read_only.clone(),
        }
    }

    /// Returns the agents that keep their profiles in this store.
    pub fn agents_of<'a>(&'a self, store: &'a StoreId) -> impl Iterator<Item = &'a AgentView> {
        self.agents.iter().filter(move |agent| agent.store == *store)
    }

    /// Tells why the store that agents inherit from could not be read, if so: then nothing can be compared with it.
    pub fn base_unreadable(&self) -> Option<String> {
        let base = self.store(&StoreId::Base)?;
        match &base.health {
            StoreHealth::Ok | StoreHealth::Absent | StoreHealth::Empty => None,
            StoreHealth::Unreadable(reason) => Some(format!("{}: {reason}", base.path)),
            StoreHealth::NewerSchema { found, known } => {
                Some(format!("{}: schema {found} is newer than {known}, the newest known one", base.path))
            }
        }
    }
}

/// One agent of the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentView {
    /// Its normalised id.
    pub id: AgentId,
    /// Its display name, if it has one.
    pub name: Option<String>,
    /// Whether commands without `--agent` mean this one.
    pub default: bool,
    /// Whether it is enabled (in the roster, until a vault says otherwise).
    pub enabled: bool,
    /// Where its own profiles are. `Base` for main in the layouts where main's store is the base.
    pub store: StoreId,
    /// Its directory.
    pub agent_dir: String,
    /// The providers that its models need, with the models.
    pub needs: BTreeMap<ProviderId, Vec<Need>>,
    /// Why nobody can tell what it may send, if so: a store that it uses cannot be read. Then there are no candidates.
    pub unknown: Option<String>,
    /// What it may send, per provider, in order: to those that its models need, and those of which there is a profile.
    pub candidates: BTreeMap<ProviderId, Vec<Candidate>>,
    /// What it would send to further providers for which the config has a key, if it ever used a model of theirs.
    pub unneeded: BTreeMap<ProviderId, Vec<Candidate>>,
    /// Whom it asks, per provider.
    pub endpoints: BTreeMap<ProviderId, Endpoint>,
}

impl AgentView {
    /// Returns what this agent sends first to a provider.
    pub fn first(&self, provider: &ProviderId) -> Option<&Candidate> {
        self.candidates.get(provider)?.iter().find(|one| one.standing == crate::Standing::First)
    }

    /// Tells whether a model of this agent needs a provider. Where no model is known, any may.
    pub fn may_need(&self, provider: &ProviderId) -> bool {
        self.needs.is_empty() || self.needs.contains_key(provider)
    }
}

/// One credential store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreView {
    /// Its file or database, for people.
    pub path: String,
    /// How it was found.
    pub health: StoreHealth,
    /// Why it must not be written, if so (a bind mount under a running gateway, a newer schema, another owner).
    pub read_only: Option<String>,
    /// Its profiles.
    pub profiles: BTreeMap<ProfileId, ProfileView>,
    /// Its explicit order per provider.
    pub order: BTreeMap<ProviderId, Vec<ProfileId>>,
    /// The last profile that worked per provider, as the program believes.
    pub last_good: BTreeMap<ProviderId, ProfileId>,
    /// Use and cooldown marks per profile. A mark may stand here for a profile of another store.
    pub usage: BTreeMap<ProfileId, UsageView>,
    /// A credential file of an earlier layout that lies beside it.
    pub leftover: Option<String>,
    /// When its file was last changed.
    pub modified: Option<Timestamp>,
}

/// Says how a store was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreHealth {
    /// Read whole.
    Ok,
    /// Not there yet: the program has not made it.
    Absent,
    /// There, with nothing in it.
    Empty,
    /// There, and cannot be read: why, and where.
    Unreadable(String),
    /// Written by a newer release than we know.
    NewerSchema {
        /// What was found.
        found: i64,
        /// The newest that we know.
        known: i64,
    },
}

/// One profile of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileView {
    /// Its provider.
    pub provider: ProviderId,
    /// Its type.
    pub kind: CredentialKind,
    /// What it holds.
    pub material: Material,
    /// When its time is over, where the profile says so.
    pub expires: Option<Timestamp>,
    /// The account it belongs to (account id or e-mail, fingerprinted), for OAuth.
    pub account: Option<Fingerprint>,
    /// The user allows this profile to be copied to other agents.
    pub copy_to_agents: bool,
}

/// Tells whether a mark stands for a refused credential, by OpenClaw's word for why it was set.
pub fn is_auth(reason: &str) -> bool {
    matches!(reason, "auth" | "auth_permanent")
}

/// Use and cooldown marks of one profile.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UsageView {
    /// When it was last used.
    pub last_used: Option<Timestamp>,
    /// When it last failed.
    pub last_failure: Option<Timestamp>,
    /// Consecutive errors.
    pub error_count: u64,
    /// A cooldown: until when, and OpenClaw's word for why.
    pub cooldown: Option<(Timestamp, String)>,
    /// A disabled mark: until when, and why.
    pub disabled: Option<(Timestamp, String)>,
    /// How often it failed, by OpenClaw's word for why.
    pub failures: BTreeMap<String, u64>,
}

impl UsageView {
    /// Tells whether an authentication failure holds the profile back. Billing and rate-limit marks are not ours to reset.
    pub fn auth_block(&self) -> bool {
        let auth =
            |mark: &Option<(Timestamp, String)>| mark.as_ref().is_some_and(|(_, reason)| is_auth(reason));
        auth(&self.cooldown) || auth(&self.disabled)
    }

    /// Returns the mark that holds the profile back at this moment: until when, and OpenClaw's word for why.
    pub fn in_force(&self, now: Timestamp) -> Option<&(Timestamp, String)> {
        [&self.disabled, &self.cooldown].into_iter().flatten().find(|(until, _)| *until > now)
    }

    /// Tells whether an authentication failure holds the profile back at this moment.
    pub fn auth_block_at(&self, now: Timestamp) -> bool {
        [&self.disabled, &self.cooldown]
            .into_iter()
            .flatten()
            .any(|(until, reason)| *until > now && is_auth(reason))
    }
}

/// A directory with credentials that no agent of the roster owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// The directory's name.
    pub id: String,
    /// Its path.
    pub path: String,
    /// The ids of its profiles.
    pub profiles: Vec<ProfileId>,
}

/// Something that a person should know, without being a finding about one profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// A stable word (`leftover_json`, `plaintext_models_json`, `duplicate_agent_dir`, `supervised`, …).
    pub code: String,
    /// One sentence: what and where.
    pub message: String,
    /// One line: the way out.
    pub fix: Option<String>,
}

impl Notice {
    /// The word of those that tell why OpenClaw refuses its config: no gateway starts with it.
    pub const CONFIG_REFUSED: &str = "config_refused";
    /// The word of the one that tells that the vault could not be heard.
    pub const VAULT_UNHEARD: &str = "unreadable_vault";
}

impl Observation {
    /// Tells whether a vault says what is right here and could not be heard: then nobody can tell right from wrong.
    pub fn is_vault_unheard(&self) -> bool {
        self.notices.iter().any(|notice| notice.code == Notice::VAULT_UNHEARD)
    }

    /// Returns why OpenClaw refuses the config, with file and line, if it does.
    pub fn config_refused(&self) -> Option<&str> {
        let refused = self.notices.iter().find(|notice| notice.code == Notice::CONFIG_REFUSED);
        refused.map(|notice| notice.message.as_str())
    }
}
