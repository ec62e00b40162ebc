//! Waiting until a running gateway works by a config that was just written.
//!
//! A gateway notices a changed config half a second later, and builds what its agents send anew by it. A reload of the stores before that
//! resolves references by the old config, and one in the midst of it was seen to leave an agent of 2026.9.6 without a model.

use crate::Installation;
use keyshoal_openclaw::config::ConfigError;
use keyshoal_openclaw::config::edit::{Editor, Wrote};
use keyshoal_openclaw::config::generate::{Digest, Generated};
use keyshoal_openclaw::gateway::ConfigState;
use std::time::{Duration, Instant};

/// A loaded machine takes seconds; a restart that the change itself brings about, more. Nothing is lost where it takes longer: what
/// follows says what it finds.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(150);
/// Longest wait for one answer: a gateway that hangs shall not hold up what is to be written.
const ANSWER: Duration = Duration::from_secs(5);

impl Installation {
    /// Writes a whole config, and gives a running gateway the time to work by it.
    pub(crate) fn put_whole_config(
        &self,
        expected: Digest,
        generated: &Generated,
    ) -> Result<Wrote, ConfigError> {
        let before = self.config_of_gateway();
        let wrote = Editor::new(&self.locations, &self.env).write_generated(expected, generated)?;
        if let (Wrote::Done(_), Some(before)) = (&wrote, &before) {
            self.await_taken_up(before);
        }
        Ok(wrote)
    }

    /// Asks the running gateway by which config it works. `None` where none runs, it takes nothing up by itself, or it does not say in time.
    fn config_of_gateway(&self) -> Option<ConfigState> {
        let seen = self.seen()?;
        let is_off = seen.config.gateway.reload_mode.as_deref() == Some("off");
        if is_off || !self.options.guards.reload || seen.observed.instance.gateway.running == Some(false) {
            return None;
        }
        let connected = self.connect_within(&seen.observed, &seen.config, ANSWER).ok()?;
        // Another installation's gateway would never take up this config.
        let mut client = connected.certain.then_some(connected.client)?;
        client.config_state().ok().flatten()
    }

    fn await_taken_up(&self, before: &ConfigState) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.config_of_gateway().is_some_and(|now| now.took_up(before)) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }
}
