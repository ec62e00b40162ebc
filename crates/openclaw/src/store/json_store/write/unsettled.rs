//! A written store that is still to be looked at once more.

use super::super::{Decide, JsonStore};
use super::ATTEMPTS;
use super::late::Replaced;
use super::prepare::Ready;
use super::run::Run;
use crate::store::{StoreError, WriteRules, Written};

/// A store that was written, with the files that were replaced still open: another program may have opened one of them right before,
/// and write into it only now. [`settle`](Self::settle) finds out, and puts such a write into the store.
#[derive(Debug)]
#[must_use = "what another program wrote at the last moment is lost without it"]
pub struct Unsettled {
    store: JsonStore,
    replaced: Box<Replaced>,
    merged: u32,
    bumped: bool,
}

impl Unsettled {
    pub(super) fn new(store: JsonStore, replaced: Box<Replaced>, written: &Written) -> Self {
        Self { store, replaced, merged: written.merged_late_writes, bumped: written.time_bumped }
    }

    /// Tells whether enough time has passed for the look, so that [`settle`](Self::settle) will not wait for it.
    pub fn is_due(&self) -> bool {
        self.replaced.is_due()
    }

    /// Looks once more, and writes the store again when somebody has written late; then it returns what stands there now. `None`:
    /// nobody has. Waits a few milliseconds when it comes early.
    ///
    /// `rules` and `decide` are those of the update.
    pub fn settle(self, rules: &WriteRules, decide: &mut Decide) -> Result<Option<Written>, StoreError> {
        let Self { store, replaced, merged, bumped } = self;
        let mut run = Run::new(rules, decide);
        (run.merged, run.bumped) = (merged, bumped);
        let mut replaced = Some(replaced);
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let Some(found) = replaced.take().and_then(|replaced| replaced.second_look()) else {
                return Ok(last);
            };
            if let Err(error) = store.lock(&mut run) {
                return Err(store.give_back(&run, Some(found), error));
            }
            if store.has_moved_on(Some(&found)) {
                return Ok(last);
            }
            run.merged += 1;
            let (written, again) = store.attempts(&mut run, Ready::default(), Some(found))?;
            last = Some(written);
            replaced = again.map(|again| again.replaced);
        }
        Ok(last)
    }
}
