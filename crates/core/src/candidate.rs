//! What an agent may send to a provider, in order, and why.

use crate::{CredentialKind, Fingerprint, Material, ProfileId, StoreId, Timestamp};
use serde::{Deserialize, Serialize};

/// Says where a candidate comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The agent's own store.
    Local,
    /// The base store, read through by an agent that has no profile of this id.
    Inherited,
    /// An environment variable that the gateway may see, by name; `file` names the layer (`.env`, config `env`).
    Environment {
        /// The variable.
        name: String,
        /// Where it is set, as far as it can be seen.
        layer: String,
    },
    /// `models.providers.<p>.apiKey` in the config.
    ConfigKey,
    /// A login of another program or kit, which OpenClaw takes over by itself; it is not looked at here.
    OtherLogin {
        /// Whose.
        of: String,
    },
    /// Nowhere: the provider is asked without a key.
    NoKey,
    /// A plaintext copy in the agent's generated models.json. Never a first choice; shown because it is residue.
    ModelsFile,
}

/// Says how a candidate stands in the order of its agent and provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// This is what the agent sends.
    First,
    /// It is tried when those before it fail.
    Later,
    /// It is not used.
    Out(OutReason),
}

/// Says why a candidate is not used.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutReason {
    /// A local profile of the same id hides it.
    Shadowed {
        /// The store whose profile hides it.
        by: StoreId,
    },
    /// The config's `auth.profiles` wants another type.
    ModeMismatch {
        /// The type that the config wants.
        wanted: CredentialKind,
    },
    /// The config's `auth.profiles` lists other ids of this provider, so this one is no candidate.
    NotListed,
    /// An explicit order names other profiles and leaves this one out.
    NotInOrder,
    /// Its time is over.
    Expired {
        /// When it ended.
        at: Timestamp,
    },
    /// `expires` is not a time (seconds instead of milliseconds count as expired).
    InvalidExpires,
    /// A cooldown or a disabled mark holds it back.
    CoolingDown {
        /// Until when.
        until: Timestamp,
        /// OpenClaw's word for why (`auth`, `rate_limit`, `billing`, …).
        reason: String,
    },
    /// It holds nothing.
    MissingCredential,
    /// The profile's provider is another one.
    ProviderMismatch,
    /// An OAuth refresh has fenced it.
    Fenced,
    /// `models.providers.<p>.apiKey` pins another profile for all agents.
    PinnedElsewhere {
        /// The pinned profile.
        to: ProfileId,
    },
    /// Something that comes before it in the program's precedence is set.
    LowerPrecedence,
}

/// A session that pins a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPin {
    /// Its key.
    pub session: String,
    /// A person chose the profile, so that it stays; otherwise the program did and takes another when it likes.
    pub by_person: bool,
}

/// One thing that an agent may send to one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The profile, where it is one.
    pub profile: Option<ProfileId>,
    /// Where it comes from.
    pub place: Place,
    /// Its type, where it is known.
    pub kind: Option<CredentialKind>,
    /// What it holds.
    pub material: Material,
    /// What a reference into a file of the person's own leads to, where that can be read.
    pub leads_to: Option<Fingerprint>,
    /// How it stands.
    pub standing: Standing,
    /// Why it stands so, in a few plain words ("agent's own order", "least recently used").
    pub because: String,
    /// Sessions that pin this profile (`authProfileOverride`), by key.
    pub pinned_by_sessions: Vec<SessionPin>,
}

impl Candidate {
    /// Returns by which value its provider is asked: the one that is sent, or [`Fingerprint::NO_KEY`] where it is asked without a key.
    pub fn asked_by(&self) -> Option<Fingerprint> {
        if self.place == Place::NoKey {
            return Some(Fingerprint::NO_KEY);
        }
        self.material.value().or(self.leads_to)
    }
}
