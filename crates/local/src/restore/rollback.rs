//! Taking a finished run back, profile by profile.

use super::{Restored, Target, value_of};
use crate::change::image::Image;
use crate::remember::port_error;
use crate::{Installation, clock};
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::{Fact, Fingerprint, ProfileId, RunId, StepState, StoreId, VerdictKind};
use keyshoal_engine::ports::{PortError, Remember};
use keyshoal_ledger::{ImageState, JournalStep, RunDetail, RunSummary, StepDetail};

/// One value that a rollback would put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollbackStep {
    /// The step of the run.
    pub step: usize,
    /// The store.
    pub store: StoreId,
    /// The profile.
    pub profile: ProfileId,
    /// What the run put there; it must still stand there.
    pub now: Option<Fingerprint>,
    /// What would stand there again.
    pub then: Option<Fingerprint>,
    /// What its provider last said of that value.
    pub verdict: VerdictKind,
    /// Why it cannot be put back, if so.
    pub impossible: Option<String>,
    /// The value before already stands there again: then there is nothing to put back.
    pub is_back: bool,
}

impl Installation {
    /// Returns the newest runs, newest first.
    pub fn history(&self, limit: usize) -> Result<Vec<RunSummary>, PortError> {
        self.ledger.runs(limit).map_err(port_error)
    }

    /// Finds a run by its id or the beginning of it.
    pub fn find_run(&self, prefix: &str) -> Result<RunDetail, PortError> {
        let found = self.ledger.find_runs(prefix).map_err(port_error)?;
        let fail = |message: String| PortError {
            message,
            hint: Some("`keyshoal history` lists them".into()),
            retryable: false,
        };
        match found.as_slice() {
            [one] => self.ledger.run(&one.id).map_err(port_error),
            [] => Err(fail(format!("there is no run {prefix}"))),
            many => Err(fail(format!("{prefix} begins the ids of {} runs; give more of it", many.len()))),
        }
    }

    /// Says what a rollback would put back.
    pub fn rollback_plan(&self, run: &RunDetail) -> Result<Vec<RollbackStep>, PortError> {
        let knowledge = self.knowledge()?;
        let verdict = |print: Option<Fingerprint>| {
            let newest = knowledge
                .verdicts
                .iter()
                .filter(|((of, _), _)| Some(*of) == print)
                .map(|(_, verdict)| verdict);
            newest.max_by_key(|verdict| verdict.at).map_or(VerdictKind::NotAsked, |verdict| verdict.kind)
        };
        if self.seen().is_none() {
            self.look_again()?;
        }
        let done =
            run.steps.iter().filter(|step| step.action != "reset_cooldown" && self.may_have_written(step));
        Ok(done
            .map(|step| {
                let is_back = self.is_back(step);
                let there = || is_back.then(|| "it is back already".to_owned());
                RollbackStep {
                    step: step.index,
                    store: step.store.clone(),
                    profile: step.profile.clone(),
                    now: step.post_fingerprint,
                    then: step.pre_fingerprint,
                    verdict: verdict(step.pre_fingerprint),
                    impossible: there().or_else(|| impossible(step)),
                    is_back,
                }
            })
            .collect())
    }

    /// Tells whether the value from before a step stands in its store again.
    fn is_back(&self, step: &StepDetail) -> bool {
        step.pre_fingerprint != step.post_fingerprint
            && self.held_now(&step.store).is_ok_and(|read| {
                value_of(&read.contents, &step.profile, self.prints()) == step.pre_fingerprint
            })
    }

    /// Tells whether a step has written, as far as is known: what failed may have done so before it failed.
    fn may_have_written(&self, step: &StepDetail) -> bool {
        match &step.outcome {
            Some(StepState::Done) => true,
            Some(StepState::Failed { .. }) => {
                step.pre_fingerprint != step.post_fingerprint
                    && self.held_now(&step.store).is_ok_and(|read| {
                        value_of(&read.contents, &step.profile, self.prints()) == step.post_fingerprint
                    })
            }
            _ => false,
        }
    }

    /// Takes a finished run back. A store that does not hold what the run put there any more is a conflict and is left.
    pub fn rollback(&self, run: &RunDetail) -> Result<Vec<Restored>, PortError> {
        let steps = self.rollback_plan(run)?;
        self.require_memory()?;
        let lock = self.run_lock("rollback")?;
        self.look_again()?;
        let id = &run.summary.id;
        let images = self.ledger.images(id).map_err(port_error)?;
        let mut targets = Vec::new();
        let mut journal = Vec::new();
        for step in steps.iter().filter(|step| step.impossible.is_none()) {
            let pre = images.get(step.step).and_then(|images| images.pre.clone());
            let image = pre.as_ref().and_then(Image::from_text);
            journal.push(self.rollback_step(step, image.as_ref()));
            targets.push(Target {
                step: step.step,
                store: step.store.clone(),
                profile: step.profile.clone(),
                expect: step.now,
                image,
                was: step.then,
            });
        }
        let own =
            self.ledger.begin_run(&format!("rollback {id}"), clock::now(), &journal).map_err(port_error)?;
        self.begin_writes(lock);
        let mut all: Vec<_> = targets.iter().map(|target| self.put_back(target)).collect();
        self.release_inheriting_restored(&all);
        let result = self.close(&own, &all);
        self.end_writes();
        result?;
        self.look_again()?;
        self.keep_what_differs(&mut all)?;
        Ok(all)
    }

    /// A person asked for these values: where they differ from what agents inherit, the next sync must not undo them unasked.
    fn keep_what_differs(&self, all: &mut [Restored]) -> Result<(), PortError> {
        let Some(seen) = self.seen() else { return Ok(()) };
        let marks = self.ledger.knowledge().map_err(port_error)?.kept;
        let mut facts = Vec::new();
        for one in all.iter_mut().filter(|one| one.state == StepState::Done) {
            let StoreId::Agent(agent) = &one.store else { continue };
            let (agent, profile) = (agent.clone(), one.profile.clone());
            let inherited = seen.observed.profile(&StoreId::Base, &one.profile);
            let inherited = inherited.and_then(|view| view.material.fingerprint());
            match one.value {
                Some(fingerprint) if inherited != Some(fingerprint) => {
                    one.kept = true;
                    facts.push(Fact::Kept { agent, profile, fingerprint, by: KeptBy::Person });
                }
                // What was marked meanwhile went with this: nobody else overwrote it.
                now => match marks.get(&(agent.clone(), profile.clone())) {
                    Some(mark) if Some(mark.fingerprint) != now => {
                        facts.push(Fact::KeptUndone { agent, profile });
                    }
                    _ => {}
                },
            }
        }
        self.learn(&facts)
    }

    fn rollback_step(&self, step: &RollbackStep, image: Option<&Image>) -> JournalStep {
        let seen = self.seen();
        let stored = seen
            .as_ref()
            .and_then(|seen| seen.stores.get(&step.store)?.read.contents.profiles.get(&step.profile));
        JournalStep {
            store: step.store.clone(),
            profile: step.profile.clone(),
            action: "restore".into(),
            pre_fingerprint: step.now,
            post_fingerprint: step.then,
            rests_on: None,
            pre_image: stored.and_then(Image::of).map(|image| image.seal_text()),
            post_image: image.map(Image::seal_text),
        }
    }

    fn close(&self, run: &RunId, all: &[Restored]) -> Result<(), PortError> {
        let outcomes: Vec<_> = all.iter().enumerate().map(|(at, one)| (at, one.state.clone())).collect();
        self.ledger
            .steps_done(run, &outcomes)
            .and_then(|()| self.ledger.finish_run(run, "[]", clock::now()))
            .and_then(|()| self.learn_restored(all))
            .map_err(port_error)
    }
}

fn impossible(step: &StepDetail) -> Option<String> {
    let reason = match (step.pre_fingerprint, step.pre_image) {
        (None, _) | (Some(_), ImageState::Sealed) => return None,
        (Some(_), ImageState::None) => "it was an OAuth login; tokens only move forward",
        (Some(_), ImageState::Gone) => "its value has expired from the journal",
    };
    Some(reason.to_owned())
}
