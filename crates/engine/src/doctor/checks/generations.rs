//! Who holds which generation of a profile.

use super::super::case::agents;
use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::{FindingKind, Fingerprint, ProfileId};
use std::collections::BTreeSet;

pub(super) const CHECK: Check = Check {
    id: "generations",
    question: "Does every agent hold the same generation of a credential?",
    looks_at: "The fingerprint of every agent's value of every profile, and which of them the store that agents inherit from had \
               before.",
    matters: "Several generations of one key mean that some agents fail as soon as the older ones are revoked. A value of unknown \
              origin may be somebody's own on purpose, so nothing replaces it unasked.",
    way_out: "keyshoal sync replaces earlier generations. For a value of unknown origin say what it is: keyshoal keep AGENT PROFILE, \
              or keyshoal replace AGENT PROFILE.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let profiles: BTreeSet<&ProfileId> =
        case.observed().stores.values().flat_map(|store| store.profiles.keys()).collect();
    let mut told = Told::default();
    for profile in profiles {
        let holders = case.holders(profile);
        let lines: Vec<String> = holders
            .iter()
            .map(|(value, holders)| {
                let who = agents(holders.iter().map(|agent| &agent.id));
                format!("{profile} {value} ({}): {who}", age(case, profile, *value))
            })
            .collect();
        told.seen.extend(lines.iter().cloned());
        let stale = case.found_with(FindingKind::Stale, profile);
        let foreign = case.found_with(FindingKind::Foreign, profile);
        if holders.len() < 2 || stale.is_empty() && foreign.is_empty() {
            continue;
        }
        let symptom =
            Symptom::attention(format!("{} different values of {profile} are in use", holders.len()))
                .agents(stale.iter().chain(&foreign).cloned())
                .given(lines);
        told.symptoms.push(match foreign.first() {
            Some(agent) => symptom
                .fix(format!("keyshoal keep {agent} {profile}   or   keyshoal replace {agent} {profile}")),
            None => symptom.by_sync(),
        });
    }
    told
}

/// Says how old a value is, in generations of the base store.
fn age(case: &Case<'_>, profile: &ProfileId, value: Fingerprint) -> String {
    if case.base_value(profile) == Some(value) {
        return "newest".to_owned();
    }
    match case.known().generations_behind(profile, value) {
        Some(behind) => format!("{behind} behind"),
        None => "not known to be an earlier one".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;

    #[test]
    fn two_generations_are_found() {
        let world = World::new().copy("stocks", 1);
        finds(&CHECK, &world, &["2 different values", "1 behind", "newest", "keyshoal sync"]);
    }

    #[test]
    fn a_value_of_unknown_origin_is_for_a_person_to_decide() {
        let world = World::new().copy("stocks", 9);
        let found = finds(&CHECK, &world, &["not known to be an earlier one", "keyshoal keep stocks"]);
        assert_eq!(found.remedy, None);
    }

    #[test]
    fn one_generation_is_fine() {
        is_clean(&CHECK, &World::new().copy("stocks", 2));
    }
}
