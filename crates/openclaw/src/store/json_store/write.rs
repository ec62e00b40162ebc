//! Writing: under the lock, a whole new file in the old one's place, and nothing of anybody's lost.

mod late;
mod prepare;
mod run;
mod unsettled;

pub use unsettled::Unsettled;

use super::*;
use crate::files::Put;
use late::{Late, Layer, Replaced};
use prepare::{Preparation, Ready};
use run::{Job, Run};
use std::thread::sleep;
use std::time::Duration;

/// How often a lock-free writer may come in between before we give up.
const ATTEMPTS: u32 = 25;
/// Longest pause without the lock between two attempts, for those who wait for it.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// Leftovers of crashed writers are swept when they are older than any writer lives.
const SWEEP_AGE: Duration = Duration::from_secs(60);

/// What one attempt came to.
enum Attempt {
    /// Nothing was to be written, or everything is: with what was replaced.
    Done(Written, Option<Box<Replaced>>),
    /// Somebody wrote meanwhile.
    Again,
    /// Somebody wrote into a file that we had just replaced. Here is what.
    Late(Late),
}

impl JsonStore {
    /// Changes the store, and leaves the last look at what was replaced to who holds the [`Unsettled`].
    pub fn update(
        &self,
        rules: &WriteRules,
        decide: &mut Decide,
    ) -> Result<(Written, Option<Unsettled>), StoreError> {
        let found = files::resolved(&self.dir)?;
        let here = match &found {
            Some(dir) => Self { dir: dir.clone(), ..self.clone() },
            None => {
                self.check_unmade(decide)?;
                self.clone()
            }
        };
        let mut run = Run::new(rules, decide);
        let ready = match here.prepare(&mut run) {
            Preparation::NothingToDo(contents) => return Ok((Written::nothing(contents), None)),
            Preparation::Ready(ready) => ready,
        };
        if found.is_none() {
            // As the program does for an agent that has never run.
            files::make_private_dir(&here.dir)?;
        }
        here.lock(&mut run)?;
        here.attempts(&mut run, ready, None)
    }

    /// Tries until nobody comes in between. The lock is given back between two attempts, for the program's users wait for it.
    fn attempts(
        &self,
        run: &mut Run,
        mut ready: Ready,
        mut late: Option<Late>,
    ) -> Result<(Written, Option<Unsettled>), StoreError> {
        let mut pause = Duration::from_millis(1);
        for tried in 0..ATTEMPTS {
            if tried > 0 && run.has_lost_the_lock() {
                // Another process took the lock for stale (it cannot see ours). What follows is guarded by the compare.
                ready = Ready::default();
            }
            match self.attempt(run, std::mem::take(&mut ready), late.as_ref()) {
                Ok(Attempt::Done(written, replaced)) => {
                    // Durability needs no lock, and the program's users wait for it.
                    run.unlock();
                    run.sync_dirs()
                        .map_err(|error| self.unproven("it may not survive a power cut", error))?;
                    let written = run.told(written);
                    let unsettled = replaced.map(|replaced| Unsettled::new(self.clone(), replaced, &written));
                    return Ok((written, unsettled));
                }
                Ok(Attempt::Late(found)) => {
                    run.merged += 1;
                    late = Some(found);
                }
                // What came late is put back before anybody else gets his turn.
                Ok(Attempt::Again) if late.is_some() => {}
                Ok(Attempt::Again) => {
                    run.unlock();
                    sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    ready = match self.prepare(run) {
                        Preparation::NothingToDo(contents) => return Ok((Written::nothing(contents), None)),
                        Preparation::Ready(ready) => ready,
                    };
                    self.lock(run)?;
                }
                Err(error) => return Err(self.give_back(run, late, error)),
            }
        }
        let contended = StoreError::Contended { path: self.store_path(), attempts: ATTEMPTS };
        Err(self.give_back(run, late, contended))
    }

    /// Tells whether others have written on top of ours since: then what came late is what they have overwritten.
    fn has_moved_on(&self, late: Option<&Late>) -> bool {
        let found = self.settled(Duration::ZERO);
        found.is_ok_and(|found| late.is_none_or(|late| late.standing(&found.pair).is_empty()))
    }

    /// Takes the lock in the store's directory, and in every other one from which a link leads to it.
    fn lock(&self, run: &mut Run) -> Result<(), StoreError> {
        let mut dirs = BTreeSet::from([self.dir.clone()]);
        for dir in &self.linked_from {
            dirs.extend(files::resolved(dir)?);
        }
        dirs.retain(|_| run.rules.safety.lock);
        run.hold(dirs.iter().map(|dir| LockFile::take(dir, STORE_FILE)).collect::<Result<_, _>>()?);
        Ok(())
    }

    /// Puts back what came late to files that we had replaced, before an update ends in an error. It is lost with them otherwise.
    fn give_back(&self, run: &Run, late: Option<Late>, error: StoreError) -> StoreError {
        // A refused update has put it back already.
        let Some(late) = late.filter(|_| !matches!(error, StoreError::Refused { .. })) else { return error };
        let mut no_edits = |_: &StoreContents| Ok(Vec::new());
        let mut last = Run::new(run.rules, &mut no_edits);
        let back = self.attempt(&mut last, Ready::default(), Some(&late));
        match back.and_then(|attempt| last.sync_dirs().map(|()| attempt)) {
            Ok(Attempt::Done(..)) => error,
            Ok(Attempt::Again | Attempt::Late(_)) => {
                self.unproven("another program kept writing it too, and its last write may be lost", error)
            }
            Err(worse) => self.unproven("what another program wrote meanwhile could not be put back", worse),
        }
    }

    /// Refuses what makes no sense for a store whose directory does not exist, before the directory is made.
    fn check_unmade(&self, decide: &mut Decide) -> Result<(), StoreError> {
        let Found { mut texts, contents, .. } = self.settled(Duration::ZERO)?;
        decide(&contents)
            .and_then(|edits| edits.iter().try_for_each(|edit| texts.apply(edit)))
            .map_err(|refusal| self.refused(refusal))
    }

    fn attempt(&self, run: &mut Run, ready: Ready, late: Option<&Late>) -> Result<Attempt, StoreError> {
        let rules = run.rules;
        let patience = if rules.safety.torn_read_retry { run.hold_left() } else { Duration::ZERO };
        let Found { pair, texts, contents } = self.settled(patience)?;
        for seen in [&pair.store, &pair.state].into_iter().flatten() {
            if let Some(reason) = files::made_read_only(seen.file.meta()) {
                return Err(StoreError::ReadOnly { path: seen.file.path().to_owned(), reason });
            }
        }
        let was_late = late.is_some();
        let mut late = late.map(|late| late.standing(&pair)).unwrap_or_default();
        let (before, contents) = match was_late {
            false => (texts, contents),
            true => {
                let texts = late.beneath(texts).map_err(|reason| self.unreadable(reason))?;
                let contents = self.contents_of(&texts)?;
                (texts, contents)
            }
        };
        let mut after = before.clone();
        let decision =
            (run.decide)(&contents).and_then(|edits| edits.iter().try_for_each(|edit| after.apply(edit)));
        let refusal = match decision {
            Ok(()) => None,
            // What came late must be put back even so: it lies in a file that we replaced.
            Err(refusal) if was_late => {
                after = before.clone();
                Some(refusal)
            }
            Err(refusal) => return Err(self.refused(refusal)),
        };
        let new_store = changed(after.store.as_ref(), pair.store.as_ref());
        let new_state = match &after.state {
            State::Own(state) => changed(state.as_ref(), pair.state.as_ref()),
            State::Embedded => None,
        };
        if new_store.is_none() && new_state.is_none() {
            return match refusal {
                Some(refusal) => Err(self.refused(refusal)),
                None => Ok(Attempt::Done(Written::nothing(contents), None)),
            };
        }
        // The state goes first: a reset cooldown with the old key does no harm, a new key with an old cooldown does.
        let files = [
            (new_state, pair.state.as_ref(), self.state_path(), ready.state),
            (new_store, pair.store.as_ref(), self.store_path(), ready.store),
        ];
        // Before anything is prepared here: what is prepared gets the run's time, which may be an old one.
        let places = files.iter().flat_map(|(_, seen, path, _)| {
            [Some(path.clone()), seen.map(|seen| seen.file.path().to_owned())].into_iter().flatten()
        });
        files::sweep(&places.collect(), files::wall_clock() - SWEEP_AGE)?;
        let mut jobs = Vec::new();
        for (text, seen, path, ready) in files {
            let is_state = path == self.state_path();
            let target = seen.map_or(path.clone(), |seen| seen.file.path().to_owned());
            let Some(text) = text else { continue };
            if let Some(reason) = seen.and_then(|seen| files::further_names(seen.file.meta())) {
                return Err(StoreError::ReadOnly { path: target, reason });
            }
            let base = if is_state { before.state_text() } else { before.store_text() };
            let layer = Layer { base: base.map(str::to_owned), ours: text };
            jobs.push(run.job(layer, is_state, seen, target, ready)?);
        }
        if rules.safety.compare {
            for seen in [&pair.state, &pair.store].into_iter().flatten() {
                if !seen.untouched()? {
                    return Ok(Attempt::Again);
                }
            }
            for job in &jobs {
                if job.seen.is_none() && files::metadata(&job.target)?.is_some() {
                    return Ok(Attempt::Again);
                }
            }
        }
        let mut taken = false;
        let mut any_late = false;
        for Job { layer, is_state, seen, target, new, time } in jobs {
            // The program removes a lock that was given back while it looked at it, and that can be the next one, ours: it has
            // then read what stands here, and writes without knowing of us.
            if !was_late && run.has_lost_the_lock() {
                taken = true;
                break;
            }
            let Some(new) = new else {
                let old = seen.map_or("", |seen| seen.text.as_str());
                files::overwrite(&target, layer.ours.as_bytes(), time).map_err(|error| {
                    // Half of it may stand there now. If this fails as well, the journal still has what was there.
                    let _ = files::overwrite(&target, old.as_bytes(), None);
                    self.unproven("it was overwritten in part at least", error)
                })?;
                late.put(is_state, None);
                continue;
            };
            let displaced = match new.exchange(seen.map(|seen| &seen.file))? {
                Put::Taken => {
                    taken = true;
                    break;
                }
                Put::Unseen(error) => {
                    return Err(self.unproven("what it displaced cannot be read", error));
                }
                Put::Displaced(file) => Some(file),
                Put::Done => None,
            };
            run.dirs.extend(target.parent().map(Path::to_owned));
            if rules.safety.late_write_check {
                let theirs = late::written_late(seen, displaced.as_deref(), run.hold_left());
                any_late |= theirs.is_some();
                late.put(is_state, Some(layer.with_base(theirs)));
            }
        }
        if any_late {
            return Ok(Attempt::Late(late));
        }
        if taken {
            return Ok(Attempt::Again);
        }
        match refusal {
            Some(refusal) => Err(self.refused(refusal)),
            None => {
                let patience = run.hold_left();
                let now = self
                    .settled(patience)
                    .map_err(|trouble| self.unproven("it cannot be read back", trouble))?;
                let replaced = rules.safety.late_write_check.then(|| Box::new(Replaced::now(pair, late)));
                Ok(Attempt::Done(Written { changed: true, ..Written::nothing(now.contents) }, replaced))
            }
        }
    }

    fn refused(&self, refusal: Refusal) -> StoreError {
        StoreError::Refused { path: self.store_path(), refusal }
    }

    fn unreadable(&self, reason: String) -> StoreError {
        StoreError::Unreadable { path: self.store_path(), reason }
    }

    fn unproven(&self, what: &str, cause: impl Into<StoreError>) -> StoreError {
        StoreError::unproven(&self.store_path(), what, &cause.into())
    }
}

/// Returns the new text, if it differs from what stands there.
fn changed(new: Option<&Document>, seen: Option<&Seen>) -> Option<String> {
    let new = new?.text();
    (seen.map(|seen| seen.text.as_str()) != Some(new)).then(|| new.to_owned())
}
