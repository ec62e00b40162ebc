//! Another Keyshoal that is at work on the same installation. What a look finds meanwhile is what that one is about to bring: it is no
//! trouble, and no work for anybody else.

use super::state::later;
use jiff::SignedDuration;
use keyshoal_core::Timestamp;

/// How soon it is asked again whether the other is done.
const PAUSE: SignedDuration = SignedDuration::from_millis(250);
/// For how long a watch waits for others: what is wrong after that is told, whoever is at work.
const AT_MOST: SignedDuration = SignedDuration::from_mins(10);

/// What is known of others that change the installation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// One is at work now.
    pub at_work: bool,
    /// Who was the last to be, in words that no other run has.
    pub last: Option<String>,
}

/// Waits for others, and not for ever.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    /// Since when no look has counted because of them.
    since: Option<Timestamp>,
    /// When it is asked again.
    resumes: Option<Timestamp>,
}

impl Patience {
    /// Tells whether it waits, now that another is at work or was a moment ago.
    pub(super) fn waits(&mut self, now: Timestamp) -> bool {
        let since = *self.since.get_or_insert(now);
        let waits = now < later(since, AT_MOST);
        self.resumes = waits.then(|| later(now, PAUSE));
        waits
    }

    /// Begins anew: a look has counted, and nobody else is at work.
    pub(super) fn ends(&mut self) {
        *self = Self::default();
    }

    /// Returns when something is to be done that is due then, at the earliest now.
    pub(super) fn until(&self, due: Timestamp) -> Timestamp {
        self.resumes.map_or(due, |resumes| due.max(resumes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_for_ten_minutes_in_all_and_anew_after_a_look_that_counted() {
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        let mut patience = Patience::default();
        assert_eq!(patience.until(at(5)), at(5));
        assert!(patience.waits(at(0)) && patience.waits(at(300)));
        assert!(patience.until(at(300)) > at(300));
        assert_eq!(patience.until(at(400)), at(400));
        assert!(patience.waits(at(599)) && !patience.waits(at(600)) && !patience.waits(at(700)));
        patience.ends();
        assert!(patience.waits(at(701)));
    }
}
