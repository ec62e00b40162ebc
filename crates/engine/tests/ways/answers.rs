//! One question, and what its answers do.

use crate::fake::*;
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::plan::Proposal;
use keyshoal_core::*;
use keyshoal_engine::{Answer, Decision, Outcome};

/// A first run: nothing is known, two agents differ, the provider knows nothing certain of one of them.
fn drifted() -> Fake {
    Fake::json(&["main", "stocks", "academic"])
        .has(&StoreId::Base, 2)
        .has(&of("stocks"), 7)
        .has(&of("academic"), 9)
        .says(2, VerdictKind::Ok)
        .says(7, VerdictKind::Timeout)
        .says(9, VerdictKind::Ok)
}

#[test]
fn the_question_shows_every_value_with_its_holders_verdict_and_proposal() {
    let fake = drifted();
    let (_, script) = fake.sync_with(vec![Decision::no()]);
    let Question::Differing { source, others, .. } = &script.seen[0].questions[0] else { panic!() };
    assert_eq!((source.fingerprint, source.verdict), (print(2), VerdictKind::Ok));
    let told: Vec<_> = others.iter().map(|one| (one.fingerprint, one.verdict, one.proposal)).collect();
    assert_eq!(
        told,
        [(print(7), VerdictKind::Timeout, Proposal::Leave), (print(9), VerdictKind::Ok, Proposal::Keep)]
    );
}

#[test]
fn replace_replaces_and_keep_is_remembered() {
    let fake = drifted();
    let answers = vec![
        Answer::Value { profile: profile(P), fingerprint: print(7), proposal: Proposal::Replace },
        Answer::Value { profile: profile(P), fingerprint: print(9), proposal: Proposal::Keep },
    ];
    let (report, script) = fake.sync_with(vec![Decision::answer(answers)]);
    assert_eq!((report.outcome, script.seen.len()), (Outcome::Done, 1));
    assert_eq!((fake.value(&of("stocks")), fake.value(&of("academic"))), (Some(print(2)), Some(print(9))));
    let by = fake.0.borrow().knowledge.kept[&(agent("academic"), profile(P))].by;
    assert_eq!(by, KeptBy::Person);
    let (report, script) = fake.sync_with(vec![]);
    assert_eq!((report.outcome, script.seen.len()), (Outcome::NothingToDo, 0), "nobody is asked twice");
}

#[test]
fn an_override_can_be_given_up_although_it_is_accepted() {
    let fake = drifted();
    let (_, _) = fake.sync_with(vec![answer(9, Proposal::Replace)]);
    assert_eq!(fake.value(&of("academic")), Some(print(2)));
    assert!(fake.0.borrow().knowledge.kept.is_empty());
}

#[test]
fn leave_leaves_even_what_the_plan_would_replace() {
    let fake = drifted().says(7, VerdictKind::Revoked);
    let (report, script) = fake.sync_with(vec![answer(7, Proposal::Leave)]);
    assert_eq!(script.seen[0].actions.len(), 1);
    assert_eq!((report.outcome, fake.writes()), (Outcome::Attention, 0));
    assert!(!fake.0.borrow().knowledge.kept.contains_key(&(agent("stocks"), profile(P))));
}

#[test]
fn keep_on_what_the_plan_would_replace_keeps_it() {
    let fake = drifted().says(7, VerdictKind::Revoked);
    let (_, _) = fake.sync_with(vec![answer(7, Proposal::Keep)]);
    assert_eq!(fake.value(&of("stocks")), Some(print(7)));
    assert_eq!(fake.0.borrow().knowledge.kept[&(agent("stocks"), profile(P))].by, KeptBy::Person);
}

#[test]
fn yes_to_everything_answers_no_question() {
    let fake = drifted();
    fake.expect(Outcome::Attention);
    assert_eq!((fake.value(&of("stocks")), fake.value(&of("academic"))), (Some(print(7)), Some(print(9))));
}

#[test]
fn the_right_store_is_named_and_the_new_plan_is_shown_before_it_is_done() {
    let fake = Fake::json(&["main", "desk", "stocks"])
        .has(&StoreId::Base, 1)
        .has(&of("desk"), 2)
        .has(&of("stocks"), 1)
        .with(|state| state.observed.program_writes_to = of("desk"))
        .says(1, VerdictKind::Revoked)
        .says(2, VerdictKind::Ok);
    let source = Answer::Source { profile: profile(P), store: of("desk") };
    let (report, script) = fake.sync_with(vec![Decision::answer(vec![source.clone()]), Decision::no()]);
    assert_eq!((report.outcome, fake.writes()), (Outcome::Declined, 0));
    assert!(script.seen[0].actions.is_empty());
    assert_eq!(script.seen[1].actions.len(), 2, "base and stocks");
    let (report, _) = fake.sync_with(vec![Decision::answer(vec![source])]);
    assert_eq!(report.outcome, Outcome::Done);
    assert_eq!((fake.sends("main"), fake.sends("stocks")), (Some(print(2)), Some(print(2))));
}

#[test]
fn naming_the_base_store_settles_the_question_and_leaves_the_other_value_to_the_next() {
    let fake = Fake::json(&["main", "desk"])
        .has(&StoreId::Base, 1)
        .has(&of("desk"), 2)
        .with(|state| state.observed.program_writes_to = of("desk"))
        .says(1, VerdictKind::Ok)
        .says(2, VerdictKind::Timeout);
    let source = Answer::Source { profile: profile(P), store: StoreId::Base };
    let (_, script) = fake.sync_with(vec![Decision::answer(vec![source]), answer(2, Proposal::Replace)]);
    assert!(matches!(script.seen[1].questions[0], Question::Differing { .. }));
    assert_eq!(fake.value(&of("desk")), Some(print(1)));
}

#[test]
fn a_confirmed_source_is_the_newest_from_then_on() {
    let fake =
        Fake::json(&["main", "stocks"]).has(&StoreId::Base, 1).has(&of("stocks"), 2).generations(&[1, 2]);
    let confirm = Answer::ConfirmSource { profile: profile(P) };
    let (report, script) = fake.sync_with(vec![Decision::answer(vec![confirm])]);
    assert!(matches!(script.seen[0].questions[0], Question::SourceReverted { .. }));
    assert_eq!(report.outcome, Outcome::Done, "{:?}", report.after.judgement.findings);
    assert_eq!(fake.value(&of("stocks")), Some(print(1)));
    fake.expect(Outcome::NothingToDo);
}

#[test]
fn an_answer_is_for_those_who_were_shown_and_never_for_a_deliberate_override() {
    let mark = knowledge::KeptMark { fingerprint: print(7), by: KeptBy::Person, since: at(1) };
    let fake = drifted().with(|state| {
        state.put(&of("academic"), 7);
        state.knowledge.kept.insert((agent("academic"), profile(P)), mark.clone());
    });
    let (report, script) = fake.sync_with(vec![answer(7, Proposal::Replace)]);
    let Question::Differing { others, .. } = &script.seen[0].questions[0] else { panic!() };
    assert_eq!(others[0].agents, [agent("stocks")]);
    assert_eq!(report.outcome, Outcome::Done);
    assert_eq!((fake.value(&of("stocks")), fake.value(&of("academic"))), (Some(print(2)), Some(print(7))));
    assert_eq!(fake.0.borrow().knowledge.kept[&(agent("academic"), profile(P))], mark);
}

#[test]
fn what_is_skipped_is_not_done_whatever_it_is() {
    let fake = Fake::json(&["main", "stocks"])
        .has(&StoreId::Base, 2)
        .has(&of("stocks"), 2)
        .with(|state| {
            state.observed.modes.insert(profile(P), CredentialKind::Token);
        })
        .says(2, VerdictKind::Ok);
    let skip = |store| Answer::Skip { store, profile: profile(P) };
    let (report, script) = fake.sync_with(vec![Decision::answer(vec![skip(of("stocks"))])]);
    assert!(script.seen[0].actions.iter().all(|one| matches!(one, Action::FixType { .. })));
    assert_eq!((script.seen[0].actions.len(), fake.writes()), (2, 1));
    assert_eq!(report.outcome, Outcome::Attention);
    let kind = |store: &StoreId| fake.0.borrow().observed.profile(store, &profile(P)).unwrap().kind.clone();
    assert_eq!((kind(&StoreId::Base), kind(&of("stocks"))), (CredentialKind::Token, CredentialKind::ApiKey));
}
