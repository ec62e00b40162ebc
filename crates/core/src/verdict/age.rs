//! Until when what was once said of a value stands for the present.

use super::Verdict;
use crate::Timestamp;

/// How long a refusal stands, in seconds. A key may be let in again, so nothing is replaced for an older one.
const REFUSAL_STANDS: i64 = 24 * 60 * 60;

impl Verdict {
    /// Tells whether it is a refusal that was given too long ago to stand for the present.
    pub fn is_old_refusal(&self, now: Timestamp) -> bool {
        self.kind.is_dead() && now.duration_since(self.at).as_secs() >= REFUSAL_STANDS
    }

    /// Returns what was said of a credential as a clause, with when that was where it is an old refusal.
    pub fn clause(&self, now: Timestamp) -> String {
        let clause = self.kind.clause();
        match self.is_old_refusal(now) {
            true => format!("{clause} (found out on {})", self.at.strftime("%Y-%m-%d %H:%M UTC")),
            false => clause.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VerdictKind;

    #[test]
    fn only_a_refusal_grows_old() {
        let at = |seconds| Timestamp::from_second(seconds).expect("a time");
        let said = |kind| Verdict::new(kind, at(0));
        assert!(!said(VerdictKind::Revoked).is_old_refusal(at(REFUSAL_STANDS - 1)));
        assert!(said(VerdictKind::Revoked).is_old_refusal(at(REFUSAL_STANDS)));
        assert!(!said(VerdictKind::Ok).is_old_refusal(at(99 * REFUSAL_STANDS)));
        assert_eq!(
            said(VerdictKind::Revoked).clause(at(REFUSAL_STANDS)),
            "its provider has revoked it (found out on 1970-01-01 00:00 UTC)"
        );
        assert_eq!(said(VerdictKind::Revoked).clause(at(5)), VerdictKind::Revoked.clause());
    }
}
