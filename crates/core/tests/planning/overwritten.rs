//! Values that were marked as an agent's own and are not there any more.

use crate::generate;
use crate::world::*;
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::*;
use proptest::prelude::*;

fn told(world: &World, id: &str) -> Vec<Finding> {
    let judged = world.judged();
    judged.of_agent(&agent(id)).filter(|one| one.finding == FindingKind::Overwritten).cloned().collect()
}

fn kept(by: KeptBy) -> World {
    World::json(&["main", "academic"]).base(2).generations(&[1, 2]).kept("academic", 9, by)
}

#[test]
fn a_value_that_somebody_else_wrote_over_is_told_with_the_ways_out() {
    for now in [1, 2] {
        let world = kept(KeptBy::Person).local("academic", now);
        let found = told(&world, "academic");
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].severity, Severity::Attention);
        for word in ["09090909", "a person kept", "1970-", "is not there any more"] {
            assert!(found[0].message.contains(word), "{word}: {}", found[0].message);
        }
        let fix = found[0].fix.as_deref().unwrap();
        assert!(
            fix.contains("keyshoal set acme:default --agent academic")
                && fix.contains("keep --undo academic"),
            "{fix}"
        );
        assert!(world.planned().is_empty(), "what a person has marked is not written over");
    }
}

#[test]
fn a_value_that_somebody_took_away_is_told_of_whoever_inherits_now() {
    let found = told(&kept(KeptBy::Person), "academic");
    assert_eq!(found.iter().map(|one| one.severity).collect::<Vec<_>>(), [Severity::Attention]);
}

#[test]
fn what_only_its_provider_had_accepted_is_worth_knowing() {
    let found = told(&kept(KeptBy::Acceptance).local("academic", 2), "academic");
    assert_eq!(found.iter().map(|one| one.severity).collect::<Vec<_>>(), [Severity::Info]);
    assert_eq!(kept(KeptBy::Acceptance).local("academic", 2).found("academic").finding, FindingKind::InSync);
}

#[test]
fn a_value_of_its_own_that_came_later_is_the_agents_own() {
    for now in [9, 7] {
        assert!(told(&kept(KeptBy::Person).local("academic", now), "academic").is_empty(), "{now}");
    }
}

proptest! {
    /// Attention is called for just where a person's mark names a value that its agent does not use any more, and uses the source's, an
    /// earlier one of it, or nothing instead.
    #[test]
    fn it_is_told_just_where_a_mark_names_what_is_gone(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let world = generate::world(&bytes);
        let judged = world.judged();
        for one in judged.findings.iter().filter(|one| one.finding == FindingKind::Overwritten) {
            let (Some(id), Some(profile)) = (&one.agent, &one.profile) else {
                return Err(TestCaseError::fail(format!("{one:#?}")));
            };
            let store = &world.observed.agent(id).unwrap().store;
            let names = world.observed.agents_of(store).map(|agent| agent.id.clone());
            let mut marks = names.filter_map(|name| world.knowledge.kept.get(&(name, profile.clone())));
            let held = world.observed.profile(store, profile).and_then(|view| view.material.fingerprint());
            prop_assert!(marks.any(|mark| Some(mark.fingerprint) != held), "{one:#?}");
            prop_assert_eq!(one.severity == Severity::Attention, world.knowledge.kept.iter().any(|((name, of), mark)| {
                of == profile && mark.by == KeptBy::Person && world.observed.agent(name).is_some_and(|agent| agent.store == *store)
            }));
        }
    }
}
