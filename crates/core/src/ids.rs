//! Names of things: agents, profiles, providers, instances, runs, stores.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Makes the name from text that is already in its canonical form.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Returns the text of the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

name! {
    /// Names an agent by its normalised id (`main`, `stocks`). OpenClaw's normalisation lives in the `openclaw` crate.
    AgentId
}
name! {
    /// Names an auth profile by OpenClaw's own free-form id (`anthropic:default`).
    ProfileId
}
name! {
    /// Names an AI provider as OpenClaw's config does (`anthropic`, `openai`, a custom one).
    ProviderId
}
name! {
    /// Identifies one OpenClaw installation: a UUID that Keyshoal keeps beside its state.
    InstanceId
}
name! {
    /// Identifies one run of a writing command: a time-ordered UUID.
    RunId
}

/// Names one credential store of an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreId {
    /// The store that the other agents inherit from: main's file or database, or the shared row, as the layout has it.
    Base,
    /// The store of one agent of its own.
    Agent(AgentId),
}

impl StoreId {
    /// Returns whose own store it is; `None` for the one that agents inherit from.
    pub fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::Base => None,
            Self::Agent(id) => Some(id),
        }
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base => f.pad("base"),
            Self::Agent(id) => id.fmt(f),
        }
    }
}
