//! What a payload says of an instance. Secrets stand apart, as values to which it points by their numbers.

use keyshoal_core::vault::{Delivery, ModelChoice, Origin};
use keyshoal_core::{AgentId, InstanceId, Layout, ProfileId, ProviderId, StoreId, Timestamp};
use serde::{Deserialize, Serialize};

/// The number of a value, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ValueRef(pub u32);

/// Everything that a payload says of an instance, but for its secrets and files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// When it was made.
    pub made: Timestamp,
    /// Where it comes from.
    pub source: Source,
    /// The roster, in its order, and between them the agents that a vault has and no roster.
    pub agents: Vec<AgentPart>,
    /// What agents use that name no model of their own.
    pub models: ModelChoice,
    /// `bindings`, in order.
    pub bindings: Vec<BindingPart>,
    /// `channels`, by name.
    pub channels: Vec<Named>,
    /// `models.providers`, by name.
    pub providers: Vec<Named>,
    /// Every profile of every store.
    pub profiles: Vec<ProfilePart>,
    /// Which profiles come first, as the config and the stores say it.
    pub order: Vec<OrderPart>,
    /// The config's text.
    pub config: Option<ValueRef>,
    /// The texts of files that it includes, by paths relative to it.
    pub included: Vec<Named>,
    /// The variables of the state directory's `.env`.
    pub variables: Vec<Named>,
    /// How a vault delivered the keys there.
    #[serde(default, skip_serializing_if = "is_inline")]
    pub delivery: Delivery,
    /// What the config held of disabled agents, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Named>,
    /// What became of logins.
    pub logins: Logins,
    /// What was there and does not come along, with the reason.
    pub left_out: Vec<LeftOut>,
    /// What stays where it is.
    pub stays: Vec<Stays>,
    /// How many values there are.
    pub values: u32,
    /// The files that come along; `None` where none were asked for.
    pub files: Option<Totals>,
}

/// Where an instance comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Our id of it, where it is known.
    pub instance: Option<InstanceId>,
    /// The state directory there.
    pub state_dir: String,
    /// The config file there.
    pub config: String,
    /// The release that last wrote it.
    pub release: Option<String>,
    /// Where that keeps its profiles.
    pub layout: Layout,
}

/// One agent of the roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentPart {
    /// Its normalised id.
    pub id: AgentId,
    /// Its display name.
    pub name: Option<String>,
    /// Whether it is the default.
    pub default: bool,
    /// Its own models.
    pub models: ModelChoice,
    /// Its workspace, as the config has it.
    pub workspace: Option<String>,
    /// The directory of its store, where the config names one (`agentDir`).
    pub agent_dir: Option<String>,
    /// Whether it is in the roster. Only a vault has agents that are not.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

fn is_inline(delivery: &Delivery) -> bool {
    *delivery == Delivery::Inline
}

/// One binding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindingPart {
    /// The normalised id of the agent, which need not be in the roster.
    pub agent: AgentId,
    /// `type`, where it is given.
    pub kind: Option<String>,
    /// `match`.
    pub matching: serde_json::Value,
    /// `comment`.
    pub comment: Option<String>,
}

impl BindingPart {
    /// Tells whether it sends messages to an agent; others (`acp`) stay in the config's text as they are.
    pub(crate) fn is_route(&self) -> bool {
        self.kind.as_deref().is_none_or(|kind| kind == "route")
    }
}

/// Something with a name whose content may be secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its content.
    pub value: ValueRef,
}

/// One profile of one store. Provider and type are what its entry says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfilePart {
    /// The store.
    pub store: StoreId,
    /// Its id.
    pub profile: ProfileId,
    /// Its whole entry, as JSON text.
    pub entry: ValueRef,
    /// Somebody has said that the value is meant: nothing is asked about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meant: Option<Meant>,
}

/// What is known of a value that is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meant {
    /// Only the vault has it: it waits until the store can hold it.
    pub waits: bool,
    /// When its time is over, as the vault says it.
    pub expires: Option<Timestamp>,
    /// What the vault says of it; `None` for what a person marked as deliberate.
    pub origin: Option<Origin>,
}

/// Which profiles of a provider come first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderPart {
    /// The store that says it; `None` for the config.
    pub store: Option<StoreId>,
    /// The provider.
    pub provider: ProviderId,
    /// The profiles, the first one first.
    pub profiles: Vec<ProfileId>,
}

/// What became of logins, whose refresh tokens have one owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Logins {
    /// They stay with the old machine; one signs in on the new one.
    Stay,
    /// They come along; the old machine must not run any more.
    Move,
}

/// Something that was there and does not come along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// What it is, and where: a profile of a store, a file of a workspace.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Something that stays where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stays {
    /// What it is.
    pub what: Part,
    /// Whose.
    pub agent: Option<AgentId>,
    /// Where it is.
    pub path: String,
    /// How many files.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// Parts of an instance that are files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// An agent's workspace.
    Workspace,
    /// An agent's session files.
    Sessions,
    /// An agent's database, in which later releases keep sessions.
    Database,
    /// Logins of channels.
    ChannelLogins,
}

impl Part {
    /// Returns its word in JSON documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Sessions => "sessions",
            Self::Database => "database",
            Self::ChannelLogins => "channel_logins",
        }
    }
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}
