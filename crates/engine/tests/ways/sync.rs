//! The plain way.

use crate::fake::*;
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::*;
use keyshoal_engine::{Decision, LookOptions, Outcome, SyncOptions, Unattended};

/// The story that the program was born from: one store was rotated, the others hold the old key.
fn rotated() -> Fake {
    Fake::json(&["main", "stocks", "ops", "academic"])
        .has(&StoreId::Base, 2)
        .has(&of("stocks"), 1)
        .has(&of("academic"), 9)
        .generations(&[1, 2])
        .says(1, VerdictKind::InvalidKey)
        .says(2, VerdictKind::Ok)
        .says(9, VerdictKind::Ok)
}

#[test]
fn one_sync_brings_every_agent_to_the_sources_value_and_the_next_has_nothing_to_do() {
    let fake = rotated();
    let report = fake.expect(Outcome::Done);
    assert_eq!(fake.sends("stocks"), Some(print(2)));
    assert_eq!(fake.sends("academic"), Some(print(9)), "an override stays");
    let receipt = &report.receipts[0];
    assert_eq!((&receipt.durable, &receipt.answered), (&StepState::Done, &StepState::Done));
    assert_eq!(receipt.accepted.as_ref().unwrap().kind, VerdictKind::Ok);
    assert!(matches!(receipt.activated, ActivationOutcome::Done { .. }));
    assert_eq!(fake.log(), ["begin sync", "wrote stocks", "activate", "answered", "finish 1"]);

    let again = fake.expect(Outcome::NothingToDo);
    assert_eq!((again.run, again.activation), (None, ActivationOutcome::NotNeeded));
    assert_eq!(fake.writes(), 1);
}

#[test]
fn an_accepted_override_is_remembered_and_survives_its_own_death() {
    let fake = rotated();
    fake.sync();
    let mark = fake.0.borrow().knowledge.kept[&(agent("academic"), profile(P))].clone();
    assert_eq!((mark.by, mark.fingerprint), (KeptBy::Acceptance, print(9)));
    let fake = fake.says(9, VerdictKind::Revoked);
    fake.expect(Outcome::Attention);
    assert_eq!(fake.value(&of("academic")), Some(print(9)));
}

#[test]
fn removal_makes_agents_inherit() {
    let fake = Fake::shared(&["main", "stocks"])
        .has(&StoreId::Base, 2)
        .has(&of("stocks"), 1)
        .generations(&[1, 2])
        .says(2, VerdictKind::Ok);
    fake.expect(Outcome::Done);
    assert_eq!((fake.value(&of("stocks")), fake.sends("stocks")), (None, Some(print(2))));
}

#[test]
fn nothing_is_written_without_being_allowed() {
    let fake = rotated();
    let careful = SyncOptions { assume_yes: false, ..options() };
    let report = fake.sync_by(&careful, &mut Unattended);
    assert_eq!(report.outcome, Outcome::NeedsAnswer);
    assert_eq!(report.plan.actions.len(), 1, "what would be done is told");
    let (report, _) = fake.sync_with(vec![Decision::no()]);
    assert_eq!(report.outcome, Outcome::Declined);
    let dry = SyncOptions { dry_run: true, ..options() };
    assert_eq!(fake.sync_by(&dry, &mut Unattended).outcome, Outcome::DryRun);
    assert!(fake.log().is_empty(), "{:?}", fake.log());
}

#[test]
fn a_look_writes_nothing_but_its_lessons() {
    let fake = rotated();
    let look = keyshoal_engine::look(&fake, &LookOptions::default(), &mut |_| {}).unwrap();
    assert_eq!(look.judgement.of(&agent("stocks"), &profile(P)).unwrap().finding, FindingKind::Stale);
    assert!(fake.log().is_empty());
    assert!(fake.0.borrow().knowledge.first_seen.contains_key(&(agent("stocks"), profile(P), print(1))));
}

#[test]
fn a_look_works_with_a_ledger_that_cannot_be_written() {
    let fake = rotated().with(|state| state.memory_full = true);
    let look = keyshoal_engine::look(&fake, &LookOptions::default(), &mut |_| {}).unwrap();
    assert!(look.not_remembered.unwrap().contains("no space"));
    assert!(look.judgement.count(FindingKind::Stale) == 1);
}

#[test]
fn a_rotation_that_was_seen_is_stale_without_any_provider() {
    let fake = Fake::json(&["main", "stocks"]).has(&StoreId::Base, 1).has(&of("stocks"), 1);
    keyshoal_engine::look(&fake, &LookOptions::default(), &mut |_| {}).unwrap();
    // The program's own command rotates the base store only.
    let fake = fake.with(|state| state.put(&StoreId::Base, 2));
    let offline = SyncOptions { look: LookOptions::default(), ..options() };
    let report = fake.sync_by(&offline, &mut Unattended);
    assert_eq!(report.outcome, Outcome::Done);
    assert_eq!(fake.value(&of("stocks")), Some(print(2)));
    assert!(fake.asked().is_empty());
    assert_eq!(report.receipts[0].accepted, None, "what was not asked is not said");
}

#[test]
fn an_older_copy_elsewhere_teaches_an_earlier_generation() {
    let fake = Fake::json(&["main", "stocks"])
        .has(&StoreId::Base, 2)
        .has(&of("stocks"), 1)
        .with(|state| state.observed.earlier.push((profile(P), print(1))));
    let offline = SyncOptions { look: LookOptions::default(), ..options() };
    assert_eq!(fake.sync_by(&offline, &mut Unattended).outcome, Outcome::Done);
    assert_eq!(fake.value(&of("stocks")), Some(print(2)));
}

#[test]
fn a_restored_source_is_noticed_and_nothing_is_spread() {
    let fake = Fake::json(&["main", "stocks"]).has(&StoreId::Base, 1).has(&of("stocks"), 1);
    keyshoal_engine::look(&fake, &LookOptions::default(), &mut |_| {}).unwrap();
    let fake = fake.has(&StoreId::Base, 2).has(&of("stocks"), 2);
    keyshoal_engine::look(&fake, &LookOptions::default(), &mut |_| {}).unwrap();
    let fake = fake.has(&StoreId::Base, 1);
    fake.expect(Outcome::Attention);
    assert_eq!((fake.value(&of("stocks")), fake.writes()), (Some(print(2)), 0));
}

#[test]
fn from_brings_the_base_store_up_and_is_remembered_as_the_newest() {
    let fake = Fake::json(&["main", "desk", "stocks"])
        .has(&StoreId::Base, 1)
        .has(&of("desk"), 2)
        .has(&of("stocks"), 1)
        .with(|state| state.observed.program_writes_to = of("desk"))
        .says(1, VerdictKind::Ok)
        .says(2, VerdictKind::Ok);
    fake.expect(Outcome::Attention);
    assert_eq!(fake.writes(), 0, "it must be asked which one is right");
    let mut from = options();
    from.look.from = Some(agent("desk"));
    let report = fake.sync_by(&from, &mut Unattended);
    assert_eq!(report.outcome, Outcome::Done, "{:?}", report.after.judgement.findings);
    assert_eq!((fake.sends("main"), fake.sends("stocks")), (Some(print(2)), Some(print(2))));
    assert_eq!(fake.0.borrow().knowledge.generations[&profile(P)].last().unwrap().fingerprint, print(2));
    fake.expect(Outcome::NothingToDo);
}

#[test]
fn an_unknown_agent_is_refused_with_the_names_that_exist() {
    let mut from = options();
    from.look.from = Some(agent("nobody"));
    let error = keyshoal_engine::sync(&rotated(), &from, &mut Unattended, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("main, stocks, ops, academic"), "{error}");
}

#[test]
fn the_scope_limits_the_outcome_too() {
    let fake = rotated().has(&of("ops"), 1);
    let mut only = options();
    only.look.scope.agents.insert(agent("ops"));
    let report = fake.sync_by(&only, &mut Unattended);
    assert_eq!(report.outcome, Outcome::Done);
    assert_eq!((fake.value(&of("ops")), fake.value(&of("stocks"))), (Some(print(2)), Some(print(1))));
}

#[test]
fn a_run_that_broke_off_is_settled_by_the_next_and_by_nothing_else() {
    let broken = || keyshoal_core::knowledge::OpenRun {
        id: RunId::new("broken"),
        begun: at(900),
        command: "sync".to_owned(),
        done: 1,
        total: 2,
        by_vault: false,
    };
    let fake = rotated().with(|state| state.knowledge.open_run = Some(broken()));
    keyshoal_engine::look(&fake, &LookOptions::default(), &mut |_| {}).unwrap();
    let dry = SyncOptions { dry_run: true, ..options() };
    fake.sync_by(&dry, &mut Unattended);
    fake.sync_with(vec![Decision::no()]);
    assert!(fake.log().is_empty());
    fake.expect(Outcome::Done);
    assert_eq!(fake.log()[..2], ["settle", "begin sync"]);
    // With nothing left to write it is settled as well.
    let fake = fake.with(|state| state.knowledge.open_run = Some(broken()));
    fake.expect(Outcome::NothingToDo);
}
