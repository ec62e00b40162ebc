//! Until when the version before stays at hand.

use super::{RotateOptions, Stage, State};
use keyshoal_core::{Timestamp, time::after};

/// How long that is where nothing was said, in seconds.
const USUAL: i64 = 24 * 3600;

impl State {
    /// Counts it from when every agent was shown to work: what is said now goes before what was said last, and that before what was said
    /// when the rotation began.
    pub(super) fn ends(&self, options: &RotateOptions, proven: Timestamp) -> Timestamp {
        match (options.grace, self.until) {
            (Some(grace), _) => after(proven, grace),
            (None, Some(until)) => until,
            (None, None) => after(proven, self.grace.unwrap_or(USUAL)),
        }
    }

    /// Says until when the version that is not current stays at hand, where nothing is left but to wait for that, and whether that is remembered
    /// so already.
    pub fn waits(&self, stage: Stage, options: &RotateOptions, now: Timestamp) -> Option<(Timestamp, bool)> {
        let until = self.ends(options, self.proven.unwrap_or(now));
        self.only_waits(stage).then_some((until, self.until == Some(until)))
    }

    /// Remembers it. Tells whether that is something else than was remembered.
    pub(super) fn ends_at(&mut self, until: Timestamp, proven: Timestamp) -> bool {
        self.proven.get_or_insert(proven);
        self.until.replace(until) != Some(until)
    }
}
