//! Putting off what fails again and again.

use super::state::later;
use jiff::SignedDuration;
use keyshoal_core::Timestamp;

/// Counts failures in a row. The first is tried again at once; each further one doubles the wait.
#[derive(Clone, Debug)]
pub(super) struct BackOff {
    first: SignedDuration,
    longest: SignedDuration,
    failures: u32,
    until: Option<Timestamp>,
}

impl BackOff {
    pub(super) fn new(first: SignedDuration, longest: SignedDuration) -> Self {
        Self { first, longest, failures: 0, until: None }
    }

    pub(super) fn failed(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.until = self.failures.checked_sub(2).map(|doublings| {
            let wait = self.first.checked_mul(1_i32.checked_shl(doublings.min(20)).unwrap_or(i32::MAX));
            later(now, wait.unwrap_or(self.longest).min(self.longest))
        });
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::new(self.first, self.longest);
    }

    /// Returns when the next try is due; `None` when it is due at once.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.until
    }

    pub(super) fn holds(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until > now)
    }
}
