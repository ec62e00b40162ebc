//! The config of a run that did not finish: one whole text or the other, or somebody else's, which is left.

use super::Direction;
use crate::Installation;
use keyshoal_core::{Fingerprint, Secret, StepState};
use keyshoal_engine::ports::PortError;
use keyshoal_ledger::{ConfigDetail, Images};
use keyshoal_openclaw::config::edit::Wrote;
use keyshoal_openclaw::config::generate::{ConfigChange, Digest, Generated};
use keyshoal_openclaw::{delivered, files};

/// A config file is never longer than this.
const LONGEST: u64 = 64 * 1024 * 1024;

impl Installation {
    /// Says what a run that broke off had done to the config.
    pub(super) fn settled_config(&self, config: &ConfigDetail) -> StepState {
        match self.config_now() {
            Err(reason) => StepState::Failed { reason },
            Ok((now, _)) if now == config.after_fingerprint => StepState::Done,
            Ok((now, _)) if now == config.before_fingerprint => StepState::Skipped {
                reason: "the run broke off; the next one went on from what was there".into(),
            },
            Ok(_) => changed_since(),
        }
    }

    /// Brings the config of an open run to its end.
    pub(super) fn recover_config(
        &self,
        config: &ConfigDetail,
        images: &Images,
        direction: Direction,
    ) -> StepState {
        let (wanted, text, other) = match direction {
            Direction::Finish => (config.after_fingerprint, &images.post, config.before_fingerprint),
            Direction::Undo => (config.before_fingerprint, &images.pre, config.after_fingerprint),
        };
        let (now, digest) = match self.config_now() {
            Ok(now) => now,
            Err(reason) => return StepState::Failed { reason },
        };
        match (now, text) {
            (now, _) if now == wanted => StepState::Done,
            (now, _) if now != other => changed_since(),
            (_, None) => StepState::Failed { reason: "its text has expired from the journal".into() },
            (_, Some(text)) if text.is_empty() => StepState::Skipped {
                reason: "there was no config before; remove the one that is there now, if that is meant"
                    .into(),
            },
            (_, Some(text)) => match self.parts_from_the_file(text) {
                Ok(None) => self.put_config(digest, text),
                Ok(Some(reason)) => StepState::Skipped { reason },
                Err(error) => StepState::Failed { reason: error.to_string() },
            },
        }
    }

    /// Says why a text is not to be put back: it names the file of secrets, which is gone, or names it no more while a store refers
    /// to it. Looks at every store afresh, as the values come back before the config.
    fn parts_from_the_file(&self, text: &Secret) -> Result<Option<String>, PortError> {
        self.look_again()?;
        let path = self.delivered_path();
        Ok(match (delivered::is_named_in(text, &path), self.references().first()) {
            (true, None) if !files::exists(&path) => {
                Some("it names the file of secrets, which is gone, and no store refers to it".to_owned())
            }
            (false, Some(reference)) => Some(format!(
                "a store still refers to {} in the file of secrets, so the config goes on naming it",
                reference.id
            )),
            _ => None,
        })
    }

    fn put_config(&self, expected: Digest, text: &Secret) -> StepState {
        let change = ConfigChange { path: String::new(), what: "put back".into() };
        let whole = Generated {
            text: text.clone(),
            changes: vec![change],
            left: Vec::new(),
            held: Vec::new(),
            notes: Vec::new(),
        };
        match self.put_whole_config(expected, &whole) {
            Ok(Wrote::Done(_) | Wrote::Nothing) => StepState::Done,
            Ok(Wrote::Meanwhile) => changed_since(),
            Err(error) => StepState::Failed { reason: error.to_string() },
        }
    }

    /// Reads what the config holds now; no file is the empty text.
    fn config_now(&self) -> Result<(Fingerprint, Digest), String> {
        let bytes = files::read(&self.locations.config_path, LONGEST).map_err(|error| error.to_string())?;
        let digest = Digest::of(bytes.as_deref());
        let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
        Ok((self.config_print(&Secret::new(text)), digest))
    }
}

fn changed_since() -> StepState {
    StepState::Conflict { found: "the config has been changed since, and is left as it is".into() }
}
