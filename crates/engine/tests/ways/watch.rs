//! A watch: its state machine by itself, and its loop over the fake instance.

use crate::fake::*;
use jiff::SignedDuration;
use keyshoal_core::*;
use keyshoal_engine::AskPolicy;
use keyshoal_engine::watch::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

fn policy(repair: bool) -> Policy {
    Policy { repair, ..Policy::default() }
}

fn how(repair: bool) -> Watch {
    Watch { policy: policy(repair), ask: AskPolicy::Remembered, ..Watch::default() }
}

fn ms(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_000_000 + millis).unwrap()
}

fn changed(path: &str) -> Event {
    Event::Changed { path: path.to_owned(), modified: None }
}

fn drift() -> Seen {
    let write = Write { store: of("stocks"), profile: profile(P), over: Some(print(1)) };
    Seen {
        planned: vec![write],
        attention: BTreeSet::from(["stocks is stale".to_owned()]),
        ..Seen::default()
    }
}

fn repaired() -> Event {
    Event::Repaired { writes: drift().planned, seen: Seen::default(), unconfirmed: false }
}

/// Begins and brings it past its first look.
fn begun(policy: Policy) -> WatchState {
    let mut state = WatchState::new(policy);
    assert_eq!(state.on(Event::Tick, ms(0)), [Effect::Look]);
    assert!(state.on(Event::Looked(Seen::default()), ms(1)).is_empty());
    state
}

#[test]
fn a_burst_of_changes_is_one_look_after_it_is_quiet() {
    let mut state = begun(policy(true));
    for at in [100, 200, 300] {
        assert!(state.on(changed("/a"), ms(at)).is_empty());
        assert!(state.on(Event::Tick, ms(at + 50)).is_empty());
    }
    assert_eq!(state.wake_at(ms(350)), ms(550));
    assert_eq!(state.on(Event::Tick, ms(550)), [Effect::Look]);
    assert!(state.on(Event::Tick, ms(560)).is_empty(), "one look at a time");
}

#[test]
fn endless_changes_cannot_put_it_off_for_ever() {
    let mut state = begun(policy(true));
    let mut looked = None;
    for at in (100..5000).step_by(100) {
        state.on(changed("/a"), ms(at));
        if state.on(Event::Tick, ms(at)) == [Effect::Look] {
            looked = Some(at);
            break;
        }
    }
    assert_eq!(looked, Some(2100));
}

#[test]
fn it_looks_now_and_then_without_being_told() {
    let mut state = begun(policy(true));
    assert_eq!(state.wake_at(ms(1)), ms(60_000));
    assert!(state.on(Event::Tick, ms(59_999)).is_empty());
    assert_eq!(state.on(Event::Tick, ms(60_000)), [Effect::Look]);
}

#[test]
fn it_writes_only_where_the_policy_repairs() {
    let mut state = begun(policy(false));
    let effects = state.on(Event::Looked(drift()), ms(10));
    assert_eq!(effects, [Effect::Report { attention: drift().attention }]);
    let mut state = begun(policy(true));
    let effects = state.on(Event::Looked(drift()), ms(10));
    assert!(effects.contains(&Effect::Repair { except: BTreeSet::new() }));
}

#[test]
fn nothing_is_said_twice_and_the_end_of_trouble_is_said() {
    let mut state = begun(policy(false));
    assert_eq!(state.on(Event::Looked(drift()), ms(10)).len(), 1);
    assert!(state.on(Event::Looked(drift()), ms(20)).is_empty());
    assert_eq!(
        state.on(Event::Looked(Seen::default()), ms(30)),
        [Effect::Report { attention: BTreeSet::new() }]
    );
}

#[test]
fn its_own_writes_wake_nobody() {
    let mut state = begun(policy(true));
    state.on(Event::Looked(drift()), ms(10));
    let modified = BTreeMap::from([("/state/stocks".to_owned(), ms(12))]);
    let seen = Seen { modified, ..Seen::default() };
    state.on(Event::Repaired { writes: drift().planned, seen, unconfirmed: false }, ms(20));
    let own = Event::Changed { path: "/state/stocks".to_owned(), modified: Some(ms(12)) };
    state.on(own, ms(21));
    assert_eq!(state.wake_at(ms(21)), ms(60_000), "the change was our own");
    let others = Event::Changed { path: "/state/stocks".to_owned(), modified: Some(ms(30)) };
    state.on(others, ms(31));
    assert_eq!(state.wake_at(ms(31)), ms(281));
}

#[test]
fn a_change_during_a_look_is_looked_at_afterwards() {
    let mut state = begun(policy(true));
    state.on(changed("/a"), ms(100));
    assert_eq!(state.on(Event::Tick, ms(350)), [Effect::Look]);
    state.on(changed("/a"), ms(360));
    assert!(state.on(Event::Tick, ms(700)).is_empty());
    state.on(Event::Looked(Seen::default()), ms(710));
    assert_eq!(state.on(Event::Tick, ms(710)), [Effect::Look]);
}

#[test]
fn a_fight_is_left_after_a_few_rounds_and_taken_up_again_later() {
    let mut state = begun(policy(true));
    let mut told = None;
    for round in 0..10 {
        let effects = state.on(Event::Looked(drift()), ms(1000 * round));
        if let Some(fight) = effects.iter().find(|one| matches!(one, Effect::Fight { .. })) {
            told = Some(fight.clone());
            assert!(!effects.iter().any(|one| matches!(one, Effect::Repair { .. })));
            break;
        }
        assert!(effects.iter().any(|one| matches!(one, Effect::Repair { .. })), "round {round}");
        state.on(repaired(), ms(1000 * round + 10));
    }
    assert_eq!(told, Some(Effect::Fight { store: of("stocks"), profile: profile(P), times: 3 }));
    // Another profile is still repaired, without touching the one that is fought over.
    let mut both = drift();
    both.planned.push(Write { store: of("ops"), profile: profile(P), over: None });
    let effects = state.on(Event::Looked(both), ms(5000));
    let except = BTreeSet::from([(of("stocks"), profile(P))]);
    assert!(effects.contains(&Effect::Repair { except }));
    state.on(Event::Repaired { writes: Vec::new(), seen: drift(), unconfirmed: false }, ms(5010));
    // Ten minutes later it tries once more.
    let effects = state.on(Event::Looked(drift()), ms(700_000));
    assert!(effects.contains(&Effect::Repair { except: BTreeSet::new() }), "{effects:?}");
}

#[test]
fn rare_undoings_are_no_fight() {
    let mut state = begun(policy(true));
    for round in 0..10 {
        let now = ms(0).checked_add(SignedDuration::from_secs(400 * round)).unwrap();
        let effects = state.on(Event::Looked(drift()), now);
        assert!(effects.iter().any(|one| matches!(one, Effect::Repair { .. })), "round {round}");
        state.on(repaired(), now);
    }
}

#[test]
fn a_look_that_failed_is_said_and_tried_again() {
    let mut state = begun(policy(true));
    let effects = state.on(Event::LookFailed("no permission".to_owned()), ms(10));
    assert_eq!(effects, [Effect::Report { attention: BTreeSet::from(["no permission".to_owned()]) }]);
    state.on(changed("/a"), ms(20));
    assert_eq!(state.on(Event::Tick, ms(300)), [Effect::Look]);
}

#[test]
fn looks_that_fail_again_and_again_are_put_off_longer_and_longer() {
    let mut state = begun(policy(true));
    let mut now = 10;
    let mut waits = Vec::new();
    for _ in 0..9 {
        state.on(Event::LookFailed("no permission".to_owned()), ms(now));
        state.on(changed("/a"), ms(now));
        let due = state.wake_at(ms(now));
        waits.push(due.duration_since(ms(now)).as_millis());
        now = due.as_millisecond() - 1_000_000;
        assert_eq!(state.on(Event::Tick, due), [Effect::Look]);
    }
    assert_eq!(waits, [250, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    state.on(Event::Looked(Seen::default()), ms(now));
    state.on(changed("/a"), ms(now));
    assert_eq!(state.wake_at(ms(now)), ms(now + 250), "it works again");
}

#[test]
fn repairs_that_fail_again_and_again_are_put_off_until_the_plan_is_another() {
    let mut state = begun(policy(true));
    let mut tries = |seen: Seen, seconds: i64, ends: Event| {
        let effects = state.on(Event::Looked(seen), ms(seconds * 1000));
        let tried = effects.iter().any(|one| matches!(one, Effect::Repair { .. }));
        if tried {
            state.on(ends, ms(seconds * 1000));
        }
        tried
    };
    let nothing_written = || Event::Repaired { writes: Vec::new(), seen: drift(), unconfirmed: false };
    assert!(tries(drift(), 1, Event::RepairFailed));
    assert!(tries(drift(), 2, nothing_written()));
    assert!(!tries(drift(), 31, nothing_written()));
    assert!(tries(drift(), 32, nothing_written()));
    assert!(!tries(drift(), 91, nothing_written()), "twice as long");
    let mut more = drift();
    more.planned.push(Write { store: of("ops"), profile: profile(P), over: None });
    assert!(tries(more, 92, Event::RepairFailed), "there is something new to write");
}

#[test]
fn stop_ends_it() {
    let mut state = begun(policy(true));
    assert_eq!(state.on(Event::Stop, ms(5)), [Effect::End]);
    assert!(state.on(Event::Tick, ms(100_000)).is_empty());
}

/// Brings events by a script; between them, time passes until the moment that the loop waits for.
struct Events<'a> {
    fake: &'a Fake,
    script: VecDeque<Happening>,
}

enum Happening {
    /// The program writes a key.
    Writes(StoreId, u8),
    /// A file under watch changes that holds no key: the config, or a store whose use marks are written.
    Touches(&'static str),
    /// Time passes until the loop wakes by itself.
    Waits,
}

impl EventSource for Events<'_> {
    fn next(&mut self, until: Timestamp) -> Event {
        let mut state = self.fake.0.borrow_mut();
        match self.script.pop_front() {
            Some(Happening::Writes(store, value)) => {
                state.now = state.now.checked_add(SignedDuration::from_millis(10)).unwrap();
                let now = state.now;
                state.put(&store, value);
                let view = state.observed.stores.get_mut(&store).unwrap();
                view.modified = Some(now);
                Event::Changed { path: view.path.clone(), modified: Some(now) }
            }
            Some(Happening::Touches(path)) => {
                state.now = state.now.checked_add(SignedDuration::from_millis(10)).unwrap();
                Event::Changed { path: path.to_owned(), modified: Some(state.now) }
            }
            Some(Happening::Waits) => {
                state.now = state.now.max(until);
                Event::Tick
            }
            None => Event::Stop,
        }
    }
}

fn drive(fake: &Fake, repair: bool, script: Vec<Happening>) -> Vec<String> {
    let mut events = Events { fake, script: script.into() };
    let mut told = Vec::new();
    run(fake, how(repair), &mut Alarms::default(), &mut events, &mut |report| {
        told.push(match report {
            Report::Attention(all) => format!("attention {}", all.len()),
            Report::Waiting => "waits".to_owned(),
            Report::Looked(_) => "looked".to_owned(),
            Report::Repaired(report) => format!("repaired {}", report.receipts.len()),
            Report::RepairFailed(reason) => reason,
            Report::Fight { store, .. } => format!("fight over {store}"),
            Report::Alarms { .. } => return,
            Report::LookFailed(reason) => reason.to_owned(),
            Report::Verified(_) => "verified".to_owned(),
        });
    });
    told
}

use Happening::{Touches, Waits, Writes};

#[test]
fn a_rotation_by_the_program_reaches_everybody() {
    let fake = Fake::json(&["main", "stocks"])
        .has(&StoreId::Base, 1)
        .has(&of("stocks"), 1)
        .says(1, VerdictKind::Ok)
        .says(2, VerdictKind::Ok);
    let told = drive(&fake, true, vec![Waits, Writes(StoreId::Base, 2), Waits, Waits]);
    assert_eq!((fake.sends("main"), fake.sends("stocks")), (Some(print(2)), Some(print(2))));
    assert!(told.contains(&"repaired 1".to_owned()), "{told:?}");
    assert_eq!(fake.writes(), 1, "its own write started nothing");
}

/// What the provider says of a new value while nobody looks on, and whether the value goes to everybody then.
#[test]
fn a_new_value_is_spread_unattended_only_when_its_provider_has_accepted_it() {
    use VerdictKind::*;
    let all = [
        Ok,
        InvalidKey,
        Revoked,
        Billing,
        MissingScope,
        RateLimited,
        Dns,
        Connect,
        Tls,
        Timeout,
        ProviderDown,
        UnexpectedAnswer,
        Unknown,
        NotAsked,
    ];
    for said in all {
        let fake = Fake::json(&["main", "stocks"])
            .has(&StoreId::Base, 1)
            .has(&of("stocks"), 1)
            .says(1, Ok)
            .says(2, said);
        let told = drive(&fake, true, vec![Waits, Writes(StoreId::Base, 2), Waits, Waits]);
        let spread = fake.sends("stocks") == Some(print(2));
        assert_eq!(spread, said == Ok, "{said:?}: {told:?}");
        assert_eq!(fake.writes(), usize::from(spread), "{said:?}");
        let complains = told.iter().any(|line| line.starts_with("attention"));
        assert!(spread || complains, "{said:?}: {told:?}");
    }
}

#[test]
fn what_could_not_be_tested_is_spread_once_its_provider_accepts_it() {
    let fake = Fake::json(&["main", "stocks"])
        .has(&StoreId::Base, 1)
        .has(&of("stocks"), 1)
        .says(1, VerdictKind::Ok)
        .says(2, VerdictKind::Timeout);
    drive(&fake, true, vec![Waits, Writes(StoreId::Base, 2), Waits, Waits]);
    assert_eq!((fake.writes(), fake.sends("stocks")), (0, Some(print(1))));
    let fake = fake.says(2, VerdictKind::Ok);
    drive(&fake, true, vec![Waits, Waits]);
    assert_eq!((fake.writes(), fake.sends("stocks")), (1, Some(print(2))));
}

#[test]
fn who_wants_no_provider_asked_has_untested_values_spread() {
    let fake = Fake::json(&["main", "stocks"]).has(&StoreId::Base, 1).has(&of("stocks"), 1);
    let mut events =
        Events { fake: &fake, script: vec![Waits, Writes(StoreId::Base, 2), Waits, Waits].into() };
    let silent = Watch { ask: AskPolicy::Offline, ..how(true) };
    run(&fake, silent, &mut Alarms::default(), &mut events, &mut |_| {});
    assert_eq!((fake.sends("stocks"), fake.asked().len()), (Some(print(2)), 0));
}

#[test]
fn reporting_writes_nothing() {
    let fake = Fake::json(&["main", "stocks"]).has(&StoreId::Base, 1).has(&of("stocks"), 1);
    let told = drive(&fake, false, vec![Waits, Writes(StoreId::Base, 2), Waits, Waits]);
    assert!(fake.log().is_empty(), "{:?}", fake.log());
    assert!(told.contains(&"attention 1".to_owned()), "{told:?}");
}

#[test]
fn somebody_who_writes_an_old_key_again_and_again_is_left_alone() {
    let fake =
        Fake::json(&["main", "stocks"]).has(&StoreId::Base, 2).has(&of("stocks"), 2).generations(&[1, 2]);
    let fake = fake.says(2, VerdictKind::Ok);
    let mut script = vec![Waits];
    for _ in 0..8 {
        script.extend([Writes(of("stocks"), 1), Waits]);
    }
    let told = drive(&fake, true, script);
    assert_eq!(fake.writes(), 3, "{told:?}");
    assert!(told.contains(&"fight over stocks".to_owned()));
    assert_eq!(fake.value(&of("stocks")), Some(print(1)));
}

#[test]
fn a_gateway_that_nobody_told_is_told_even_when_nothing_is_to_be_written() {
    let fake =
        Fake::json(&["main", "ops"]).has(&StoreId::Base, 1).says(1, VerdictKind::Ok).says(2, VerdictKind::Ok);
    let script = vec![Waits, Writes(StoreId::Base, 2), Waits, Waits, Waits];
    drive(&fake, true, script);
    assert_eq!((fake.sends("ops"), fake.writes()), (Some(print(2)), 0));
    let told = fake.log().iter().filter(|line| *line == "activate").count();
    assert_eq!(told, 2, "at the beginning, and after the change");
}

#[test]
fn a_gateway_that_cannot_be_told_is_not_asked_every_minute() {
    let refused = ActivationOutcome::NotDone { reason: "no credentials".to_owned(), needs_restart: false };
    let fake = Fake::json(&["main"]).has(&StoreId::Base, 1).with(|state| state.activation = Some(refused));
    drive(&fake, true, vec![Waits, Waits, Waits, Waits]);
    assert_eq!(fake.log(), ["activate"]);
    let fake = fake.with(|state| state.log.clear());
    drive(&fake, true, vec![Waits, Writes(StoreId::Base, 2), Waits, Waits]);
    assert_eq!(fake.log(), ["activate", "activate"], "something has changed");
}

#[test]
fn a_gateway_that_has_started_again_is_told_again() {
    let refused = ActivationOutcome::Unknown { reason: "it may be starting".to_owned() };
    let fake = Fake::json(&["main"]).has(&StoreId::Base, 1).with(|state| state.activation = Some(refused));
    drive(&fake, true, vec![Waits, Waits]);
    let fake = fake.with(|state| state.log.clear());
    let mut events = Events { fake: &fake, script: VecDeque::from([Waits, Waits]) };
    let mut rounds = 0;
    run(&fake, how(true), &mut Alarms::default(), &mut events, &mut |report| {
        if matches!(report, Report::Repaired(_)) {
            rounds += 1;
            fake.0.borrow_mut().observed.instance.gateway.started = Some(at(900 + rounds));
        }
    });
    assert_eq!(fake.log(), ["activate", "activate"]);
}

#[test]
fn telling_the_gateway_by_its_config_does_not_wake_the_watch_for_ever() {
    let unknown = ActivationOutcome::Unknown { reason: "the config was changed".to_owned() };
    let fake = Fake::json(&["main"]).has(&StoreId::Base, 1).with(|state| state.activation = Some(unknown));
    let mut script = vec![Waits];
    for _ in 0..5 {
        script.extend([Touches("/state/openclaw.json"), Waits, Touches("/state/base"), Waits]);
    }
    script.extend((0..20).map(|_| Waits));
    drive(&fake, true, script);
    assert_eq!(fake.log(), ["activate"], "neither its own change of the config nor a use mark is a reason");
    let fake = fake.with(|state| state.log.clear());
    drive(&fake, true, vec![Waits, Writes(StoreId::Base, 2), Waits, Waits]);
    assert_eq!(fake.log(), ["activate", "activate"], "another key is");
}
