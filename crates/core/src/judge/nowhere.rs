//! References into the file that Keyshoal delivers, which do not lead to a value there: whoever refers so has nothing to send.

use super::copy::{Copy, Merits};
use super::types::is_static;
use super::words::Words;
use super::{Remedy, Sight};
use crate::{AgentId, FindingKind, Observation, ProfileId, SecretRef, SourceValue, plan::Why};

/// Says of a copy that refers so that it leads nowhere, instead of how old its value is. What all share takes the place of a reference to
/// what all share: no override could be lost. One that a vault gave to an agent alone waits for a person, or for the vault.
pub(super) fn lead_nowhere(copy: &Copy<'_>, mut merits: Merits) -> Merits {
    let Copy { sight, store, owner, profile, view, .. } = copy;
    let Some(reference) = view.material.leads_nowhere() else { return merits };
    if sight.is_leaving(store) {
        return merits;
    }
    if merits.words.kind == FindingKind::Stale {
        merits.words = Words::new(FindingKind::Stale, text(sight, reference)).fix("keyshoal sync");
        return merits;
    }
    let words = words(sight, owner, profile, reference);
    let own = sight.own_line(store, profile).is_some_and(|line| line.value.is_some());
    let fits = |source: &&SourceValue| {
        source.provider == view.provider && is_static(&source.kind) && is_static(&view.kind)
    };
    let may = !copy.kept_by_person() && (own || !reference.is_override());
    if may && sight.wanted(store, profile).filter(fits).is_some() {
        return Merits::with(words.fix("keyshoal sync"), Remedy::Replace(Why::LeadsNowhere));
    }
    Merits::leave(words)
}

/// Says that a profile leads nowhere, and what a person can do about it: to what all share one value is given for all.
pub(super) fn words(sight: &Sight<'_>, owner: &AgentId, profile: &ProfileId, reference: &SecretRef) -> Words {
    let fix = match (&sight.desired.wish, reference.is_override()) {
        (Some(_), true) => {
            format!("keyshoal credential override {owner} {profile}   with a key that you have")
        }
        (Some(_), false) => format!("keyshoal credential set {profile}   with a key that you have"),
        (None, own) => {
            let whose = if own { format!(" --agent {owner}") } else { String::new() };
            format!(
                "keyshoal set {profile}{whose}   with a key that you have; or put the file back from a backup; or, where its vault is \
                 still there, keyshoal instance add and keyshoal sync"
            )
        }
    };
    Words::new(FindingKind::Missing, text(sight, reference)).fix(fix)
}

fn text(sight: &Sight<'_>, reference: &SecretRef) -> String {
    let what = match sight.desired.wish {
        Some(_) => "does not hold the vault's value there",
        None => "holds nothing there",
    };
    let then = match sight.observed.instance.gateway.running {
        Some(false) => "OpenClaw's gateway does not start so",
        _ => "a gateway that read it before goes on with that until it restarts, and does not start then",
    };
    format!(
        "refers to {} in the file that Keyshoal delivers (.keyshoal/delivered/secrets.json), which {what}, or is no file that OpenClaw \
         takes; {then}",
        reference.id
    )
}

/// Tells whether a store refers to the file, and nothing is there.
pub(super) fn is_lost(observed: &Observation) -> bool {
    let profiles = observed.stores.values().flat_map(|store| store.profiles.values());
    profiles.into_iter().any(|view| view.material.leads_nowhere().is_some())
}
