//! What a vault holds of one instance, without any secret.
//!
//! Everything has an id of its own that survives renames: an agent's OpenClaw id, a profile's id and an instance's name are what
//! people and the program call them, and may change.

use crate::{AgentId, CredentialKind, InstanceId, ProfileId, ProviderId, Timestamp};
use serde::{Deserialize, Serialize};

macro_rules! uid {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

uid! {
    /// Identifies an agent of a vault, whatever it is called.
    AgentUid
}
uid! {
    /// Identifies a credential of a vault, whatever its profile is called.
    CredentialUid
}

/// One instance, as its vault wants it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaultInstance {
    /// Our id of the instance: the same as in its ledger.
    pub id: InstanceId,
    /// The organisation that it belongs to.
    pub organisation: String,
    /// What people call it. Unique within its organisation.
    pub name: String,
    /// Its state directory on this machine; `None` while it is nowhere yet.
    pub state_dir: Option<String>,
    /// Its config file, where that is not `openclaw.json` in the state directory.
    pub config: Option<String>,
    /// How its credentials reach it.
    pub delivery: Delivery,
    /// What every agent uses that names no model of its own.
    pub models: ModelChoice,
    /// Its agents, in the order of the roster.
    pub agents: Vec<VaultAgent>,
    /// Which messages go to which agent, in order.
    pub bindings: Vec<VaultBinding>,
    /// Its credentials.
    pub credentials: Vec<VaultCredential>,
    /// Which profiles come first, per provider, where somebody said so.
    pub order: Vec<(ProviderId, Vec<ProfileId>)>,
    /// The channels whose settings the vault keeps (sealed).
    pub channels: Vec<String>,
    /// Goes up by one with every change. A change names the revision that it was made for.
    pub revision: u64,
}

/// The name in `secrets.providers` of the file to which our own references lead.
pub const REFERENCES: &str = "keyshoal";

/// How credentials reach an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// The values stand in the agents' stores.
    #[default]
    Inline,
    /// The stores hold references to one private file.
    Refs,
}

/// Which models an agent uses. Empty means: as for everybody.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelChoice {
    /// The first (`provider/model`).
    pub primary: Option<String>,
    /// What comes after it, in order.
    pub fallbacks: Vec<String>,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultAgent {
    /// Its id for us.
    pub uid: AgentUid,
    /// Its id for OpenClaw, normalised.
    pub id: AgentId,
    /// Its display name.
    pub name: Option<String>,
    /// A disabled agent is in no roster and holds nothing of ours.
    pub enabled: bool,
    /// Whether commands without `--agent` and messages without a binding mean this one.
    pub default: bool,
    /// Its own models.
    pub models: ModelChoice,
    /// Its workspace directory, where it is not the default one.
    pub workspace: Option<String>,
}

/// One binding: messages that match go to the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaultBinding {
    /// To whom.
    pub agent: AgentUid,
    /// What matches, in OpenClaw's own form (`bindings[].match`).
    pub matching: serde_json::Value,
    /// A note of the person's own.
    pub comment: Option<String>,
}

/// One credential: shared by all agents of the instance, or one agent's override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultCredential {
    /// Its id.
    pub uid: CredentialUid,
    /// OpenClaw's id of the profile.
    pub profile: ProfileId,
    /// Its provider.
    pub provider: ProviderId,
    /// Its type.
    pub kind: CredentialKind,
    /// Whose override it is; `None` when all agents share it.
    pub agent: Option<AgentUid>,
    /// Its versions, the oldest first.
    pub versions: Vec<VaultVersion>,
}

impl VaultCredential {
    /// Returns the version that agents shall hold.
    pub fn current(&self) -> Option<&VaultVersion> {
        self.versions.iter().find(|one| one.state == VersionState::Current)
    }

    /// Returns the version that is staged.
    pub fn pending(&self) -> Option<&VaultVersion> {
        self.versions.iter().find(|one| one.state == VersionState::Pending)
    }
}

/// Where a version stands. At most one is current and at most one pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Staged: no agent has it yet.
    Pending,
    /// What agents shall hold.
    Current,
    /// What they held before; a rollback returns to it.
    Previous,
    /// Over. Its value is kept until its time is over, so that copies of it are known.
    Retired,
}

/// Where a version's value came from, before it came into this vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// When it came into the vault that had it first.
    pub created: Timestamp,
    /// Who brought it there.
    pub by: String,
    /// Why, in the person's own words.
    pub why: Option<String>,
}

/// One version of a credential, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultVersion {
    /// Counts from 1 within the credential.
    pub number: u32,
    /// Where it stands.
    pub state: VersionState,
    /// When it came in.
    pub created: Timestamp,
    /// When it got its present state.
    pub since: Timestamp,
    /// Who brought it (`user@host`, or a command's name).
    pub by: String,
    /// Why, in the person's own words.
    pub why: Option<String>,
    /// When its time is over.
    pub expires: Option<Timestamp>,
}
