//! Facts about one action, each on its own.

use crate::{Action, ActivationOutcome, Timestamp, Verdict};
use serde::{Deserialize, Serialize};

/// What is known of one action after a run. Nothing is assumed: what was not seen is `NotAsked`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The action.
    pub action: Action,
    /// The write itself.
    pub durable: StepState,
    /// How many writes of other programs came in while its store was written, and were merged into it.
    pub merged_writes: u32,
    /// When it was durable.
    pub at: Timestamp,
    /// Whether the gateway holds it.
    pub activated: ActivationOutcome,
    /// Whether the provider accepted the value that was read back from this store.
    pub accepted: Option<Verdict>,
    /// Whether the agent itself answered with it.
    pub answered: StepState,
}

/// Says how a step went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StepState {
    /// Done, and read back.
    Done,
    /// The store held something else than expected; nothing was written.
    Conflict {
        /// What stood there, in words.
        found: String,
    },
    /// It failed; nothing was written, or what was written is named.
    Failed {
        /// What, where, and the way out.
        reason: String,
    },
    /// It was left out, and why.
    Skipped {
        /// Why.
        reason: String,
    },
    /// Nobody asked.
    NotAsked,
}
