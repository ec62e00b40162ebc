//! Waiting until a gateway has taken up a config that has just named the private file.

use crate::Installation;
use keyshoal_core::vault::REFERENCES;
use keyshoal_core::{ActivationMode, ActivationNeed, ActivationOutcome};
use keyshoal_openclaw::gateway::Client;
use std::time::{Duration, Instant};

/// A gateway watches its config and reads it a moment after it was written; a loaded machine takes longer.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(500);
const UNRESOLVED: &str = "cannot follow the reference of";

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

    /// Says which of the references into the private file a gateway cannot follow although it has read its stores, if so.
    pub(crate) fn unresolved_by(&self, client: &mut Client) -> Option<String> {
        let of_file = self.wants_references()?.file;
        let unresolved = client.unresolved().unwrap_or_default();
        let one = unresolved.into_iter().find(|one| of_file.is_for(&one.profile))?;
        let (profile, reason) = (one.profile, one.reason);
        Some(format!(
            "the gateway has read its stores again, and {UNRESOLVED} {profile}: {reason}; its turns fail until it can (keyshoal doctor)"
        ))
    }
}

/// Tells whether the gateway does not know the file's provider yet: early releases refuse to reload then, later ones do it and leave the
/// profiles without a value.
fn lags(outcome: &ActivationOutcome) -> bool {
    let ActivationOutcome::NotDone { reason, .. } = outcome else { return false };
    reason.contains(&format!("provider \"{REFERENCES}\" is not configured")) || reason.contains(UNRESOLVED)
}
