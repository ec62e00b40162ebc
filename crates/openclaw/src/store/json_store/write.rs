//! Writing: under the lock, a whole new file in the old one's place, and nothing of anybody's lost.

use super::read::text_of;
use super::*;
use crate::files::{Prepared, Put};
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

/// How often a lock-free writer may come in between before we give up.
const ATTEMPTS: u32 = 25;
/// How long we wait for a writer that has begun to write into the file that we replaced.
const LATE_WRITER: Duration = Duration::from_millis(300);
/// Two modification times count as different from here on.
const TICK: Duration = Duration::from_millis(1);
/// Leftovers of crashed writers are swept when they are older than any writer lives.
const SWEEP_AGE: Duration = Duration::from_secs(60);

/// One update, over all its attempts.
struct Run<'a> {
    rules: &'a WriteRules,
    decide: &'a mut Decide<'a>,
    /// Whether a file got another modification time than the run's.
    bumped: bool,
    /// The directories whose entries have changed.
    dirs: BTreeSet<PathBuf>,
}

/// What one attempt came to.
enum Attempt {
    /// Nothing was to be written, or everything is.
    Done(Written),
    /// Somebody wrote meanwhile.
    Again,
    /// Somebody wrote into a file that we had just replaced. Here is what.
    Late(Late),
}

/// What a late writer has written into each file that we replaced, and what we had put in its place.
#[derive(Debug)]
struct Late {
    store: Option<LateText>,
    state: Option<LateText>,
}

#[derive(Debug)]
struct LateText {
    theirs: String,
    ours: String,
}

/// New files, prepared and synced before the lock is taken. They are used if they turn out to be right.
#[derive(Default)]
struct Ready {
    store: Option<(String, Prepared)>,
    state: Option<(String, Prepared)>,
}

/// What came of preparing.
enum Preparation {
    /// The caller wants no edits.
    NothingToDo(StoreContents),
    /// So much is ready.
    Ready(Ready),
}

impl JsonStore {
    /// Changes the store.
    pub fn update(&self, rules: &WriteRules, decide: &mut Decide) -> Result<Written, StoreError> {
        let here = match files::resolved(&self.dir)? {
            Some(dir) => Self { dir, with_state: self.with_state },
            None => {
                self.check_unmade(decide)?;
                self.clone()
            }
        };
        let mut ready = match here.prepare(rules, decide) {
            Preparation::NothingToDo(contents) => return Ok(Written::nothing(contents)),
            Preparation::Ready(ready) => ready,
        };
        for path in [here.store_path(), here.state_path()] {
            if let Some(reason) = files::made_read_only(&path)? {
                return Err(StoreError::ReadOnly { path, reason });
            }
        }
        // As the program does for an agent that has never run.
        files::make_private_dir(&here.dir)?;
        let lock = match rules.safety.lock {
            true => Some(LockFile::take(&here.dir, STORE_FILE)?),
            false => None,
        };
        let mut run = Run { rules, decide, bumped: false, dirs: BTreeSet::new() };
        let mut merged = 0;
        let mut late: Option<Late> = None;
        for _ in 0..ATTEMPTS {
            if lock.as_ref().is_some_and(|lock| !lock.is_ours()) {
                // Another process took the lock for stale (it cannot see ours). What follows is guarded by the compare.
                ready = Ready::default();
            }
            match here.attempt(&mut run, std::mem::take(&mut ready), late.take())? {
                Attempt::Again => {}
                Attempt::Late(found) => {
                    merged += 1;
                    late = Some(found);
                }
                Attempt::Done(written) => {
                    // Durability needs no lock, and the program's users wait for it.
                    drop(lock);
                    if rules.safety.durable {
                        run.dirs.iter().try_for_each(|dir| files::sync_dir(dir))?;
                    }
                    return Ok(Written { merged_late_writes: merged, time_bumped: run.bumped, ..written });
                }
            }
        }
        Err(StoreError::Contended { path: self.store_path(), attempts: ATTEMPTS })
    }

    /// Refuses what makes no sense for a store whose directory does not exist, before the directory is made.
    fn check_unmade(&self, decide: &mut Decide) -> Result<(), StoreError> {
        let Found { mut texts, contents, .. } = self.settled(false)?;
        decide(&contents)
            .and_then(|edits| edits.iter().try_for_each(|edit| texts.apply(edit)))
            .map_err(|refusal| self.refused(refusal))
    }

    /// Does the slow part before the lock is taken: most of the time nobody writes in between, and the lock is then held for
    /// well under a millisecond. Trouble is left to be found under the lock.
    fn prepare(&self, rules: &WriteRules, decide: &mut Decide) -> Preparation {
        let mut ready = Ready::default();
        let unclear = Preparation::Ready(Ready::default());
        let Ok(Found { pair, texts: mut after, contents }) = self.settled(false) else { return unclear };
        let Ok(edits) = decide(&contents) else { return unclear };
        if edits.is_empty() {
            return Preparation::NothingToDo(contents);
        }
        if edits.iter().any(|edit| after.apply(edit).is_err()) {
            return unclear;
        }
        let prepare = |new: Option<&Document>, seen: Option<&Seen>, path: PathBuf| {
            let text = new?.text();
            if seen.is_some_and(|seen| seen.text == text) {
                return None;
            }
            let target = seen.map_or(path, |seen| seen.file.path().to_owned());
            let like = seen.map(|seen| seen.file.meta());
            let prepared = Prepared::write(&target, text.as_bytes(), like, rules.safety.durable).ok()?;
            Some((text.to_owned(), prepared))
        };
        ready.store = prepare(after.store.as_ref(), pair.store.as_ref(), self.store_path());
        if let State::Own(state) = &after.state {
            ready.state = prepare(state.as_ref(), pair.state.as_ref(), self.state_path());
        }
        Preparation::Ready(ready)
    }

    fn attempt(&self, run: &mut Run, ready: Ready, late: Option<Late>) -> Result<Attempt, StoreError> {
        let rules = run.rules;
        let Found { pair, texts, contents } = self.settled(rules.safety.torn_read_retry)?;
        let was_late = late.is_some();
        let (before, contents) = match late {
            None => (texts, contents),
            Some(late) => {
                let texts = self.late_texts(texts, &pair, late)?;
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
                after = before;
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
                None => Ok(Attempt::Done(Written::nothing(contents))),
            };
        }
        files::sweep(&self.store_path(), files::wall_clock() - SWEEP_AGE)?;
        // The state goes first: a reset cooldown with the old key does no harm, a new key with an old cooldown does.
        let jobs = [
            (new_state, pair.state.as_ref(), self.state_path(), ready.state),
            (new_store, pair.store.as_ref(), self.store_path(), ready.store),
        ];
        let mut prepared = Vec::new();
        let ours = [jobs[0].0.clone(), jobs[1].0.clone()];
        for (text, seen, path, ready) in jobs {
            let Some(text) = text else { continue };
            let target = seen.map_or(path, |seen| seen.file.path().to_owned());
            if files::mounted_alone(&target) {
                self.overwrite_allowed(&target, rules)?;
                let time = run.time(seen)?;
                files::overwrite(&target, text.as_bytes(), time)?;
                continue;
            }
            let fits = |ready: &(String, Prepared)| ready.0 == text && ready.1.fits(&target, seen);
            let new = match ready.filter(fits) {
                Some((_, new)) => new,
                None => {
                    let like = seen.map(|seen| seen.file.meta());
                    Prepared::write(&target, text.as_bytes(), like, rules.safety.durable)?
                }
            };
            if let Some(time) = run.time(seen)? {
                new.set_modified(time)?;
            }
            prepared.push((new, seen, target));
        }
        if rules.safety.compare {
            for seen in [&pair.state, &pair.store].into_iter().flatten() {
                if !seen.untouched()? {
                    return Ok(Attempt::Again);
                }
            }
            for (_, seen, target) in &prepared {
                if seen.is_none() && files::metadata(target)?.is_some() {
                    return Ok(Attempt::Again);
                }
            }
        }
        let mut slipped_in = Vec::new();
        for (new, seen, target) in prepared {
            match new.exchange(seen.is_some())? {
                Put::Taken => return Ok(Attempt::Again),
                Put::Displaced(Some(file)) if seen.is_some_and(|seen| !seen.file.is_same(&file)) => {
                    // What makes no sense is nothing to build on.
                    slipped_in.extend(text_of(&file).ok().map(|text| (target.clone(), text)));
                }
                Put::Displaced(_) | Put::Done => {}
            }
            run.dirs.extend(target.parent().map(Path::to_owned));
        }
        let [state, store] = ours;
        if rules.safety.late_write_check
            && let Some(late) = late_writes(&pair, store, state, &slipped_in)
        {
            return Ok(Attempt::Late(late));
        }
        match refusal {
            Some(refusal) => Err(self.refused(refusal)),
            None => {
                let now = self.settled(true)?;
                Ok(Attempt::Done(Written { changed: true, ..Written::nothing(now.contents) }))
            }
        }
    }

    /// Returns the texts that a late writer left, where ours still stand in their place; else what stands there, for the
    /// program itself would have overwritten the late writer's.
    fn late_texts(&self, mut texts: Texts, pair: &Pair, late: Late) -> Result<Texts, StoreError> {
        let parse = |late: Option<LateText>, seen: &Option<Seen>, path: PathBuf| {
            late.filter(|late| seen.as_ref().is_some_and(|seen| seen.text == late.ours))
                .map(|late| Document::parse(late.theirs))
                .transpose()
                .map_err(|error| StoreError::Unreadable { path, reason: error.to_string() })
        };
        if let Some(text) = parse(late.store, &pair.store, self.store_path())? {
            texts.store = Some(text);
        }
        if let State::Own(state) = &mut texts.state
            && let Some(text) = parse(late.state, &pair.state, self.state_path())?
        {
            *state = Some(text);
        }
        Ok(texts)
    }

    fn overwrite_allowed(&self, target: &Path, rules: &WriteRules) -> Result<(), StoreError> {
        if !rules.gateway_running {
            return Ok(());
        }
        Err(StoreError::ReadOnly {
            path: target.to_owned(),
            reason:
                "it is mounted by itself and so cannot be replaced safely while the gateway runs; stop the \
                     gateway, or mount its directory instead"
                    .to_owned(),
        })
    }

    fn refused(&self, refusal: Refusal) -> StoreError {
        StoreError::Refused { path: self.store_path(), refusal }
    }
}

/// Reads the replaced files again. A writer that had opened one of them before it was replaced has truncated it by now.
/// `slipped_in` are files that took the place of one after we had read it, and that ours displaced.
fn late_writes(
    pair: &Pair,
    store: Option<String>,
    state: Option<String>,
    slipped_in: &[(PathBuf, String)],
) -> Option<Late> {
    let late = |seen: &Option<Seen>, ours: Option<String>| {
        let (ours, seen) = (ours?, seen.as_ref()?);
        let slipped_in = slipped_in.iter().find(|(target, _)| target == seen.file.path());
        let theirs = match slipped_in {
            Some((_, text)) => Some(text.clone()).filter(|text| Document::parse(text.as_str()).is_ok())?,
            None => seen.late_text()?,
        };
        Some(LateText { theirs, ours })
    };
    let (store, state) = (late(&pair.store, store), late(&pair.state, state));
    (store.is_some() || state.is_some()).then_some(Late { store, state })
}

impl Run<'_> {
    /// Returns the modification time for the new file: the run's, unless the old file has just that one.
    fn time(&mut self, seen: Option<&Seen>) -> Result<Option<SystemTime>, StoreError> {
        if !self.rules.safety.distinct_time {
            // As tools do that put a file back "as it was": the program's cache takes it for the one that it knows.
            return seen.map(|seen| seen.file.modified()).transpose().map_err(StoreError::from);
        }
        let wanted = self.rules.mtime.unwrap_or_else(files::wall_clock);
        let Some(seen) = seen else { return Ok(Some(wanted)) };
        let old = seen.file.modified()?;
        let apart = wanted.duration_since(old).or_else(|_| old.duration_since(wanted)).unwrap_or_default();
        if apart >= TICK {
            return Ok(Some(wanted));
        }
        self.bumped = true;
        Ok(Some(old + 2 * TICK))
    }
}

/// Returns the new text, if it differs from what stands there.
fn changed(new: Option<&Document>, seen: Option<&Seen>) -> Option<String> {
    let new = new?.text();
    (seen.map(|seen| seen.text.as_str()) != Some(new)).then(|| new.to_owned())
}

impl Seen {
    /// Tells whether nobody has written to this file, nor put another one in its place, since it was read.
    fn untouched(&self) -> Result<bool, StoreError> {
        let same = match text_of(&self.file) {
            Ok(now) => now == self.text,
            Err(Trouble::Unreadable { .. }) => false,
            Err(Trouble::Path(error)) => return Err(error.into()),
        };
        Ok(same && self.file.still_named()?)
    }

    /// Returns what was written into the file after we read it, once it is whole. A writer that never finishes has lost its
    /// own text; ours stands.
    fn late_text(&self) -> Option<String> {
        let begun = Instant::now();
        loop {
            match text_of(&self.file) {
                Ok(now) if now == self.text => return None,
                Ok(now) if Document::parse(now.as_str()).is_ok() => return Some(now),
                _ if begun.elapsed() > LATE_WRITER => return None,
                _ => sleep(Duration::from_millis(1)),
            }
        }
    }
}

impl Prepared {
    /// Tells whether it was prepared for this place and for a file of this owner and mode.
    fn fits(&self, target: &Path, seen: Option<&Seen>) -> bool {
        let same_owner = match (self.meta(), seen.map(|seen| seen.file.meta())) {
            (Ok(ours), Some(theirs)) => {
                ours.uid() == theirs.uid()
                    && ours.gid() == theirs.gid()
                    && ours.mode() & 0o7777 == theirs.mode() & 0o7777
            }
            (_, None) => true,
            (Err(_), _) => false,
        };
        same_owner && self.target() == target
    }
}
