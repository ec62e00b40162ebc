//! Stores that change under our hands.

use crate::fake::*;
use keyshoal_core::*;
use keyshoal_engine::Outcome;

fn rotated() -> Fake {
    Fake::json(&["main", "stocks", "ops"])
        .has(&StoreId::Base, 3)
        .has(&of("stocks"), 1)
        .has(&of("ops"), 1)
        .generations(&[1, 2, 3])
        .says(3, VerdictKind::Ok)
}

#[test]
fn a_value_that_appears_meanwhile_is_never_written_over() {
    let fake = rotated().with(|state| {
        state.meddle_before_apply.push_back(Box::new(|state| state.put(&of("stocks"), 8)));
    });
    let report = fake.expect(Outcome::Attention);
    assert_eq!((fake.value(&of("stocks")), fake.value(&of("ops"))), (Some(print(8)), Some(print(3))));
    let of_stocks = report.receipts.iter().find(|one| one.action.agent() == Some(&agent("stocks"))).unwrap();
    assert!(matches!(&of_stocks.durable, StepState::Conflict { found } if found.contains("08080808")));
}

#[test]
fn another_earlier_generation_is_planned_for_again() {
    let fake = rotated().with(|state| {
        state.meddle_before_apply.push_back(Box::new(|state| state.put(&of("stocks"), 2)));
    });
    let report = fake.expect(Outcome::Done);
    assert_eq!(fake.value(&of("stocks")), Some(print(3)));
    assert_eq!(report.receipts.len(), 2, "one receipt for each action");
    assert!(report.receipts.iter().all(|one| one.durable == StepState::Done));
}

#[test]
fn somebody_who_did_the_same_is_not_a_conflict() {
    let fake = rotated().with(|state| {
        state.meddle_before_apply.push_back(Box::new(|state| state.put(&of("stocks"), 3)));
    });
    let report = fake.expect(Outcome::Done);
    assert!(report.receipts.iter().any(|one| matches!(one.durable, StepState::Skipped { .. })));
}

#[test]
fn a_write_that_was_undone_is_noticed_and_repeated_a_few_times_at_most() {
    let undo = || -> Box<dyn FnOnce(&mut State)> { Box::new(|state| state.put(&of("stocks"), 1)) };
    let fake = rotated().with(|state| state.meddle_after_apply.push_back(undo()));
    fake.expect(Outcome::Done);
    assert_eq!(fake.value(&of("stocks")), Some(print(3)));

    let fake = rotated().with(|state| {
        for _ in 0..9 {
            state.meddle_after_apply.push_back(undo());
        }
    });
    fake.expect(Outcome::Attention);
    assert_eq!(fake.log().iter().filter(|line| line.starts_with("begin")).count(), 3);
}

#[test]
fn a_source_that_moves_meanwhile_is_not_followed_without_a_new_plan() {
    let fake = rotated().with(|state| {
        state.meddle_before_apply.push_back(Box::new(|state| {
            state.put(&StoreId::Base, 4);
            state.put(&of("stocks"), 2);
        }));
    });
    fake.expect(Outcome::Attention);
    assert_eq!(fake.value(&of("stocks")), Some(print(2)), "the person saw a plan with another value");
    // Asked again, the way is clear.
    let fake = fake.says(4, VerdictKind::Ok);
    fake.expect(Outcome::Done);
    assert_eq!((fake.sends("stocks"), fake.sends("ops")), (Some(print(4)), Some(print(4))));
}

#[test]
fn what_cannot_be_read_back_is_not_called_a_conflict() {
    let fake = rotated().with(|state| {
        state.meddle_after_apply.push_back(Box::new(|state| {
            let view = state.observed.stores.get_mut(&of("stocks")).expect("a store");
            view.health = StoreHealth::Unreadable("the file is empty".into());
            view.profiles.clear();
        }));
    });
    let report = fake.expect(Outcome::Attention);
    let of_stocks = report.receipts.iter().find(|one| one.action.agent() == Some(&agent("stocks"))).unwrap();
    assert!(
        matches!(&of_stocks.durable, StepState::Failed { reason } if reason.contains("the file is empty")),
        "nobody knows what stands there: {:?}",
        of_stocks.durable
    );
}
