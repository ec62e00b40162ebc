//! A watch that verifies and raises alarms, over the fake instance.

use crate::fake::*;
use jiff::SignedDuration;
use keyshoal_core::*;
use keyshoal_engine::AskPolicy;
use keyshoal_engine::watch::*;

/// Something that happens before the tick with which so many are left.
type Happening = (usize, Box<dyn FnOnce(&mut State)>);

/// Ticks so often; before some of the ticks something happens.
struct Script<'a> {
    fake: &'a Fake,
    left: usize,
    happens: Vec<Happening>,
}

impl EventSource for Script<'_> {
    fn next(&mut self, until: Timestamp) -> Event {
        if self.left == 0 {
            return Event::Stop;
        }
        self.left -= 1;
        let mut state = self.fake.0.borrow_mut();
        state.now = state.now.max(until);
        if let Some(at) = self.happens.iter().position(|(left, _)| *left == self.left) {
            (self.happens.remove(at).1)(&mut state);
        }
        Event::Tick
    }
}

fn watched(fake: &Fake, repair: bool, ticks: usize, happens: Vec<Happening>) -> Vec<String> {
    send(&mut fake.0.borrow_mut());
    let verify = VerifyPolicy {
        every: Some(SignedDuration::from_mins(30)),
        after_change: true,
        through_gateway: false,
    };
    let policy = Policy { repair, ..Policy::default() };
    let watch = Watch { policy, verify, ask: AskPolicy::Remembered, ..Watch::default() };
    let mut told = Vec::new();
    let mut events = Script { fake, left: ticks, happens };
    run(fake, watch, &mut Alarms::default(), &mut events, &mut |report| {
        if let Report::Alarms { alarms, .. } = report {
            told.extend(
                alarms.iter().map(|alarm| format!("{} {}", alarm.turned.as_str(), alarm.condition.id)),
            );
        }
    });
    told
}

fn says(value: u8, kind: VerdictKind) -> Box<dyn FnOnce(&mut State)> {
    Box::new(move |state| {
        state.says.insert(value, kind);
    })
}

#[test]
fn a_key_that_dies_is_one_alarm_and_its_recovery_one_word() {
    let fake = Fake::json(&["main", "stocks"]).has(&StoreId::Base, 1).says(1, VerdictKind::Ok);
    let happens = vec![(150, says(1, VerdictKind::Revoked)), (70, says(1, VerdictKind::Ok))];
    let told = watched(&fake, false, 200, happens);
    let raised: Vec<&String> = told.iter().filter(|line| line.starts_with("raised")).collect();
    let recovered = told.iter().filter(|line| line.starts_with("recovered")).count();
    assert!(!raised.is_empty() && raised.len() == recovered, "{told:?}");
    let distinct: std::collections::BTreeSet<_> = raised.iter().collect();
    assert_eq!(distinct.len(), raised.len(), "{told:?}");
}

#[test]
fn a_provider_that_is_down_for_a_moment_pages_nobody_and_one_that_stays_down_pages_once() {
    let fake = Fake::json(&["main", "stocks"]).has(&StoreId::Base, 1).says(1, VerdictKind::Timeout);
    let told = watched(&fake, false, 3, vec![(1, says(1, VerdictKind::Ok))]);
    assert_eq!(told, [""; 0]);
    let fake = Fake::json(&["main", "stocks"]).has(&StoreId::Base, 1).says(1, VerdictKind::Timeout);
    let told = watched(&fake, false, 100, Vec::new());
    assert_eq!(told, [format!("raised unreachable/-/{ACME}/-")], "one for both agents");
}

#[test]
fn what_a_repair_mends_at_once_pages_nobody() {
    let drifted = || {
        let fake = Fake::json(&["main", "stocks"]).has(&StoreId::Base, 2).has(&of("stocks"), 1);
        fake.generations(&[1, 2]).says(2, VerdictKind::Ok).says(1, VerdictKind::InvalidKey)
    };
    let told = watched(&drifted(), false, 1, Vec::new());
    assert_eq!(told, [format!("raised stale/stocks/{ACME}/{P}")], "the look and the verification are one");
    assert_eq!(watched(&drifted(), true, 1, Vec::new()), [""; 0]);
}

#[test]
fn what_is_missing_is_told_once_by_the_look_and_not_again_by_the_verification() {
    let fake = Fake::json(&["main"]).has(&StoreId::Base, 1).says(1, VerdictKind::Ok);
    let fake = fake.with(|state| {
        state.observed.agents[0].needs.insert("other".into(), vec![Need::from("other/small")]);
    });
    assert_eq!(watched(&fake, false, 5, Vec::new()), ["raised missing/main/other/-"]);
}

fn runs(running: bool) -> Box<dyn FnOnce(&mut State)> {
    Box::new(move |state| state.observed.instance.gateway.running = Some(running))
}

#[test]
fn a_gateway_that_was_there_and_stays_away_is_told_of_once_and_so_is_its_return() {
    let fake = || Fake::json(&["main"]).has(&StoreId::Base, 1).says(1, VerdictKind::Ok);
    let told = watched(&fake(), false, 100, vec![(80, runs(false)), (40, runs(true))]);
    assert_eq!(told, ["raised gateway_down/-/-/-", "recovered gateway_down/-/-/-"]);
    // A restart is over before anybody is woken, and who runs none is not told so.
    let told = watched(&fake(), false, 100, vec![(80, runs(false)), (79, runs(true))]);
    assert_eq!(told, [""; 0]);
    let none = fake().with(|state| state.observed.instance.gateway.running = Some(false));
    assert_eq!(watched(&none, false, 100, Vec::new()), [""; 0]);
}

/// A gateway on the configured port that reads another state directory, or nothing that can be told of it, or ours.
fn uses(other: Option<&'static str>, running: Option<bool>) -> Box<dyn FnOnce(&mut State)> {
    Box::new(move |state| {
        let gateway = &mut state.observed.instance.gateway;
        (gateway.other_state_dir, gateway.running) = (other.map(str::to_owned), running);
    })
}

#[test]
fn a_gateway_that_reads_another_state_directory_is_told_of_at_once_and_so_is_its_end() {
    let fake = || Fake::json(&["main"]).has(&StoreId::Base, 1).says(1, VerdictKind::Ok);
    let split = || uses(Some("/root/.openclaw"), None);
    let told = watched(&fake(), false, 100, vec![(80, split()), (40, uses(None, Some(true)))]);
    assert_eq!(told, ["raised split_home/-/-/-", "recovered split_home/-/-/-"]);
    // While it cannot be told, nothing is over.
    let told = watched(&fake(), false, 100, vec![(80, split()), (40, uses(None, None))]);
    assert_eq!(told, ["raised split_home/-/-/-"]);
}
