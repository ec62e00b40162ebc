//! What would become of the config, and what of it is left as it is.

use crate::{Fingerprint, ids::AgentId};
use serde::Serialize;

/// One change of the config file, as a whole: what it must be now, and what it shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigEdit {
    /// A fingerprint of the text that must stand there.
    pub expect: Fingerprint,
    /// A fingerprint of the text that shall stand there.
    pub becomes: Fingerprint,
    /// What is different, without secrets.
    pub changes: Vec<ConfigChange>,
    /// What a person should know about it.
    pub notes: Vec<String>,
}

/// One value of the config that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigChange {
    /// Where (`agents.list[stocks].model`).
    pub path: String,
    /// What becomes of it, for people; of what may be a secret only that it is set.
    pub what: String,
}

/// What of the config is not what the vault wants, and is left so until a person does something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigHeld {
    /// Why.
    pub why: HeldWhy,
    /// What is not as the vault wants it, and what it would be.
    pub changes: Vec<ConfigChange>,
}

/// Says why something of the config is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum HeldWhy {
    /// It stands in a file that the config includes, and nothing but the config itself is edited.
    Included {
        /// Where, with line and column as far as they are known.
        place: String,
    },
    /// Somebody has changed it since the config was last as the vault wants it.
    Changed {
        /// What only a person can tell of it.
        undecided: Option<Undecided>,
    },
    /// It is an agent that the vault does not know.
    Unknown {
        /// What only a person can tell of it.
        undecided: Option<Undecided>,
    },
}

/// An agent that is gone from the config while others are there that the vault does not know: one of them may be the same, under a new id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undecided {
    /// Who is gone.
    pub gone: AgentId,
    /// Who is there, in the config's order.
    pub strangers: Vec<AgentId>,
}

impl Undecided {
    /// Returns the command for each of the two cases, with what it is for.
    pub fn ways(&self) -> [String; 2] {
        let Self { gone, strangers } = self;
        let only = if let [only] = strangers.as_slice() { only.as_str() } else { "NEW" };
        let first = strangers.first().map_or("NEW", AgentId::as_str);
        [
            format!(
                "keyshoal agent rename {gone} {only}   if it is the same agent: it keeps its credentials"
            ),
            format!("keyshoal agent add {first}   if it is another one"),
        ]
    }
}
