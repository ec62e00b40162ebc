//! What may be changed of an instance.

use keyshoal_core::vault::{
    AgentUid, CredentialUid, Delivery, ModelChoice, Origin, VaultAgent, VaultBinding,
};
use keyshoal_core::{AgentId, CredentialKind, InstanceId, ProfileId, ProviderId, Secret, Timestamp};

/// Who changes something, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// `user@host`, or a command's name.
    pub by: String,
    /// In the person's own words.
    pub why: Option<String>,
}

/// An instance that a vault shall hold from now on. Everything else of it comes by changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInstance {
    /// Our id of it.
    pub id: InstanceId,
    /// The organisation that it belongs to; made when it is not there. [`crate::ORGANISATION`] where nobody says.
    pub organisation: String,
    /// What people call it. Unique within its organisation.
    pub name: String,
    /// Its state directory on this machine.
    pub state_dir: Option<String>,
    /// Its config file.
    pub config: Option<String>,
}

/// A credential that comes in with its first version, which is current at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredential {
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
    /// The profile's JSON entry, as OpenClaw writes it.
    pub value: Secret,
    /// When the value's time is over, where that is known.
    pub expires: Option<Timestamp>,
    /// What another vault says of the value, where it comes from one.
    pub origin: Option<Origin>,
}

/// One change. Several are made in order, all or none.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Adds an agent at the end of the roster.
    AddAgent(VaultAgent),
    /// Gives an agent another OpenClaw id. Its uid, and with it its credentials and bindings, stay.
    RenameAgent {
        /// Which agent.
        agent: AgentUid,
        /// Its new id, normalised.
        id: AgentId,
    },
    /// Sets what else people say of an agent.
    SetAgent {
        /// Which agent.
        agent: AgentUid,
        /// Its display name.
        name: Option<String>,
        /// Its workspace directory.
        workspace: Option<String>,
    },
    /// Takes an agent into the roster, or out of it.
    EnableAgent {
        /// Which agent.
        agent: AgentUid,
        /// Whether it is in the roster.
        enabled: bool,
    },
    /// Removes an agent with its bindings. Its overrides are dropped.
    RemoveAgent(AgentUid),
    /// Puts the agents into this order, which names each of them once.
    OrderAgents(Vec<AgentUid>),
    /// Says which agent is the default one.
    SetDefaultAgent(AgentUid),
    /// Sets the models of an agent, or of everybody.
    SetModels {
        /// Whose; `None` for everybody's.
        agent: Option<AgentUid>,
        /// Which.
        models: ModelChoice,
    },
    /// Sets all bindings.
    SetBindings(Vec<VaultBinding>),
    /// Says which profiles of a provider come first; nothing when nobody says.
    SetOrder {
        /// Which provider.
        provider: ProviderId,
        /// Its profiles, in order.
        profiles: Vec<ProfileId>,
    },
    /// Says how credentials reach the instance.
    SetDelivery(Delivery),
    /// Gives the instance another name.
    SetName(String),
    /// Says where the instance is.
    SetPlace {
        /// Its state directory.
        state_dir: Option<String>,
        /// Its config file.
        config: Option<String>,
    },
    /// Adds a credential.
    PutCredential(NewCredential),
    /// Adds a pending version.
    StageVersion {
        /// Of which credential.
        credential: CredentialUid,
        /// The profile's JSON entry.
        value: Secret,
        /// When the value's time is over, where that is known.
        expires: Option<Timestamp>,
    },
    /// Adds a pending version with the value of an earlier one, and as old as that.
    Restage {
        /// Of which credential.
        credential: CredentialUid,
        /// The earlier version.
        number: u32,
        /// Its value.
        value: Secret,
    },
    /// Retires the pending version: it never became current.
    Unstage(CredentialUid),
    /// Makes the pending version current, the current one previous, and a previous one retired.
    Publish(CredentialUid),
    /// Makes the previous version current again and retires the current one. That was tried and is over: to try its value again,
    /// it is staged again. A pending version stays pending.
    RollBack(CredentialUid),
    /// Makes the previous version current and the current one previous: either can be returned to.
    Exchange(CredentialUid),
    /// Retires the previous version.
    RetirePrevious(CredentialUid),
    /// Retires every version. Their values stay known until they are forgotten, so that copies of them are recognised.
    DropCredential(CredentialUid),
    /// Keeps a sealed JSON document under a name (`channels/telegram`), in the place of one that was there.
    PutDocument {
        /// Its name.
        name: String,
        /// Its text.
        value: Secret,
    },
    /// Removes a document.
    RemoveDocument(String),
}
