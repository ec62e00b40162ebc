//! What happens while a person thinks about a question.

use crate::fake::*;
use keyshoal_core::knowledge::{KeptBy, KeptMark};
use keyshoal_core::*;
use keyshoal_engine::decide::{Decide, Decision};
use keyshoal_engine::{Outcome, SyncOptions};

/// A person who says yes after a minute in which something happened.
struct Slow<'a, F>(&'a Fake, Option<F>);

impl<F: FnOnce(&mut State)> Decide for Slow<'_, F> {
    fn decide(&mut self, _: &Plan, _: &Judgement) -> Decision {
        let mut state = self.0.0.borrow_mut();
        if let Some(happens) = self.1.take() {
            happens(&mut state);
        }
        state.now = state.now.checked_add(std::time::Duration::from_secs(60)).unwrap();
        Decision::yes()
    }
}

fn rotated() -> Fake {
    Fake::json(&["main", "stocks", "ops"])
        .has(&StoreId::Base, 2)
        .has(&of("stocks"), 1)
        .has(&of("ops"), 1)
        .generations(&[1, 2])
        .says(2, VerdictKind::Ok)
        .says(3, VerdictKind::Ok)
}

fn after(fake: &Fake, happens: impl FnOnce(&mut State)) -> keyshoal_engine::SyncReport {
    let asked = SyncOptions { assume_yes: false, ..options() };
    fake.sync_by(&asked, &mut Slow(fake, Some(happens)))
}

#[test]
fn a_source_that_moved_on_is_not_spread_with_its_old_value() {
    let fake = rotated();
    let report = after(&fake, |state| {
        state.put(&StoreId::Base, 3);
        state.says.insert(2, VerdictKind::Revoked);
    });
    assert_eq!((report.outcome, fake.writes()), (Outcome::Attention, 0));
    assert!(report.receipts.iter().all(|one| matches!(one.durable, StepState::Skipped { .. })));
    assert_eq!(report.receipts.len(), 2, "what was agreed to and not done is said");
    // The value of then does not become the newest by having been agreed to.
    fake.expect(Outcome::Done);
    assert_eq!((fake.value(&of("stocks")), fake.value(&of("ops"))), (Some(print(3)), Some(print(3))));
}

#[test]
fn a_mark_set_in_another_terminal_counts() {
    let fake = rotated();
    let report = after(&fake, |state| {
        let mark = KeptMark { fingerprint: print(1), by: KeptBy::Person, since: state.now };
        state.knowledge.kept.insert((agent("ops"), profile(P)), mark);
    });
    assert_eq!((fake.value(&of("stocks")), fake.value(&of("ops"))), (Some(print(2)), Some(print(1))));
    assert_eq!(report.outcome, Outcome::Done, "{:?}", report.after.judgement.findings);
}

#[test]
fn a_cooldown_that_began_meanwhile_is_reset_with_the_rest() {
    let fake = Fake::json(&["main", "stocks", "ops"])
        .has(&StoreId::Base, 1)
        .has(&of("stocks"), 2)
        .generations(&[1, 2])
        .says(1, VerdictKind::InvalidKey)
        .says(2, VerdictKind::Ok);
    let mut from = SyncOptions { assume_yes: false, ..options() };
    from.look.from = Some(agent("stocks"));
    let mut slow = Slow(
        &fake,
        Some(|state: &mut State| {
            let mark = UsageView {
                last_failure: Some(state.now),
                error_count: 1,
                cooldown: Some((at(9000), "auth".to_owned())),
                ..UsageView::default()
            };
            state.observed.stores.get_mut(&of("ops")).unwrap().usage.insert(profile(P), mark);
        }),
    );
    let report = fake.sync_by(&from, &mut slow);
    let state = fake.0.borrow();
    let mark = &state.observed.stores[&of("ops")].usage[&profile(P)];
    assert!(mark.cooldown.is_none(), "{:?}", report.receipts);
}
