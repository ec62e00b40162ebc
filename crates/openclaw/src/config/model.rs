//! What Keyshoal understands of a config. Plain data, made by `config::load`.

pub use super::conversation::{ChannelDecl, Peer, PeerKind};
use super::models::ModelNames;
pub use super::transport::{Configured, TransportDecl};
use crate::store::model::secret_fingerprint;
use keyshoal_core::{
    AgentId, CredentialKind, Endpoint, Fingerprints, ProfileId, ProviderId, Secret, SecretRef, Transport,
    TransportValue,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A config, read and understood.
#[derive(Clone, Debug)]
pub struct Config {
    /// The root file.
    pub path: PathBuf,
    /// Whether the file exists; OpenClaw runs on defaults without one.
    pub exists: bool,
    /// Files that it includes.
    pub includes: Vec<PathBuf>,
    /// The agents, in order. Never empty: without any there is `main`.
    pub agents: Vec<AgentEntry>,
    /// In which form they stand.
    pub roster_form: RosterForm,
    /// No agent is written: `main` is there because none else is.
    pub roster_implied: bool,
    /// How many agents are marked as the default; without any, releases with a list take the first.
    pub default_marks: usize,
    /// `agents.defaults.systemAgent.agentId`, normalised.
    pub system_agent: Option<AgentId>,
    /// `agents.ownership: "explicit"`: there is no default agent.
    pub explicit_ownership: bool,
    /// `auth.profiles`: which provider and type each profile id must have.
    pub profiles: BTreeMap<ProfileId, ProfileDecl>,
    /// `auth.order` per provider.
    pub order: BTreeMap<ProviderId, Vec<ProfileId>>,
    /// `models.providers`.
    pub providers: BTreeMap<ProviderId, ProviderDecl>,
    /// `gateway`.
    pub gateway: GatewayDecl,
    /// `env` and `env.vars`: what the config puts into the gateway's environment.
    pub env: BTreeMap<String, Secret>,
    /// `<stateDir>/.env`. It wins over [`Config::env`]; the environment of the process wins over both.
    pub dotenv: BTreeMap<String, Secret>,
    /// `bindings`, in order.
    pub bindings: Vec<Binding>,
    /// `channels`, by name in lower case.
    pub channels: BTreeMap<String, ChannelDecl>,
    /// `agents.defaults.cliBackends`: providers that are programs with a login of their own.
    pub cli_backends: BTreeSet<ProviderId>,
    /// `session.store`: where the sessions are, with `{agentId}` for the agent.
    pub session_store: Option<String>,
    /// The file of scheduled jobs in early releases: `cron.store`, else `cron/jobs.json`.
    pub jobs_file: PathBuf,
    /// `secrets.providers`: where references are looked up.
    pub secret_providers: BTreeMap<String, SecretProvider>,
    /// `logging.file`.
    pub log_file: Option<PathBuf>,
    /// What models may be called.
    pub(crate) names: ModelNames,
    /// `meta.lastTouchedVersion`.
    pub touched_version: Option<String>,
    /// What a person should know (duplicate ids, unresolved `${VAR}`, unknown default…). Each names file and place.
    pub warnings: Vec<String>,
}

impl Config {
    /// Returns the default agent; `None` where there is none: under explicit ownership, or when entries mark none, unless it is the
    /// only agent.
    pub fn default_agent(&self) -> Option<&AgentEntry> {
        self.agents.iter().find(|agent| agent.default)
    }

    /// Returns an agent by its normalised id.
    pub fn agent(&self, id: &AgentId) -> Option<&AgentEntry> {
        self.agents.iter().find(|agent| agent.id == *id)
    }

    /// Returns provider and model of a model as it is written anywhere: `provider/model`, an alias, or a bare name.
    pub fn model_of(&self, written: &str) -> Option<(ProviderId, String)> {
        self.names.resolve(written)
    }

    /// Returns whom to ask about a value of a provider: as the config reaches it, with a model that is used there.
    pub fn endpoint(&self, provider: &ProviderId, prints: &dyn Fingerprints) -> Endpoint {
        let declared = self.providers.get(provider);
        let used = self
            .agents
            .iter()
            .flat_map(|agent| &agent.models)
            .find(|used| used.chat && used.provider == *provider);
        Endpoint {
            provider: provider.clone(),
            api: declared.and_then(|declared| declared.api.clone()),
            base_url: declared.and_then(|declared| declared.base_url.clone()),
            model: used
                .map(|used| used.model.clone())
                .or_else(|| declared.and_then(|declared| declared.models.first().cloned())),
            transport: declared.and_then(|declared| declared.transport.named(prints).unless_plain()),
        }
    }
}

/// Says in which form the roster stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RosterForm {
    /// No agents are configured: there is `main` alone.
    Implicit,
    /// `agents.list[]`.
    List,
    /// `agents.entries{}`.
    Entries,
}

/// One agent of the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentEntry {
    /// Its normalised id.
    pub id: AgentId,
    /// Its id as written.
    pub written_id: String,
    /// Its display name.
    pub name: Option<String>,
    /// Whether it is the default agent.
    pub default: bool,
    /// Its directory: `agentDir`, else `<stateDir>/agents/<id>/agent`.
    pub agent_dir: PathBuf,
    /// Models it uses: its own or the defaults', primary first, then fallbacks. `provider/model` split at the first slash.
    pub models: Vec<ModelUse>,
}

/// One model that an agent uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUse {
    /// Its provider.
    pub provider: ProviderId,
    /// Its name there.
    pub model: String,
    /// Whether it is a fallback, or for special work.
    pub fallback: bool,
    /// For which special work, if so.
    pub purpose: Option<&'static str>,
    /// Whether it answers chats, so that its provider can be asked by one.
    pub chat: bool,
}

/// One entry of `bindings`: all that it names must hold for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its position.
    pub index: usize,
    /// `file:line:column`, where places were asked for.
    pub place: Option<String>,
    /// The agent that answers, as written.
    pub agent: String,
    /// What is bound.
    pub kind: BindingKind,
    /// The channel, in lower case.
    pub channel: Option<String>,
    /// The channel's account; `*` is any. Without one, the account `default` is meant.
    pub account: Option<String>,
    /// The conversation.
    pub peer: Option<Peer>,
    /// It names a conversation that cannot be one, so it matches nothing.
    pub unusable_peer: bool,
    /// The guild.
    pub guild: Option<String>,
    /// The team.
    pub team: Option<String>,
    /// Roles of the sender, any of which is enough.
    pub roles: Vec<String>,
}

/// What is bound to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingKind {
    /// Messages.
    Route,
    /// A conversation that another program leads (ACP).
    Acp,
}

/// One entry of `auth.profiles`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileDecl {
    /// Its provider.
    pub provider: ProviderId,
    /// Its `mode`: the type that a stored profile of this id must have.
    pub mode: CredentialKind,
    /// Where it stands among the others: by it the program chooses where nothing else decides.
    pub position: usize,
}

/// One entry of `models.providers`.
#[derive(Clone, Debug)]
pub struct ProviderDecl {
    /// `baseUrl`.
    pub base_url: Option<String>,
    /// `api`: the wire format.
    pub api: Option<String>,
    /// `auth`.
    pub auth: Option<String>,
    /// `apiKey`.
    pub api_key: Option<ConfigKey>,
    /// The ids of its models.
    pub models: Vec<String>,
    /// `headers`, `authHeader` and `request`.
    pub transport: TransportDecl,
}

impl TransportDecl {
    /// Returns the same without a secret.
    pub fn named(&self, prints: &dyn Fingerprints) -> Transport {
        let name = |value: &Configured| match value {
            Configured::Value(secret) => TransportValue::Known(secret_fingerprint(prints, secret)),
            Configured::Unresolved(name) => TransportValue::Unresolved(name.clone()),
        };
        Transport {
            headers: self.headers.iter().map(|(key, value)| (key.clone(), name(value))).collect(),
            bearer: self.bearer,
            proxy: self.proxy.as_ref().map(name),
            unlike: self.unlike.clone(),
        }
    }

    /// Returns every value that is known.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.headers.values().chain(&self.proxy).filter_map(|value| match value {
            Configured::Value(secret) => Some(secret),
            Configured::Unresolved(_) => None,
        })
    }
}

/// `models.providers.<p>.apiKey`.
#[derive(Clone, Debug)]
pub enum ConfigKey {
    /// A value in the config, or from `${VAR}` that could be resolved; a bare variable's name and the program's own marks too. The program takes it for a profile's id instead when the
    /// agent's stores hold an `api_key` or `token` profile of that id, declared or not.
    Value(Secret),
    /// The id of a profile that `auth.profiles` declares, which pins it for every agent. The program goes by the stores alone: when
    /// none holds the profile, it sends the id itself as the key.
    Profile(ProfileId),
    /// A reference; also `$VAR` of a variable that is set.
    Ref(SecretRef),
    /// A variable (`${VAR}` or `$VAR`) that is not set here.
    Unresolved(String),
}

/// What the config says of the gateway.
#[derive(Clone, Debug, Default)]
pub struct GatewayDecl {
    /// `port`; 18789 when absent.
    pub port: Option<u16>,
    /// `bind`.
    pub bind: Option<String>,
    /// `auth.token`, resolved.
    pub token: Option<Secret>,
    /// `auth.password`, resolved.
    pub password: Option<Secret>,
    /// `reload.mode`; `hybrid` when absent.
    pub reload_mode: Option<String>,
    /// Whether TLS is on.
    pub tls: bool,
    /// Set when `mode` is `remote`: this installation is a client of a gateway elsewhere.
    pub remote: Option<RemoteDecl>,
}

/// One entry of `secrets.providers`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretProvider {
    /// `path` of a file, or `command` of a program.
    pub path: Option<String>,
    /// The file holds one value (`mode: "singleValue"`), not JSON.
    pub single_value: bool,
}

/// `gateway.remote`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteDecl {
    /// `url`.
    pub url: Option<String>,
}
