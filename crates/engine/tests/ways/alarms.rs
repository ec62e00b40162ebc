//! When an alarm is raised: properties of the state machine, and of the schedule of verifications.

use jiff::SignedDuration;
use keyshoal_core::alarm::Source;
use keyshoal_core::*;
use keyshoal_engine::watch::alarms::{Alarms, Hysteresis, Pass};
use keyshoal_engine::watch::checks::{Checks, Sends, Trouble, VerifyPolicy};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + seconds).unwrap()
}

fn id(number: u8) -> ConditionId {
    let topic = if number.is_multiple_of(2) { Topic::Rejected } else { Topic::Unreachable };
    ConditionId { agent: Some(format!("agent{number}").as_str().into()), ..ConditionId::of(topic) }
}

fn condition(number: u8, nature: Nature) -> Condition {
    Condition { id: id(number), nature, message: String::new(), fix: None }
}

/// What a pass says of one condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Say {
    Gone,
    Open,
    Passing,
    Lasting,
}

fn pass(says: &[Say]) -> Pass {
    let mut pass = Pass::new(Source::Verify);
    for (number, say) in (0..).zip(says) {
        match say {
            Say::Gone => {}
            Say::Open => {
                pass.open.insert(id(number));
            }
            Say::Passing => pass.see(condition(number, Nature::Passing)),
            Say::Lasting => pass.see(condition(number, Nature::Lasting)),
        }
    }
    pass
}

fn say() -> impl Strategy<Value = Say> {
    prop_oneof![
        3 => Just(Say::Gone),
        1 => Just(Say::Open),
        4 => Just(Say::Passing),
        2 => Just(Say::Lasting)
    ]
}

/// Passes with the seconds between them, each about three conditions.
fn passes() -> impl Strategy<Value = Vec<(i64, Vec<Say>)>> {
    prop::collection::vec((1_i64..900, prop::collection::vec(say(), 3)), 1..40)
}

proptest! {
    /// Alarms and recoveries of one condition alternate, an alarm first; a recovery comes only with a pass that saw it gone.
    #[test]
    fn one_ongoing_condition_is_one_alarm_and_one_recovery(script in passes()) {
        let mut alarms = Alarms::default();
        let mut raised: BTreeMap<ConditionId, bool> = BTreeMap::new();
        let mut now = 0;
        for (wait, says) in script {
            now += wait;
            for alarm in alarms.take(pass(&says), at(now)) {
                let was = raised.entry(alarm.condition.id.clone()).or_default();
                prop_assert_eq!(*was, alarm.turned == Turned::Recovered);
                *was = !*was;
                let number = (0..3).find(|number| id(*number) == alarm.condition.id).unwrap();
                let said = says[usize::from(number)];
                prop_assert_eq!(alarm.turned == Turned::Recovered, said == Say::Gone);
            }
            // What was seen gone is not left raised, and what lasts is raised at the first sight.
            for (number, said) in (0..).zip(&says) {
                let is = raised.get(&id(number)).copied().unwrap_or_default();
                match said {
                    Say::Gone => prop_assert!(!is),
                    Say::Lasting => prop_assert!(is),
                    Say::Open | Say::Passing => {}
                }
            }
        }
    }

    /// What passes by itself is told of only after it was seen so often in a row, or for so long; what is not known does not count.
    #[test]
    fn a_blip_pages_nobody(script in passes(), times in 2_u32..5, minutes in 1_i64..30) {
        let after = SignedDuration::from_mins(minutes);
        let mut alarms = Alarms::new(Hysteresis { times, after });
        let mut rows: BTreeMap<u8, (u32, i64)> = BTreeMap::new();
        let mut now = 0;
        for (wait, mut says) in script {
            now += wait;
            says.iter_mut().filter(|say| **say == Say::Lasting).for_each(|say| *say = Say::Passing);
            for (number, said) in (0..).zip(&says) {
                match said {
                    Say::Gone => { rows.remove(&number); }
                    Say::Open | Say::Lasting => {}
                    Say::Passing => rows.entry(number).or_insert((0, now)).0 += 1,
                }
            }
            for alarm in alarms.take(pass(&says), at(now)) {
                if alarm.turned == Turned::Raised {
                    let number = (0..3).find(|number| id(*number) == alarm.condition.id).unwrap();
                    let (row, since) = rows[&number];
                    prop_assert!(row >= times || row > 1 && now - since >= minutes * 60, "{row} since {since}");
                    prop_assert!(!alarm.is_urgent());
                }
            }
        }
    }

    /// Seen for ever, it is told of; at the latest at the pass with which one of the two is over.
    #[test]
    fn what_stays_is_told_of(wait in 1_i64..900, times in 1_u32..6, minutes in 1_i64..30) {
        let mut alarms = Alarms::new(Hysteresis { times, after: SignedDuration::from_mins(minutes) });
        let told: Vec<usize> = (0..10_usize)
            .filter(|round| !alarms.take(pass(&[Say::Passing]), at(wait * i64::try_from(*round).unwrap())).is_empty())
            .collect();
        prop_assert_eq!(told.len().min(1), usize::from(times <= 10));
        prop_assert!(told.first().is_none_or(|round| *round < usize::try_from(times).unwrap()));
    }

    /// Whatever providers say, verifications do not come closer than the policy and the waits allow, and there is always a next one.
    #[test]
    fn verifications_keep_their_distance(troubles in prop::collection::vec(0..3_u8, 1..30), changes in any::<bool>()) {
        let every = SignedDuration::from_mins(30);
        let mut checks = Checks::new(VerifyPolicy { every: Some(every), after_change: true, through_gateway: false });
        let mut now = at(0);
        let mut value = 0;
        for trouble in troubles {
            let trouble = [Trouble::None, Trouble::Down, Trouble::Limited][usize::from(trouble)];
            prop_assert!(checks.is_due(now));
            checks.verified(trouble, None, now);
            if changes {
                value += 1;
                let print = Fingerprint::from_bytes([value; 16]);
                checks.looked(Sends::from([("main".into(), "acme".into(), String::new(), print)]), now);
            }
            let next = checks.wake_at(now);
            let least = match trouble {
                Trouble::None => 10,
                Trouble::Down => 60,
                Trouble::Limited => 240,
            };
            prop_assert!(next.duration_since(now) >= SignedDuration::from_secs(least));
            prop_assert!(next.duration_since(now) <= every);
            prop_assert!(!checks.is_due(next.checked_sub(SignedDuration::from_millis(1)).unwrap()));
            now = next;
        }
    }
}

#[test]
fn another_source_neither_counts_nor_ends_it() {
    let mut alarms = Alarms::default();
    assert_eq!(alarms.take(pass(&[Say::Lasting]), at(0)).len(), 1);
    assert!(alarms.take(Pass::new(Source::Look), at(1)).is_empty());
    assert!(alarms.take(Pass::new(Source::Watch), at(2)).is_empty());
    assert_eq!(alarms.standing().count(), 1);
    let mut again = Alarms::default();
    again.restore(alarms.standing().cloned().collect());
    assert!(again.take(pass(&[Say::Lasting]), at(3)).is_empty(), "it was told of before");
    let ended = again.take(Pass::new(Source::Verify), at(4));
    assert_eq!((ended.len(), ended[0].turned, ended[0].since), (1, Turned::Recovered, at(0)));
}

#[test]
fn without_a_schedule_only_a_change_is_a_reason() {
    let mut checks = Checks::new(VerifyPolicy { every: None, after_change: true, through_gateway: false });
    let sends = |value: u8| {
        let print = Fingerprint::from_bytes([value; 16]);
        Sends::from([("main".into(), "acme".into(), String::new(), print)])
    };
    checks.looked(sends(1), at(0));
    assert_eq!(checks.wake_at(at(0)), Timestamp::MAX, "what was there at the beginning is no change");
    checks.looked(sends(1), at(5));
    assert!(!checks.is_due(at(5)));
    checks.looked(sends(2), at(9));
    assert!(checks.is_due(at(9)));
    checks.verified(Trouble::None, None, at(9));
    assert_eq!(checks.wake_at(at(9)), Timestamp::MAX);
    checks.looked(sends(3), at(10));
    assert_eq!(checks.wake_at(at(10)), at(19), "a burst is one question");
    assert!(!Checks::new(VerifyPolicy::default()).is_due(at(0)));
}

#[test]
fn waits_double_up_to_a_quarter_of_an_hour() {
    let policy = VerifyPolicy { every: Some(SignedDuration::from_mins(30)), ..VerifyPolicy::default() };
    let mut checks = Checks::new(policy);
    let mut waits = Vec::new();
    for _ in 0..6 {
        checks.verified(Trouble::Down, None, at(0));
        waits.push(checks.wake_at(at(0)).duration_since(at(0)).as_secs());
    }
    assert_eq!(waits, [60, 120, 240, 480, 900, 900]);
    checks.verified(Trouble::None, None, at(0));
    assert_eq!(checks.wake_at(at(0)), at(1800));
    for (wanted, wait) in [(7, 240), (1700, 1700), (i64::MAX, 3600)] {
        let mut checks = Checks::new(VerifyPolicy { after_change: true, ..VerifyPolicy::default() });
        checks.verified(Trouble::Limited, Some(SignedDuration::from_secs(wanted)), at(0));
        assert_eq!(checks.wake_at(at(0)), at(wait), "what a provider asks for counts, within reason");
    }
}
