//! Recovery of a run that did not finish, profile by profile, from what its journal says was there before and should be there after.

use super::{Restored, Target, value_of};
use crate::change::image::Image;
use crate::remember::port_error;
use crate::{Installation, clock};
use keyshoal_core::{RunId, StepState, StoreId};
use keyshoal_engine::ports::PortError;
use keyshoal_ledger::{Images, StepDetail};

/// Which way an open run is brought to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What it had not done yet is done.
    Finish,
    /// What it had done is taken back.
    Undo,
}

impl Installation {
    /// Returns the run that broke off; `None` while one is at work.
    pub fn open_run(&self) -> Result<Option<keyshoal_ledger::RunDetail>, PortError> {
        let open = self.ledger.unfinished().map_err(port_error)?;
        if open.is_some() && self.is_at_work().map_err(port_error)? {
            return Ok(None);
        }
        Ok(open)
    }

    /// Tells whether some process, perhaps this one, holds the run lock.
    pub(crate) fn is_at_work(&self) -> Result<bool, keyshoal_ledger::LedgerError> {
        Ok(keyshoal_ledger::RunLock::holder(&self.locations.state_dir)?.is_some())
    }

    /// Brings an open run to its end. A store that holds neither the value before nor the one after is a conflict: it is left and reported.
    /// Returns `None` when there is no open run.
    pub fn recover(&self, direction: Direction) -> Result<Option<Vec<Restored>>, PortError> {
        self.require_memory()?;
        let lock = self.run_lock("recover")?;
        let Some(open) = self.ledger.open_run().map_err(port_error)? else { return Ok(None) };
        self.look_again()?;
        self.begin_writes(lock);
        let mut all = Vec::new();
        for (step, images) in open.run.steps.iter().zip(&open.images) {
            all.push(self.recover_step(step, images, direction));
        }
        let outcomes: Vec<_> = all.iter().map(|one| (one.step, one.state.clone())).collect();
        let run = &open.run.summary.id;
        // What failed may go well the next time: until then the run stays open.
        let over = !all.iter().any(|one| matches!(one.state, StepState::Failed { .. }));
        let result = self
            .ledger
            .steps_done(run, &outcomes)
            .and_then(|()| if over { self.ledger.finish_run(run, "[]", clock::now()) } else { Ok(()) })
            .and_then(|()| self.learn_restored(&all))
            .map_err(port_error);
        self.end_writes();
        result?;
        self.look_again()?;
        Ok(Some(all))
    }

    /// Closes a run that broke off and leaves every store as it stands, noting what it had done. Returns its id.
    pub(crate) fn settle_open_run(&self) -> Result<Option<RunId>, PortError> {
        self.require_memory()?;
        let _lock = self.run_lock("recover")?;
        let Some(open) = self.ledger.open_run().map_err(port_error)? else { return Ok(None) };
        let seen = self.seen();
        let state_of = |step: &StepDetail| {
            let held = seen.as_ref().and_then(|seen| seen.stores.get(&step.store));
            let now = held.and_then(|held| value_of(&held.read.contents, &step.profile, self.prints()));
            let touches_value = !matches!(step.action.as_str(), "reset_cooldown" | "fix_type");
            if touches_value && now == step.post_fingerprint {
                StepState::Done
            } else {
                StepState::Skipped {
                    reason: "the run broke off; the next one went on from what was there".into(),
                }
            }
        };
        let outcomes: Vec<_> = open.run.steps.iter().map(|step| (step.index, state_of(step))).collect();
        let run = open.run.summary.id.clone();
        self.ledger
            .steps_done(&run, &outcomes)
            .and_then(|()| self.ledger.finish_run(&run, "[]", clock::now()))
            .map_err(port_error)?;
        Ok(Some(run))
    }

    fn recover_step(&self, step: &StepDetail, images: &Images, direction: Direction) -> Restored {
        let seen = self.seen();
        let contents =
            seen.as_ref().and_then(|seen| seen.stores.get(&step.store)).map(|held| &held.read.contents);
        let now = contents.and_then(|contents| value_of(contents, &step.profile, self.prints()));
        let left = |state| Restored {
            step: step.index,
            store: step.store.clone(),
            profile: step.profile.clone(),
            value: now,
            state,
            kept: false,
        };
        if step.action == "reset_cooldown" {
            return left(StepState::Skipped {
                reason: "a reset cooldown is not taken back and does no harm".into(),
            });
        }
        let (before, after) = (step.pre_fingerprint, step.post_fingerprint);
        let (wanted, image) = match direction {
            Direction::Finish => (after, images.post.as_ref().and_then(Image::from_text)),
            Direction::Undo => (before, images.pre.as_ref().and_then(Image::from_text)),
        };
        let changes_type = step.action == "fix_type";
        if now == wanted && !changes_type {
            return left(StepState::Done);
        }
        if now != before && now != after {
            let found = now.map_or_else(|| "nothing".to_owned(), |print| print.short());
            return left(StepState::Conflict {
                found: format!("{} holds {found}, which this run never wrote", step.profile),
            });
        }
        if wanted.is_some() && image.is_none() {
            return left(StepState::Skipped {
                reason: "its value is not in the journal (OAuth logins never are, others expire); sign in or set it again".into(),
            });
        }
        if wanted.is_none() && direction == Direction::Finish && !self.base_has(step) {
            return left(StepState::Conflict {
                found: "the base store has no such profile, so the agent would be left without".into(),
            });
        }
        self.put_back(&Target {
            step: step.index,
            store: step.store.clone(),
            profile: step.profile.clone(),
            expect: now,
            image,
            reset_cooldown: direction == Direction::Finish,
        })
    }

    fn base_has(&self, step: &StepDetail) -> bool {
        self.seen()
            .and_then(|seen| {
                let base = seen.stores.get(&StoreId::Base)?;
                value_of(&base.read.contents, &step.profile, self.prints())
            })
            .is_some()
    }
}
