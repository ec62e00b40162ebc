//! Which value is the right one, and when nothing may be spread.

use crate::world::*;
use keyshoal_core::knowledge::{Generation, GenerationOrigin, KeptBy};
use keyshoal_core::plan::Why;
use keyshoal_core::*;

#[test]
fn a_dead_source_is_never_fanned_out_even_over_known_stale_values() {
    let world = World::json(&["main", "stocks"])
        .base(3)
        .local("stocks", 1)
        .generations(&[1, 3])
        .said(3, VerdictKind::Revoked);
    assert_eq!(world.finding("main"), FindingKind::SourceRejected);
    assert!(world.writes().is_empty());
    assert!(matches!(world.planned().questions[0], Question::SourceRejected { .. }));
    // Not even when a person asks for it.
    let mut world = world;
    world.desired.source_confirmed = true;
    world.desired.include_foreign = true;
    world.desired.approved.insert((agent("stocks"), profile(P), print(1)));
    assert!(world.writes().is_empty());
}

#[test]
fn a_source_that_went_back_is_asked_about() {
    let world = World::json(&["main", "stocks", "ops"])
        .base(1)
        .local("stocks", 2)
        .generations(&[1, 2])
        .said(2, VerdictKind::Ok);
    assert_eq!(world.finding("main"), FindingKind::SourceReverted);
    assert!(world.writes().is_empty());
    assert!(world.judged().learned.is_empty(), "the newest generation is no override");
    let plan = world.planned();
    let Question::SourceReverted { now, newest, .. } = &plan.questions[0] else { panic!("{plan:?}") };
    assert_eq!((now.fingerprint, newest.fingerprint), (print(1), print(2)));
    assert_eq!(newest.agents, [agent("stocks")]);
    // A person says that it is right after all.
    let mut confirmed = world.clone();
    confirmed.desired.confirmed.insert(profile(P));
    assert_eq!(confirmed.writes(), ["replace stocks"]);
    // Or its provider does, by rejecting the other one.
    let settled = world.said(1, VerdictKind::Ok).said(2, VerdictKind::Revoked);
    assert_eq!(settled.finding("main"), FindingKind::InSync);
    assert_eq!(settled.writes(), ["replace stocks"]);
}

#[test]
fn residue_is_never_the_newest_generation() {
    let mut world = World::json(&["main", "stocks"]).base(2).local("stocks", 1);
    let one = |value: u8, origin| Generation { fingerprint: print(value), first_seen: at(1), origin };
    world
        .knowledge
        .generations
        .insert(profile(P), vec![one(2, GenerationOrigin::Seen), one(1, GenerationOrigin::Residue)]);
    assert_eq!(world.finding("main"), FindingKind::InSync);
}

#[test]
fn the_program_wrote_elsewhere_so_a_person_is_asked() {
    let mut world = World::json(&["main", "desk", "stocks"])
        .base(1)
        .local("desk", 2)
        .local("stocks", 1)
        .generations(&[1])
        .said(1, VerdictKind::Ok)
        .said(2, VerdictKind::Ok);
    world.observed.program_writes_to = of("desk");
    let plan = world.planned();
    assert!(plan.actions.is_empty());
    let Question::WhichSource { base, written, .. } = &plan.questions[0] else { panic!("{plan:?}") };
    assert_eq!((base.fingerprint, written.fingerprint), (print(1), print(2)));
    assert!(world.judged().learned.is_empty());
    // The answer `--from desk` also brings the base store up.
    let world = world.taken_from("desk");
    assert_eq!(world.writes(), ["replace base", "replace stocks"]);
    assert!(world.planned().questions.is_empty());
}

#[test]
fn no_question_where_the_other_store_is_known_to_be_behind_or_kept() {
    let mut world = World::json(&["main", "desk"]).base(2).local("desk", 1).generations(&[1, 2]);
    world.observed.program_writes_to = of("desk");
    assert_eq!(world.writes(), ["replace desk"]);
    assert!(world.planned().questions.is_empty());
    let mut world = World::json(&["main", "desk"]).base(2).local("desk", 7).kept("desk", 7, KeptBy::Person);
    world.observed.program_writes_to = of("desk");
    assert!(world.planned().questions.is_empty() && world.writes().is_empty());
}

#[test]
fn a_given_value_goes_into_the_base_store_and_to_those_who_had_its_old_value() {
    let world = World::json(&["main", "stocks", "academic", "ops"])
        .base(1)
        .local("stocks", 1)
        .local("academic", 9)
        .given(5)
        .said(9, VerdictKind::Ok)
        .said(5, VerdictKind::Ok);
    let plan = world.planned();
    let Action::Replace { store, why, value, .. } = &plan.actions[0] else { panic!("{plan:?}") };
    assert_eq!((store, why, *value), (&StoreId::Base, &Why::Given, print(5)));
    assert_eq!(world.writes(), ["replace base", "replace stocks"]);
    let shared = World::shared(&["main", "stocks"]).base(1).local("stocks", 1).given(5);
    assert_eq!(shared.writes(), ["replace base", "remove stocks"]);
}

#[test]
fn a_given_value_for_a_new_profile_is_added_to_the_base_store_only() {
    assert_eq!(World::json(&["main", "stocks"]).given(5).writes(), ["insert base"]);
    // A profile that one agent alone has stays that agent's.
    assert_eq!(World::json(&["main", "lab"]).local("lab", 1).given(5).writes(), ["replace lab"]);
}

#[test]
fn a_given_value_never_takes_the_place_of_a_login() {
    let world = World::json(&["main", "stocks"]).put(&StoreId::Base, P, login(1, None, 2_000_000)).given(5);
    assert!(world.writes().is_empty());
}

#[test]
fn an_id_that_belongs_to_another_provider_is_not_the_same_profile() {
    let other = ProfileView { provider: ProviderId::from("other"), ..api_key(1) };
    let world = World::json(&["main", "stocks"]).base(2).put(&of("stocks"), P, other).generations(&[1, 2]);
    assert_eq!(world.finding("stocks"), FindingKind::Foreign);
    assert!(world.writes().is_empty());
}

#[test]
fn a_base_store_that_is_nobodys_still_reports_its_trouble() {
    let world = World::shared(&["main", "stocks"]).base(2).said(2, VerdictKind::Revoked);
    let judged = world.judged();
    let found: Vec<_> = judged.of_instance().map(|one| one.finding).collect();
    assert_eq!(found, [FindingKind::SourceRejected]);
    assert_eq!(world.found("stocks").severity, Severity::Attention, "what it inherits is rejected");
}

/// A dead key of a provider that only one agent's models name: the others never send it.
#[test]
fn what_no_model_of_an_agent_needs_and_is_rejected_weighs_nothing_for_it() {
    let of = |needs: [&str; 3]| {
        let mut world = World::json(&["main", "stocks", "ops"]).base(3).said(3, VerdictKind::Revoked);
        for (agent, provider) in world.observed.agents.iter_mut().zip(needs) {
            agent.needs.insert(ProviderId::from(provider), vec!["large".into()]);
        }
        world
    };
    let weighs = |world: &World, id: &str| world.judged().of(&agent(id), &profile(P)).unwrap().severity;
    let one = of(["other", "other", ACME]);
    assert_eq!(weighs(&one, "stocks"), Severity::Info);
    assert_eq!(weighs(&one, "ops"), Severity::Attention);
    assert_eq!(one.finding("main"), FindingKind::SourceRejected);
    assert_eq!(weighs(&one, "main"), Severity::Attention, "what others inherit of it is dead");
    let stocks = one.judged().of(&agent("stocks"), &profile(P)).unwrap().clone();
    assert!(stocks.message.contains("no model of it needs acme") && stocks.fix.is_none(), "{stocks:?}");

    let nobody = of(["other"; 3]).judged();
    let of_it = nobody.findings.iter().filter(|one| one.profile == Some(profile(P)));
    let wrong: Vec<_> = of_it.filter(|one| one.severity == Severity::Attention).collect();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(wrong[0].message.contains("no model of any agent needs acme"), "{wrong:?}");
}
