//! A watch while another Keyshoal is at work on the same installation: it waits, and what it saw half of does not count.

use crate::fake::*;
use jiff::SignedDuration;
use keyshoal_core::*;
use keyshoal_engine::AskPolicy;
use keyshoal_engine::watch::*;
use std::cell::RefCell;
use std::collections::VecDeque;

/// Brings events by a script, and says who is at work each time that it is asked.
struct Events<'a> {
    fake: &'a Fake,
    script: VecDeque<Happening>,
    at_work: bool,
    /// What is said first, in place of that.
    said: RefCell<VecDeque<Beside>>,
}

enum Happening {
    /// Another begins, or ends.
    AtWork(bool),
    /// Somebody writes a key, and nobody says that a file has changed.
    Writes(StoreId, u8),
    /// The next answers to the question who is at work.
    Says(Vec<Beside>),
    /// Time passes until the loop wakes by itself, and so long besides.
    Waits(i64),
}

impl EventSource for Events<'_> {
    fn next(&mut self, until: Timestamp) -> Event {
        loop {
            let mut state = self.fake.0.borrow_mut();
            match self.script.pop_front() {
                Some(Happening::AtWork(at_work)) => self.at_work = at_work,
                Some(Happening::Writes(store, value)) => state.put(&store, value),
                Some(Happening::Says(all)) => *self.said.borrow_mut() = all.into(),
                Some(Happening::Waits(seconds)) => {
                    state.now = state.now.max(until).checked_add(SignedDuration::from_secs(seconds)).unwrap();
                    return Event::Tick;
                }
                None => return Event::Stop,
            }
        }
    }

    fn beside(&mut self) -> Beside {
        let said = self.said.borrow_mut().pop_front();
        said.unwrap_or(Beside { at_work: self.at_work, last: None })
    }
}

fn drive(fake: &Fake, repair: bool, script: Vec<Happening>) -> Vec<String> {
    let mut events =
        Events { fake, script: script.into(), at_work: false, said: RefCell::new(VecDeque::new()) };
    let how = Watch {
        policy: Policy { repair, ..Policy::default() },
        ask: AskPolicy::Remembered,
        ..Watch::default()
    };
    let mut told = Vec::new();
    run(fake, how, &mut Alarms::default(), &mut events, &mut |report| {
        told.push(match report {
            Report::Waiting => "waits".to_owned(),
            Report::Looked(_) => "looked".to_owned(),
            Report::Attention(all) => format!("attention {}", all.len()),
            Report::Repaired(report) => format!("repaired {}", report.receipts.len()),
            Report::Alarms { alarms, .. } => format!("alarms {}", alarms.len()),
            _ => "something else".to_owned(),
        });
    });
    // Nobody has told the fake's gateway yet; that is no write.
    told.retain(|one| one != "repaired 0");
    told
}

fn two_agents() -> Fake {
    Fake::json(&["main", "stocks"])
        .has(&StoreId::Base, 1)
        .has(&of("stocks"), 1)
        .says(1, VerdictKind::Ok)
        .says(2, VerdictKind::Ok)
}

use Happening::{AtWork, Says, Waits, Writes};

#[test]
fn what_another_is_about_to_bring_is_no_alarm_and_no_work_for_two() {
    for repair in [false, true] {
        let fake = two_agents();
        let half = vec![Waits(0), AtWork(true), Writes(StoreId::Base, 2), Waits(60), Waits(60)];
        let whole = vec![Writes(of("stocks"), 2), AtWork(false), Waits(0)];
        let told = drive(&fake, repair, half.into_iter().chain(whole).collect());
        assert_eq!(told[..4], ["looked", "waits", "waits", "looked"], "{repair}: {told:?}");
        assert_eq!(fake.writes(), 0);
    }
}

#[test]
fn a_look_that_another_has_overtaken_does_not_count() {
    let fake = two_agents();
    let by = |who: &str| Beside { at_work: false, last: Some(who.to_owned()) };
    // Asked before it looks, at its beginning, and once it has looked: one has come and gone meanwhile.
    let half = vec![Waits(0), Writes(StoreId::Base, 2), Says(vec![by("a"), by("a"), by("b")]), Waits(0)];
    let whole = vec![Writes(of("stocks"), 2), Waits(0)];
    let told = drive(&fake, true, half.into_iter().chain(whole).collect());
    assert_eq!(told[..3], ["looked", "waits", "looked"], "{told:?}");
    assert_eq!(fake.writes(), 0);
}

#[test]
fn nobody_is_waited_for_for_ever() {
    let fake = two_agents();
    let script = vec![Waits(0), AtWork(true), Writes(StoreId::Base, 2), Waits(0), Waits(601), Waits(0)];
    let told = drive(&fake, false, script);
    assert_eq!(told[..2], ["looked", "waits"]);
    assert!(
        told[2..].contains(&"attention 1".to_owned()) && !told[2..].contains(&"waits".to_owned()),
        "{told:?}"
    );
}
