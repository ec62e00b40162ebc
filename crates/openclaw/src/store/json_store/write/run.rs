//! One update over all its attempts: its rules, its modification time, how long it may hold the lock.

use super::super::read::text_of;
use super::super::{Decide, LockFile, Seen, Trouble};
use super::Layer;
use crate::files::{self, Prepared};
use crate::store::{StoreError, WriteRules, Written};
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Two modification times count as different from here on.
const TICK: Duration = Duration::from_millis(1);
/// All waiting under the lock together ends after this long: a user of the program waits for an answer meanwhile.
const HOLD: Duration = Duration::from_millis(300);

/// One update, over all its attempts.
pub(super) struct Run<'a> {
    pub rules: &'a WriteRules,
    pub decide: &'a mut Decide<'a>,
    /// Whether a file got another modification time than the run's.
    pub bumped: bool,
    /// How many late writes of others are in what was written.
    pub merged: u32,
    /// The directories whose entries have changed.
    pub dirs: BTreeSet<PathBuf>,
    lock: Vec<LockFile>,
    held_since: Instant,
}

/// One file that is about to be written.
pub(super) struct Job<'a> {
    pub layer: Layer,
    pub is_state: bool,
    pub seen: Option<&'a Seen>,
    pub target: PathBuf,
    /// The new file; `None` where the old one can only be overwritten.
    pub new: Option<Prepared>,
    pub time: Option<SystemTime>,
}

impl<'a> Run<'a> {
    pub fn new(rules: &'a WriteRules, decide: &'a mut Decide<'a>) -> Self {
        let (dirs, lock, held_since) = (BTreeSet::new(), Vec::new(), Instant::now());
        Self { rules, decide, bumped: false, merged: 0, dirs, lock, held_since }
    }

    /// Adds to what was written what happened on the way.
    pub fn told(&self, written: Written) -> Written {
        Written { merged_late_writes: self.merged, time_bumped: self.bumped, ..written }
    }

    /// Holds the lock, just taken, until it is given back or the run ends.
    pub fn hold(&mut self, lock: Vec<LockFile>) {
        self.lock = lock;
        self.held_since = Instant::now();
    }

    /// Gives the lock back.
    pub fn unlock(&mut self) {
        self.lock.clear();
    }

    /// Tells whether another process has taken away the lock that this run holds.
    pub fn has_lost_the_lock(&self) -> bool {
        self.lock.iter().any(|lock| !lock.is_ours())
    }

    /// Returns how long may still be waited under the lock.
    pub fn hold_left(&self) -> Duration {
        HOLD.saturating_sub(self.held_since.elapsed())
    }

    /// Makes the changed directories durable.
    pub fn sync_dirs(&self) -> Result<(), StoreError> {
        if self.rules.safety.durable {
            self.dirs.iter().try_for_each(|dir| files::sync_dir(dir))?;
        }
        Ok(())
    }

    /// Makes a file ready to be written.
    pub fn job<'b>(
        &mut self,
        layer: Layer,
        is_state: bool,
        seen: Option<&'b Seen>,
        target: PathBuf,
        ready: Option<(String, Prepared)>,
    ) -> Result<Job<'b>, StoreError> {
        let time = self.time(seen)?;
        let fits = |ready: &(String, Prepared)| ready.0 == layer.ours && ready.1.fits(&target, seen);
        let new = match ready.filter(fits) {
            // It was not mounted by itself when this was made; the system refuses if that has changed.
            Some((_, new)) => new,
            None if files::mounted_alone(&target) => {
                self.may_overwrite(&target)?;
                return Ok(Job { layer, is_state, seen, target, new: None, time });
            }
            None => {
                let like = seen.map(|seen| seen.file.meta());
                Prepared::write(&target, layer.ours.as_bytes(), like, self.rules.safety.durable)?
            }
        };
        if let Some(time) = time {
            new.set_modified(time)?;
        }
        Ok(Job { layer, is_state, seen, target, new: Some(new), time })
    }

    fn may_overwrite(&self, target: &Path) -> Result<(), StoreError> {
        if !self.rules.gateway_running {
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

impl Seen {
    /// Tells whether nobody has written to this file, nor put another one in its place, since it was read.
    pub(super) fn untouched(&self) -> Result<bool, StoreError> {
        let same = match text_of(&self.file) {
            Ok(now) => now == self.text,
            Err(Trouble::Unreadable { .. }) => false,
            Err(Trouble::Path(error)) => return Err(error.into()),
        };
        Ok(same && self.file.still_named()?)
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
