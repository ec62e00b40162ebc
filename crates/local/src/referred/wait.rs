//! Waiting until a gateway has taken up a config that has just named the private file.

use crate::Installation;
use keyshoal_core::vault::REFERENCES;
use keyshoal_core::{ActivationMode, ActivationNeed, ActivationOutcome};
use std::time::{Duration, Instant};

/// A gateway watches its config and reads it a moment after it was written; a loaded machine takes longer.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(500);

impl Installation {
    /// Activates. A gateway that has not read yet that the config names the private file is asked again.
    pub(crate) fn activate_referring(&self, need: ActivationNeed, mode: ActivationMode) -> ActivationOutcome {
        let begun = Instant::now();
        loop {
            let outcome = self.activate_now(need, mode);
            if !lags(&outcome) || begun.elapsed() > PATIENCE || self.wants_references().is_none() {
                return outcome;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Tells whether the gateway does not know the file's provider yet.
fn lags(outcome: &ActivationOutcome) -> bool {
    let ActivationOutcome::NotDone { reason, .. } = outcome else { return false };
    reason.contains(&format!("provider \"{REFERENCES}\" is not configured"))
}
