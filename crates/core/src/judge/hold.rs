//! What holds a remedy back, whatever a copy's own merits are.

use super::copy::{Copy, Merits};
use super::{Remedy, SourceState};

/// Takes back what merits allow where the source must not be spread or the store must not be written.
pub(super) fn hold_back(copy: &Copy<'_>, mut merits: Merits) -> Merits {
    if matches!(merits.remedy, Remedy::None | Remedy::Ask) {
        return merits;
    }
    let own = copy.sight.own_line(copy.store, copy.profile).and_then(|line| line.value.as_ref());
    let state = match (&merits.remedy, own) {
        (Remedy::Withdraw, _) | (_, Some(_)) => &SourceState::Usable,
        _ => copy.state,
    };
    let clause = match state {
        SourceState::Usable => None,
        SourceState::Reverted { newest } => {
            Some(format!("nothing is spread while the source, which once had {newest}, has gone back"))
        }
        SourceState::Rejected => {
            Some("nothing is spread while the source's own value is rejected".to_owned())
        }
        SourceState::Undecided { .. } => {
            Some("nothing is spread until you say which store has the right value (--from)".to_owned())
        }
    };
    let clause = clause.or_else(|| {
        if merits.remedy == Remedy::Withdraw {
            return None;
        }
        let here = match own {
            Some(own) => copy.sight.verdict_of(&copy.owner, own),
            None => copy.sight.source_verdict(&copy.owner, copy.profile),
        };
        let whose = if own.is_some() { "the vault's override" } else { "the source's value" };
        here.is_dead().then(|| format!("{whose} is rejected where this agent asks"))
    });
    let clause = clause.or_else(|| {
        copy.sight.not_writable(copy.store).map(|reason| format!("its store must not be written: {reason}"))
    });
    if let Some(clause) = clause {
        merits.words = merits.words.but(&clause);
        merits.words.fix = None;
        merits.remedy = Remedy::None;
    }
    merits
}
