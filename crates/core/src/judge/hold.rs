//! What holds a remedy back, whatever a copy's own merits are.

use super::copy::{Copy, Merits};
use super::{Remedy, SourceState};
use crate::{VerdictKind, plan::Why};

/// Takes back what merits allow where the source must not be spread or the store must not be written.
pub(super) fn hold_back(copy: &Copy<'_>, mut merits: Merits) -> Merits {
    if matches!(merits.remedy, Remedy::None | Remedy::Ask) {
        return merits;
    }
    let own = copy.sight.own_line(copy.store, copy.profile).and_then(|line| line.value.as_ref());
    let wish = copy.sight.desired.wish.as_ref();
    let meant = wish.is_some_and(|wish| wish.taken_back.contains(copy.profile));
    let state = match (&merits.remedy, own) {
        (Remedy::Withdraw, _) | (_, Some(_)) => &SourceState::Usable,
        _ if meant => &SourceState::Usable,
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
        if merits.remedy == Remedy::Withdraw || meant {
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
    } else if let Some(said) = not_accepted(copy, &merits) {
        let clause =
            format!("nobody looks on, and the source's value is not known to be accepted: {}", said.clause());
        merits.words = merits.words.but(&clause).fix("keyshoal sync");
        merits.remedy = Remedy::None;
    }
    merits
}

/// Returns what is known instead of an acceptance, where the source's value may only be spread when its provider has accepted it, here or
/// where its own agent asks. A person who has said that it is right counts for as much.
fn not_accepted(copy: &Copy<'_>, merits: &Merits) -> Option<VerdictKind> {
    let Copy { sight, owner, profile, .. } = copy;
    let by_age = matches!(merits.remedy, Remedy::Replace(Why::EarlierGeneration { .. }));
    if !sight.desired.accepted_only || !by_age || sight.desired.is_confirmed(profile) {
        return None;
    }
    let source = sight.desired.values.get(profile)?;
    let at_home = source.store.as_ref().map(|store| sight.owner(store));
    let said = |agent| sight.source_verdict(agent, profile);
    let all = [Some(said(owner)), at_home.as_ref().map(said)];
    if all.into_iter().flatten().any(VerdictKind::is_accepted) {
        return None;
    }
    let told = all.into_iter().flatten().find(|kind| *kind != VerdictKind::NotAsked);
    Some(told.unwrap_or(VerdictKind::NotAsked))
}
