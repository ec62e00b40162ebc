//! What a vault has had of each credential, in the order in which its values came.

use super::Values;
use keyshoal_core::vault::{VaultCredential, VersionState};
use keyshoal_core::{Fingerprint, Line};
use std::collections::{BTreeSet, btree_map};

/// The values of a credential: whatever is not current is known to have been, or to be about to be, ours.
pub(super) fn line_of(credential: &VaultCredential, values: &Values) -> Line {
    let current = credential.current().map(|version| version.number);
    let of_current = current.and_then(|number| values.get(&number));
    let value = of_current.map(|(value, _)| value.clone());
    let mut known: Vec<Fingerprint> = Vec::new();
    let after = values.iter().filter(|(number, _)| current.is_some_and(|current| **number > current));
    let newer = after.flat_map(|(_, (one, forms))| forms.iter().chain([&one.fingerprint])).copied().collect();
    // A reference that leads nowhere is the same whichever version it is to lead to.
    let staged = credential.pending().and_then(|version| values.get(&version.number)).into_iter();
    let staged = staged.flat_map(|(one, forms)| {
        let seen = |form: &&Fingerprint| form.is_seen_as(one.fingerprint);
        forms.iter().filter(seen).chain([&one.fingerprint])
    });
    let present =
        |print: &Fingerprint| value.as_ref().is_some_and(|value| print.is_seen_as(value.fingerprint));
    let staged = staged.copied().filter(|print| !present(print)).collect();
    // The one before the present one comes right before it, whatever was given up between them; before it, what was in use last.
    let version = |number: u32| credential.versions.iter().find(|version| version.number == number);
    let mut others: Vec<u32> = values.keys().copied().filter(|number| Some(*number) != current).collect();
    others.sort_by_key(|number| version(*number).map(|one| (one.state == VersionState::Previous, one.since)));
    let others = others.iter().filter_map(|number| values.get(number));
    for (one, forms) in others.chain(of_current) {
        for print in forms.iter().chain([&one.fingerprint]) {
            known.retain(|earlier| earlier != print);
            // What leads nowhere is none of the values.
            let place = if print.is_seen_as(one.fingerprint) { known.len() } else { 0 };
            known.insert(place, *print);
        }
    }
    let since = credential.versions.iter().map(|version| version.created).min().unwrap_or_default();
    Line { value, known, newer, staged, since, provider: credential.provider.clone() }
}

/// Puts a line beside another one of the same place: a credential that was dropped, and one that took its place.
pub(super) fn merge<K: Ord>(place: btree_map::Entry<'_, K, Line>, line: Line) {
    let there = place.or_insert_with(|| Line {
        value: None,
        known: Vec::new(),
        newer: BTreeSet::new(),
        staged: BTreeSet::new(),
        ..line.clone()
    });
    let (earlier, later) = match (&there.value, &line.value) {
        (Some(_), None) => (line.known, std::mem::take(&mut there.known)),
        _ => (std::mem::take(&mut there.known), line.known),
    };
    there.known = earlier.into_iter().filter(|one| !later.contains(one)).collect();
    there.known.extend(later);
    there.since = there.since.min(line.since);
    there.newer.extend(line.newer);
    there.staged.extend(line.staged);
    if line.value.is_some() {
        there.value = line.value;
    }
}
