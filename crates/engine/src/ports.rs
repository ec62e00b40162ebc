//! What the engine needs of the outside world. Every port works in batches, so that the implementation may run them at once.

use keyshoal_core::record::LookRecord;
use keyshoal_core::{
    ActivationMode, ActivationNeed, ActivationOutcome, AgentId, Ask, ConfigEdit, ConfigHeld, Fact, Knowledge,
    Observation, Plan, Receipt, RunId, StepState, Timestamp, Turn, Verdict, Wish,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A failure outside of the engine.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct PortError {
    /// What failed and where; never secret material.
    pub message: String,
    /// The way out, one line.
    pub hint: Option<String>,
    /// Whether trying again may help.
    pub retryable: bool,
}

/// Looks at an instance.
pub trait Observe {
    /// Reads config, stores and gateway state afresh.
    fn observe(&self) -> Result<Arc<Observation>, PortError>;
    /// Returns what would become of the config by the instance's vault; `None` where it is as it should be, or without one.
    fn config_edit(&self) -> Result<Option<ConfigEdit>, PortError> {
        Ok(None)
    }
    /// Returns the instance as it would be seen with the config of this edit; `None` where that has no other roster than there is.
    fn observe_after(&self, edit: &ConfigEdit) -> Result<Option<Arc<Observation>>, PortError> {
        let _ = edit;
        Ok(None)
    }
    /// Returns what of the config is left as it is although the vault wants it otherwise. Asked after [`Observe::config_edit`].
    fn config_held(&self) -> Vec<ConfigHeld> {
        Vec::new()
    }
    /// Returns what the instance's vault wants; `None` without one.
    fn wish(&self) -> Result<Option<Wish>, PortError> {
        Ok(None)
    }
}

/// Asks providers about values.
pub trait AskProviders {
    /// Asks each question once and returns an answer for each, `NotAsked` or `Unknown` included. Never fails as a whole.
    fn ask(&self, asks: &BTreeSet<Ask>) -> Vec<(Ask, Verdict)>;
    /// Has a model answer with a value, as briefly as can be: costs a token each. The same promises.
    fn complete(&self, asks: &BTreeSet<(Ask, String)>) -> Vec<((Ask, String), Verdict)>;
}

/// Remembers.
pub trait Remember {
    /// Returns everything that judging needs.
    fn knowledge(&self) -> Result<Knowledge, PortError>;
    /// Takes facts in, all or none.
    fn learn(&self, facts: &[Fact]) -> Result<(), PortError>;
    /// Keeps what a look saw, for those who ask later what was before and what after.
    fn keep_look(&self, record: &LookRecord) -> Result<(), PortError>;
}

/// Changes an instance.
pub trait Change {
    /// Closes a run that broke off, leaving every store as it stands: the plan that follows does what is still to be done, by what
    /// is right now. Returns its id; `None` when there is none.
    fn settle(&self) -> Result<Option<RunId>, PortError> {
        Ok(None)
    }
    /// Keeps other runs away until [`Change::give_back`]: what is looked at from now on is still so when it is written. Fails, and may be
    /// tried again, while another is at work.
    fn reserve(&self, command: &str) -> Result<(), PortError> {
        let _ = command;
        Ok(())
    }
    /// Lets other runs come again.
    fn give_back(&self) {}
    /// Takes the run lock and writes the plan with its pre- and post-images into the journal.
    fn begin(&self, command: &str, plan: &Plan) -> Result<RunId, PortError>;
    /// Applies every action, base store first, the rest at once; compares under each store's lock; reads back. One receipt per
    /// action, in the plan's order; a failed action never stops the others, but actions that rely on a failed base write are skipped.
    fn apply(&self, run: &RunId, plan: &Plan, progress: &mut dyn FnMut(usize, usize)) -> Vec<Receipt>;
    /// Writes the config as a run's plan says, comparing what stands there, and reads it back. A running gateway follows it by itself.
    fn configure(&self, run: &RunId, plan: &Plan) -> Option<StepState> {
        let _ = run;
        plan.config.as_ref().map(|_| StepState::Skipped { reason: "there is no config to write here".into() })
    }
    /// Makes the gateway see it, within what the person allows.
    fn activate(&self, need: ActivationNeed, mode: ActivationMode) -> ActivationOutcome;
    /// Asks each of these agents through the running gateway, where that can be believed; `NotAsked` otherwise.
    fn answered(&self, plan: &Plan) -> Vec<keyshoal_core::StepState>;
    /// Writes the receipts into the journal, closes the run and releases the lock.
    fn finish(&self, run: &RunId, receipts: &[Receipt]) -> Result<(), PortError>;
}

/// Puts prompts to agents through the running gateway.
pub trait PromptAgents {
    /// Puts one prompt to each of these agents, in a session of its own that is removed afterwards, and judges what comes back. One turn
    /// per agent, in order; `done` is told after each. Never fails as a whole.
    fn prompt(&self, agents: &[AgentId], done: &mut dyn FnMut(usize)) -> Vec<Turn>;
}

/// Tells and passes time.
pub trait Clock {
    /// Returns the time now.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn sleep(&self, time: Duration);
}

/// Everything at once.
pub trait Ports: Observe + AskProviders + PromptAgents + Remember + Change + Clock {}
impl<T: Observe + AskProviders + PromptAgents + Remember + Change + Clock> Ports for T {}
