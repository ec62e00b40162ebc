//! The run lock: taken for one run, or kept for all that a command does from its look on.

use crate::{Installation, clock};
use keyshoal_engine::ports::PortError;
use keyshoal_engine::watch::Beside;
use keyshoal_ledger::{LastHolder, LockError, RunLock};
use std::sync::Arc;

impl Installation {
    /// Takes the run lock, or shares the one that is kept already.
    pub(crate) fn run_lock(&self, command: &str) -> Result<Arc<RunLock>, PortError> {
        if let Some(kept) = &self.state().kept_lock {
            return Ok(Arc::clone(kept));
        }
        let state_dir = &self.locations.state_dir;
        let lock = RunLock::acquire(state_dir, command, clock::now(), self.options.wait_for_lock);
        lock.map(Arc::new).map_err(|error| PortError {
            message: error.to_string(),
            hint: matches!(error, LockError::Held { .. })
                .then(|| "wait until it is done, or pass --wait SECONDS".into()),
            retryable: matches!(error, LockError::Held { .. }),
        })
    }

    pub(crate) fn keep_lock(&self, command: &str) -> Result<(), PortError> {
        self.require_memory()?;
        let lock = self.run_lock(command)?;
        self.state().kept_lock = Some(lock);
        Ok(())
    }

    pub(crate) fn give_lock_back(&self) {
        self.state().kept_lock = None;
    }

    /// Tells whether another process is in a run here, and which was the last. Where that cannot be read, nobody is.
    pub fn beside(&self) -> Beside {
        let LastHolder { holder, held } = RunLock::last_holder(&self.locations.state_dir).unwrap_or_default();
        let ours = self.state().kept_lock.is_some();
        Beside { at_work: held && !ours, last: holder.map(|holder| holder.to_string()) }
    }
}
