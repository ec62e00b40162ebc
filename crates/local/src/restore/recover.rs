//! Recovery of a run that did not finish, profile by profile, from what its journal says was there before and should be there after.

use super::{Restored, RestoredFile, Target, value_of};
use crate::change::image::Image;
use crate::remember::port_error;
use crate::{Installation, clock};
use keyshoal_core::knowledge::KeptMark;
use keyshoal_core::{
    AgentId, CredentialKind, Fingerprint, ProfileId, RunId, Secret, StepState, StoreId, Timestamp,
};
use keyshoal_engine::ports::PortError;
use keyshoal_ledger::{Images, StepDetail};
use keyshoal_openclaw::store::ReadStore;
use std::collections::{BTreeMap, BTreeSet};

/// Which way an open run is brought to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What it had not done yet is done.
    Finish,
    /// What it had done is taken back.
    Undo,
}

/// What came of a recovery.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Every value.
    pub values: Vec<Restored>,
    /// The config, where the run changed it.
    pub config: Option<StepState>,
    /// Files that are no stores.
    pub files: Vec<RestoredFile>,
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

    /// Tells whether some process, perhaps this one, holds the run lock. One that is merely kept is no run.
    pub(crate) fn is_at_work(&self) -> Result<bool, keyshoal_ledger::LedgerError> {
        let kept = self.state().kept_lock.is_some();
        Ok(!kept && keyshoal_ledger::RunLock::holder(&self.locations.state_dir)?.is_some())
    }

    /// Brings an open run to its end. A store that holds neither the value before nor the one after is a conflict: it is left and reported.
    /// Returns `None` when there is no open run.
    pub fn recover(&self, direction: Direction) -> Result<Option<Recovered>, PortError> {
        self.require_memory()?;
        let lock = self.run_lock("recover")?;
        let Some(open) = self.ledger.open_run().map_err(port_error)? else { return Ok(None) };
        self.look_again()?;
        self.begin_writes(lock);
        let kept = self.ledger.knowledge().map_err(port_error)?.kept;
        let mut all = Vec::new();
        for (step, images) in open.run.steps.iter().zip(&open.images) {
            let marked = self.kept_since(step, open.run.summary.begun, &kept);
            all.push(self.recover_step(step, images, direction, marked));
        }
        let config = open.run.config.as_ref();
        let config = config.map(|config| self.recover_config(config, &open.config_images, direction));
        let files = open.run.files.iter().zip(&open.file_images);
        let files: Vec<_> =
            files.map(|(file, images)| (file.index, self.recover_file(file, images, direction))).collect();
        self.release_inheriting_restored(&all);
        self.sweep_beside(&open.run.steps);
        self.sweep_files(&open.run.files);
        let outcomes: Vec<_> = all.iter().map(|one| (one.step, one.state.clone())).collect();
        let run = &open.run.summary.id;
        // What failed may go well the next time: until then the run stays open.
        let states =
            all.iter().map(|one| &one.state).chain(&config).chain(files.iter().map(|(_, state)| state));
        let over = !states.into_iter().any(|state| matches!(state, StepState::Failed { .. }));
        let result = self
            .ledger
            .steps_done(run, &outcomes)
            .and_then(|()| config.as_ref().map_or(Ok(()), |state| self.ledger.config_done(run, state)))
            .and_then(|()| self.note_files(run, &files))
            .and_then(|()| if over { self.ledger.finish_run(run, "[]", clock::now()) } else { Ok(()) })
            .and_then(|()| self.learn_restored(&all))
            .map_err(port_error);
        self.end_writes();
        result?;
        self.look_again()?;
        let of = open.run.files.into_iter().zip(files);
        let files = of.map(|(file, (_, state))| RestoredFile { path: file.path, state }).collect();
        Ok(Some(Recovered { values: all, config, files }))
    }

    /// Closes a run that broke off and leaves every store as it stands, noting what it had done. Returns its id.
    pub(crate) fn settle_open_run(&self) -> Result<Option<RunId>, PortError> {
        self.require_memory()?;
        let _lock = self.run_lock("recover")?;
        let Some(open) = self.ledger.open_run().map_err(port_error)? else { return Ok(None) };
        if self.seen().is_none() {
            self.look_again()?;
        }
        let steps = open.run.steps.iter().zip(&open.images);
        let outcomes: Vec<_> =
            steps.map(|(step, images)| (step.index, self.settled_state(step, images))).collect();
        self.sweep_beside(&open.run.steps);
        self.sweep_files(&open.run.files);
        let files: Vec<_> = open.run.files.iter().map(|file| (file.index, self.settled_file(file))).collect();
        let run = open.run.summary.id.clone();
        let config = open.run.config.as_ref().map(|config| self.settled_config(config));
        self.ledger
            .steps_done(&run, &outcomes)
            .and_then(|()| config.as_ref().map_or(Ok(()), |state| self.ledger.config_done(&run, state)))
            .and_then(|()| self.note_files(&run, &files))
            .and_then(|()| self.ledger.finish_run(&run, "[]", clock::now()))
            .map_err(port_error)?;
        Ok(Some(run))
    }

    /// Removes what the run had prepared beside its stores, or had just taken out of them. We hold the run lock: nobody needs it.
    fn sweep_beside(&self, steps: &[StepDetail]) {
        let _ = keyshoal_openclaw::delivered::sweep(&self.delivered_path());
        let Some(seen) = self.seen() else { return };
        let stores: BTreeSet<&StoreId> = steps.iter().map(|step| &step.store).collect();
        for held in stores.into_iter().filter_map(|store| seen.stores.get(store)) {
            // What cannot be removed now is left to the next writer of that store.
            let _ = held.file.sweep();
        }
    }

    /// Says what a step of a run that broke off had done. What cannot be told counts as failed: its value from before is then kept.
    fn settled_state(&self, step: &StepDetail, images: &Images) -> StepState {
        let skipped = StepState::Skipped {
            reason: "the run broke off; the next one went on from what was there".into(),
        };
        if step.action == "reset_cooldown" {
            return skipped;
        }
        let contents = match self.held_now(&step.store) {
            Ok(read) => read.contents,
            Err(unknown) => return unknown.state(),
        };
        let now = value_of(&contents, &step.profile, self.prints());
        if now != step.post_fingerprint && now != step.pre_fingerprint {
            return foreign(step, now);
        }
        if step.pre_fingerprint != step.post_fingerprint {
            return if now == step.post_fingerprint { StepState::Done } else { skipped };
        }
        // Only the type was to change.
        let kind = contents.profiles.get(&step.profile).map(|stored| stored.kind.clone());
        let of = |image: &Option<Secret>| image.as_ref().and_then(Image::from_text).map(|image| image.kind);
        match (of(&images.pre), of(&images.post)) {
            (_, post) if post.is_some() && post == kind => StepState::Done,
            (pre, _) if pre.is_some() && pre == kind => skipped,
            _ => StepState::Failed {
                reason: "the run broke off, and whether it had changed the type cannot be told any more"
                    .into(),
            },
        }
    }

    fn recover_step(
        &self,
        step: &StepDetail,
        images: &Images,
        direction: Direction,
        marked: Option<AgentId>,
    ) -> Restored {
        let left = |value, state| Restored {
            step: step.index,
            store: step.store.clone(),
            profile: step.profile.clone(),
            value,
            state,
            merged_writes: 0,
            kept: false,
        };
        if step.action == "reset_cooldown" {
            return left(
                None,
                StepState::Skipped { reason: "a reset cooldown is not taken back and does no harm".into() },
            );
        }
        let read = match self.held_now(&step.store) {
            Ok(read) => read,
            Err(unknown) => return left(None, unknown.state()),
        };
        let now = value_of(&read.contents, &step.profile, self.prints());
        let (before, after) = (step.pre_fingerprint, step.post_fingerprint);
        let (wanted, image) = match direction {
            Direction::Finish => (after, images.post.as_ref().and_then(Image::from_text)),
            Direction::Undo => (before, images.pre.as_ref().and_then(Image::from_text)),
        };
        let changes_type = step.action == "fix_type";
        if now == wanted && !changes_type {
            return left(now, StepState::Done);
        }
        if now != before && now != after {
            return left(now, foreign(step, now));
        }
        if let Some(agent) = marked {
            let found = format!("{} was marked as kept for {agent} since this run began", step.profile);
            return left(now, StepState::Conflict { found });
        }
        if wanted.is_some() && image.is_none() {
            return left(now, StepState::Skipped {
                reason: "its value is not in the journal (OAuth logins never are, others expire); sign in or set it again".into(),
            });
        }
        let obstacle = match direction {
            Direction::Finish => self.not_right_any_more(step, wanted.is_none(), &read),
            Direction::Undo => None,
        };
        if let Some(state) = obstacle {
            return left(now, state);
        }
        self.put_back(&Target {
            step: step.index,
            store: step.store.clone(),
            profile: step.profile.clone(),
            expect: now,
            image,
            was: wanted,
        })
    }

    /// Says why a step that was right when it was planned is not to be finished now: the same as the planner and a run would say.
    fn not_right_any_more(&self, step: &StepDetail, removes: bool, read: &ReadStore) -> Option<StepState> {
        let conflict = |found: String| Some(StepState::Conflict { found });
        let rests_on = match (&step.store, step.rests_on) {
            (StoreId::Base, _) => return None,
            (StoreId::Agent(_), None) if !removes => return None,
            (StoreId::Agent(_), rests_on) => rests_on,
        };
        let base = match self.held_now(&StoreId::Base) {
            Ok(read) => read.contents,
            Err(unknown) => return Some(unknown.state()),
        };
        let Some(inherited) = base.profiles.get(&step.profile) else {
            return conflict(format!("the base store has no {} any more", step.profile));
        };
        let holds = inherited.material(self.prints()).fingerprint();
        if holds.is_none() || rests_on.is_some_and(|wanted| holds != Some(wanted)) {
            let found = holds.map_or_else(|| "nothing usable".to_owned(), |print| print.short());
            return conflict(format!("the base store holds {found} for {} now", step.profile));
        }
        if !removes {
            return None;
        }
        let seen = self.seen()?;
        let (observed, kind) = (&seen.observed, &inherited.kind);
        let reads_through = match kind {
            CredentialKind::OAuth => observed.capabilities.oauth_reads_through,
            _ => observed.capabilities.reads_through,
        };
        let fits = observed.modes.get(&step.profile).is_none_or(|mode| kind.allowed_by_mode(mode));
        if read.leftover.is_some() {
            return conflict("a file of an earlier layout lies beside the store: without a profile of its own the agent would be refused".into());
        }
        (!reads_through || !fits).then(|| StepState::Conflict {
            found: "the agent would not use the base store's profile now, and be left without".into(),
        })
    }

    /// Returns for whom a person, or a provider's acceptance, has marked the profile of a step as kept since the run began.
    fn kept_since(&self, step: &StepDetail, begun: Timestamp, kept: &Kept) -> Option<AgentId> {
        let seen = self.seen()?;
        let users = seen.observed.agents_of(&step.store).map(|agent| agent.id.clone());
        users.into_iter().find(|agent| {
            kept.get(&(agent.clone(), step.profile.clone())).is_some_and(|mark| mark.since >= begun)
        })
    }
}

type Kept = BTreeMap<(AgentId, ProfileId), KeptMark>;

fn foreign(step: &StepDetail, now: Option<Fingerprint>) -> StepState {
    let found = now.map_or_else(|| "nothing".to_owned(), |print| print.short());
    StepState::Conflict { found: format!("{} holds {found}, which this run never wrote", step.profile) }
}
