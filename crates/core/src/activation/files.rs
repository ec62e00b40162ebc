//! What references into files of the person's own lead to, each for itself: one that cannot be read says nothing of the others.

use super::hash;
use crate::{Material, Observation, Referred, SecretRef};
use std::collections::BTreeMap;

/// Between references.
const NEXT: char = ',';
/// Between a reference and what it leads to.
const LEADS_TO: char = ':';

/// Returns the part of a digest that says what the references lead to, as far as that can be read; nothing where none can.
pub(super) fn part(observed: &Observation) -> Option<String> {
    let lines = readable(observed).map(|(key, value, _)| format!("{key}{LEADS_TO}{value}"));
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| lines.join(&NEXT.to_string()))
}

/// Tells whether no reference that can be read leads to something else than this part says. One that it does not name may lead anywhere.
pub(super) fn agrees(part: Option<&str>, observed: &Observation) -> bool {
    let known = named(part);
    readable(observed).all(|(key, value, _)| known.get(key.as_str()).is_none_or(|known| *known == value))
}

/// Returns what can be read and is not named by this part: it comes from before files counted, or the file could not be read then.
pub(super) fn unnamed<'a>(part: Option<&str>, observed: &'a Observation) -> Vec<&'a Referred> {
    let known = named(part);
    readable(observed).filter(|(key, ..)| !known.contains_key(key.as_str())).map(|(.., one)| one).collect()
}

/// Returns what is referred to, each with whether it leads to something else than this part says.
pub(super) fn compared<'a>(part: Option<&str>, observed: &'a Observation) -> Vec<(&'a Referred, bool)> {
    let known = named(part);
    let differs = |reference, one: &Referred| Some(*known.get(key(reference).as_str())? != one.value?.hex());
    let all = referred(observed).into_iter();
    all.map(|(reference, one)| (one, differs(reference, one).unwrap_or_default())).collect()
}

/// Returns what is referred to by any profile, or by a key in the config itself, each once.
pub(super) fn referred(observed: &Observation) -> BTreeMap<&SecretRef, &Referred> {
    let profiles = observed.used().flat_map(|(_, view)| view.profiles.values());
    let materials = profiles.map(|profile| &profile.material).chain(observed.config_keys.values());
    let references = materials.filter_map(Material::reference);
    references.filter_map(|reference| observed.referred.get_key_value(reference)).collect()
}

fn readable(observed: &Observation) -> impl Iterator<Item = (String, String, &Referred)> {
    referred(observed)
        .into_iter()
        .filter_map(|(reference, one)| Some((key(reference), one.value?.hex(), one)))
}

fn key(SecretRef { provider, id, .. }: &SecretRef) -> String {
    hash(&[format!("{provider}\u{1f}{id}")])
}

fn named(part: Option<&str>) -> BTreeMap<&str, &str> {
    part.unwrap_or_default().split(NEXT).filter_map(|line| line.split_once(LEADS_TO)).collect()
}
