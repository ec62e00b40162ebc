//! Whether the last update of a credential ran to its end, and where it landed.

use super::super::case::{agents, moment, second};
use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::{FindingKind, ProfileId, SourceState, StoreId, StoreView};

pub(super) const CHECK: Check = Check {
    id: "last_update",
    question: "Did the last update of a credential run, and where did it land?",
    looks_at: "Which stores hold the newest value of each profile and since when, when each store was last changed, and whether a run \
               of Keyshoal broke off.",
    matters: "OpenClaw's own commands write one store only. Agents with copies of their own go on sending the old value, and a test \
              through the main agent looks fine.",
    way_out: "keyshoal sync brings the newest value to every agent that holds an earlier one. If the update itself failed, give the \
              value again with keyshoal set.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::seeing(seen(case));
    told.symptoms.extend(case.findings(&[FindingKind::OpenRun, FindingKind::ConfigDiffers]));
    let Some(base) = case.base() else { return told };
    for profile in base.profiles.keys() {
        let state = case.look.judgement.sources.get(profile);
        told.symptoms.extend(match state {
            Some(SourceState::Undecided { written }) => Some(landed_elsewhere(case, profile, written)),
            Some(SourceState::Reverted { .. }) => Some(
                Symptom::attention(format!(
                    "the update of {profile} was undone: the store that agents inherit from holds an earlier value again"
                ))
                .fix(format!("keyshoal set {profile}   or, when the present value is right, keyshoal sync --from base")),
            ),
            Some(SourceState::Rejected) => Some(
                Symptom::attention(format!("the newest value of {profile} is rejected by its provider"))
                    .fix(format!("keyshoal set {profile}")),
            ),
            Some(SourceState::Usable) | None => not_everywhere(case, profile),
        });
    }
    told
}

/// The copies of some agents are still earlier ones.
fn not_everywhere(case: &Case<'_>, profile: &ProfileId) -> Option<Symptom> {
    let stale = case.found_with(FindingKind::Stale, profile);
    if stale.is_empty() {
        return None;
    }
    let newest = case.base_value(profile)?;
    let since = case.since(profile).map_or_else(String::new, |at| format!(", seen first {}", moment(at)));
    let changed =
        |store: &StoreView| Some(format!("{} was last changed {}", store.path, second(store.modified?)));
    let copies = case.observed().agents.iter().filter(|agent| stale.contains(&agent.id)).take(12);
    let stores =
        case.base().into_iter().chain(copies.filter_map(|agent| case.observed().store(&agent.store)));
    let dates: Vec<String> = stores.filter_map(changed).collect();
    Some(
        Symptom::attention(format!("the update of {profile} ({newest}{since}) did not reach these agents"))
            .agents(stale.iter().cloned())
            .given(dates)
            .by_sync(),
    )
}

fn landed_elsewhere(case: &Case<'_>, profile: &ProfileId, written: &StoreId) -> Symptom {
    let path = case.observed().store(written).map_or_else(String::new, |store| store.path.clone());
    Symptom::attention(format!(
        "OpenClaw's own commands write {profile} into the store of {written}, from which nobody inherits"
    ))
    .because(format!("{path} holds another value than the store that agents inherit from"))
    .fix(format!("keyshoal sync --profile {profile} --from {written}   or   --from base"))
}

fn seen(case: &Case<'_>) -> Vec<String> {
    let mut seen = Vec::new();
    for profile in case.base().into_iter().flat_map(|base| base.profiles.keys()) {
        for (value, holders) in case.holders(profile) {
            let newest = if case.base_value(profile) == Some(value) { " (newest)" } else { "" };
            let since = case.since(profile).filter(|_| !newest.is_empty());
            let since = since.map_or_else(String::new, |at| format!(", seen first {}", moment(at)));
            let holders = agents(holders.iter().map(|agent| &agent.id));
            seen.push(format!("{profile} {value}{newest}{since}: {holders}"));
        }
    }
    let stores = case.observed().stores.values().filter(|store| !store.profiles.is_empty()).take(12);
    seen.extend(
        stores
            .filter_map(|store| Some(format!("{} was last changed {}", store.path, second(store.modified?)))),
    );
    seen
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;

    #[test]
    fn an_update_that_reached_main_alone_is_found() {
        let world = World::new().copy("stocks", 1);
        let found = finds(&CHECK, &world, &["did not reach", "stocks", "keyshoal sync", "last changed"]);
        assert_eq!(found.agents.len(), 1);
    }

    #[test]
    fn an_update_that_reached_all_is_not() {
        is_clean(&CHECK, &World::new().copy("stocks", 2));
        let told = World::new().told(&CHECK);
        assert!(told.seen.iter().any(|line| line.contains("(newest)") && line.contains("main, stocks, ops")));
    }

    #[test]
    fn a_source_that_went_back_is_found() {
        let world = World::new().with(|world| world.generations(P, &[(2, NOW - 90_000), (3, NOW - 80_000)]));
        finds(&CHECK, &world, &["was undone"]);
    }
}
