//! What would be done: a value that can be printed, counted and tested before anything is written.

mod config;
mod question;

use crate::{
    CredentialKind, Finding, Fingerprint, ProfileId, ProviderId, StoreId, VerdictKind, ids::AgentId,
};
pub use config::{ConfigChange, ConfigEdit, ConfigHeld, HeldWhy, Undecided};
pub use question::{Group, Proposal, Question};
use serde::Serialize;

/// An ordered list of actions and the questions that are still open. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Plan {
    /// What would be written, in order: the base store first.
    pub actions: Vec<Action>,
    /// What would become of the config file, after the stores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ConfigEdit>,
    /// What the config brings along for agents that are in no roster yet: it is done once the config stands there.
    #[serde(default, skip_serializing_if = "Joining::is_empty")]
    pub joining: Joining,
    /// What a person must decide before more can be done.
    pub questions: Vec<Question>,
    /// What has to happen so that the gateway sees it.
    pub activation: crate::ActivationNeed,
}

impl Plan {
    /// Tells whether there is nothing to write and nothing to activate.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty() && self.config.is_none() && self.activation == crate::ActivationNeed::None
    }
}

/// What follows a change of the roster.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Joining {
    /// What is written into the stores of those who join.
    pub actions: Vec<Action>,
    /// What the vault has for one of them alone and has to wait, since OpenClaw has not made its place.
    pub waits: Vec<Finding>,
    /// What has to happen then so that the gateway sees it.
    pub activation: crate::ActivationNeed,
}

impl Joining {
    /// Tells whether nothing follows.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One write. `expect` is compared under the store's lock; when the store holds something else, nothing is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Put the source's value in place of an older one; same id and provider.
    Replace {
        /// Where.
        store: StoreId,
        /// Whose store that is, for people; `None` for a base store that is no agent's.
        agent: Option<AgentId>,
        /// Which profile.
        profile: ProfileId,
        /// Its provider.
        provider: ProviderId,
        /// What must stand there now.
        expect: Fingerprint,
        /// What shall stand there.
        value: Fingerprint,
        /// The type it shall have: what the config's mode demands, else the source's.
        kind: CredentialKind,
        /// Reset an authentication cooldown of the replaced value in this store's state.
        reset_cooldown: bool,
        /// Why.
        why: Why,
    },
    /// Remove a local copy so that the agent inherits the base store's value. An authentication cooldown of the removed value
    /// in this store's state is reset with it, since it would hold the inherited value back.
    RemoveShadow {
        /// Where.
        store: StoreId,
        /// Whose.
        agent: Option<AgentId>,
        /// Which profile.
        profile: ProfileId,
        /// Its provider.
        provider: ProviderId,
        /// What must stand there now.
        expect: Fingerprint,
        /// What the agent will use instead; the base store must hold it at that moment.
        inherits: Fingerprint,
        /// Why.
        why: Why,
    },
    /// Take away what a vault gave and no longer wants there. Nothing takes its place.
    Remove {
        /// Where.
        store: StoreId,
        /// Whose.
        agent: Option<AgentId>,
        /// Which profile.
        profile: ProfileId,
        /// Its provider.
        provider: ProviderId,
        /// What must stand there now.
        expect: Fingerprint,
        /// Why.
        why: Why,
    },
    /// Add a profile that the store does not have: to the base store (`set`, a vault's shared value), or to an agent's own (`set --agent`,
    /// a vault's override, a value that is carried over).
    Insert {
        /// Where.
        store: StoreId,
        /// Which profile.
        profile: ProfileId,
        /// Its provider.
        provider: ProviderId,
        /// Its value.
        value: Fingerprint,
        /// Its type.
        kind: CredentialKind,
    },
    /// Give a profile the type that the config's mode demands; the value stays.
    FixType {
        /// Where.
        store: StoreId,
        /// Whose.
        agent: Option<AgentId>,
        /// Which profile.
        profile: ProfileId,
        /// Its provider.
        provider: ProviderId,
        /// What must stand there now.
        expect: Fingerprint,
        /// The type it shall have.
        kind: CredentialKind,
    },
    /// Reset an authentication cooldown that belongs to a value which is no longer there, in its owner's state.
    ResetCooldown {
        /// Where the mark stands.
        store: StoreId,
        /// Whose store that is.
        agent: Option<AgentId>,
        /// Which profile.
        profile: ProfileId,
        /// Its provider.
        provider: ProviderId,
        /// The value that the store's agents use for the profile at that moment: the store's own, else the base store's.
        expect: Fingerprint,
    },
}

impl Action {
    /// Returns the store that it writes.
    pub fn store(&self) -> &StoreId {
        match self {
            Self::Replace { store, .. }
            | Self::RemoveShadow { store, .. }
            | Self::Remove { store, .. }
            | Self::Insert { store, .. }
            | Self::FixType { store, .. }
            | Self::ResetCooldown { store, .. } => store,
        }
    }

    /// Returns the profile that it changes.
    pub fn profile(&self) -> &ProfileId {
        match self {
            Self::Replace { profile, .. }
            | Self::RemoveShadow { profile, .. }
            | Self::Remove { profile, .. }
            | Self::Insert { profile, .. }
            | Self::FixType { profile, .. }
            | Self::ResetCooldown { profile, .. } => profile,
        }
    }

    /// Returns the profile's provider.
    pub fn provider(&self) -> &ProviderId {
        match self {
            Self::Replace { provider, .. }
            | Self::RemoveShadow { provider, .. }
            | Self::Remove { provider, .. }
            | Self::Insert { provider, .. }
            | Self::FixType { provider, .. }
            | Self::ResetCooldown { provider, .. } => provider,
        }
    }

    /// Returns the agent that owns the store, where there is one.
    pub fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::Replace { agent, .. }
            | Self::RemoveShadow { agent, .. }
            | Self::Remove { agent, .. }
            | Self::FixType { agent, .. }
            | Self::ResetCooldown { agent, .. } => agent.as_ref(),
            Self::Insert { store: StoreId::Agent(agent), .. } => Some(agent),
            Self::Insert { .. } => None,
        }
    }
}

/// Says why a value may be replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Why {
    /// The source had it before: so many generations ago.
    EarlierGeneration {
        /// How many generations came after it.
        behind: usize,
    },
    /// The provider rejects it while accepting the source's.
    RejectedWhileSourceAccepted {
        /// What the provider said.
        verdict: VerdictKind,
    },
    /// A person agreed to it.
    Approved,
    /// The person gave a new value for this id.
    Given,
    /// It refers to what is not there, so no override is lost.
    LeadsNowhere,
    /// It is the owner's OAuth login of the same account, copied and no longer usable.
    DeadOAuthCopy,
    /// The vault has another value for this agent alone.
    Override,
    /// The vault has taken this value back.
    Withdrawn,
    /// The vault has renamed the agent, which holds it under its new id.
    Renamed {
        /// The new id.
        to: AgentId,
    },
}
