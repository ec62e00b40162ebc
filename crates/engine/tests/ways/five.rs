//! The five questions: each answer says why, and what it rests on.

use crate::fake::*;
use keyshoal_core::knowledge::{Generation, GenerationOrigin};
use keyshoal_core::*;
use keyshoal_engine::verify::{Check, CheckResult, PastRun, five};
use keyshoal_engine::{LookOptions, VerifyOptions, VerifyReport, look, verify};

fn verified(fake: &Fake, through_gateway: bool) -> VerifyReport {
    send(&mut fake.0.borrow_mut());
    let seen = look(fake, &LookOptions::default(), &mut |_| {}).unwrap();
    verify(fake, seen, &VerifyOptions { through_gateway, ..VerifyOptions::default() }, &mut |_| {})
}

fn answer(report: &VerifyReport, runs: &[PastRun], id: &str) -> Check {
    let all = five(report, runs, None);
    assert!(all.iter().all(|one| !one.reason.is_empty()), "{all:#?}");
    all.into_iter().find(|one| one.id == id).unwrap()
}

fn turn(state: &mut State, id: &str, outcome: TurnOutcome) {
    let expected = Some(ModelName { provider: ACME.into(), model: "big".to_owned() });
    state.turns.insert(agent(id), Turn { agent: agent(id), begun: at(1), ended: at(2), expected, outcome });
}

fn three() -> Fake {
    Fake::json(&["main", "stocks", "ops"])
        .has(&StoreId::Base, 2)
        .has(&of("stocks"), 2)
        .has(&of("ops"), 2)
        .says(2, VerdictKind::Ok)
}

/// The source changed from 1 to 2 at 100.
fn changed(fake: Fake) -> Fake {
    fake.with(|state| {
        let generation = |value, seen| Generation {
            fingerprint: print(value),
            first_seen: at(seen),
            origin: GenerationOrigin::Seen,
        };
        state.knowledge.generations.insert(profile(P), vec![generation(1, 10), generation(2, 100)]);
        // Whatever begins next reads what stands there.
        state.observed.instance.gateway.running = Some(false);
    })
}

fn run(command: &str, begun: i64, value: u8) -> PastRun {
    PastRun {
        id: RunId::new("0192f3c4-0000-7000"),
        command: command.to_owned(),
        begun: at(begun),
        wrote: vec![(profile(P), Some(print(value)))],
        durable: Some(at(begun + 1)),
        activated: Some(ActivationOutcome::Done {
            way: instance::ActivationWay::AuthRefresh,
            at: at(begun + 2),
        }),
        accepted: None,
    }
}

#[test]
fn calls_of_several_agents_are_named_with_the_time_in_which_they_were_seen() {
    let untested = answer(&verified(&three(), false), &[], "several_agents_seen");
    assert_eq!(untested.result, CheckResult::NotTested);
    assert!(untested.reason.contains("--through-gateway"), "{untested:?}");

    let answered = TurnOutcome::Answered { by: None };
    let refused = TurnOutcome::AuthFailed { why: "401".to_owned() };
    for (outcomes, result, words) in [
        ([&answered, &answered, &refused], CheckResult::Yes, "2 of 3 agents"),
        ([&answered, &refused, &refused], CheckResult::No, "only main of 3 agents"),
        ([&refused, &refused, &refused], CheckResult::No, "none of 3 agents"),
    ] {
        let fake = three().with(|state| {
            for (id, outcome) in ["main", "stocks", "ops"].into_iter().zip(outcomes) {
                turn(state, id, outcome.clone());
            }
        });
        let check = answer(&verified(&fake, true), &[], "several_agents_seen");
        assert_eq!(check.result, result, "{check:?}");
        assert!(check.reason.contains(words), "{check:?}");
        assert_eq!(check.evidence.len(), 3, "each agent's own line: {check:?}");
        assert!(
            check.evidence.iter().all(|line| line.contains("00:00:01") && line.contains("00:00:02")),
            "{check:?}"
        );
    }
    let silent = TurnOutcome::NotAsked { reason: "the gateway does not run".to_owned() };
    let fake =
        three().with(|state| ["main", "stocks", "ops"].iter().for_each(|id| turn(state, id, silent.clone())));
    let check = answer(&verified(&fake, true), &[], "several_agents_seen");
    assert_eq!(check.result, CheckResult::NotTested, "who was not asked did not fail");
    assert!(check.evidence[0].contains("does not run"), "{check:?}");
    assert!(check.reason.contains("the gateway does not run"), "it says why: {check:?}");
}

#[test]
fn a_change_came_by_itself_unless_somebody_ran_a_repair_for_it() {
    let report = verified(&changed(three()), false);
    let propagated = |runs: &[PastRun]| answer(&report, runs, "propagated");
    for command in ["watch", "set", "rotate", "credential set"] {
        let check = propagated(&[run(command, 100, 2)]);
        assert_eq!(check.result, CheckResult::Yes, "{check:?}");
        let line = &check.evidence[1];
        for words in
            [command, "0192f3c4", "durable after 1.0 s", "read by the gateway after 2.0 s", "not asked"]
        {
            assert!(line.contains(words), "{words}: {check:?}");
        }
    }
    // The newest run only took a copy away, as `agent disable` does: the one that wrote the value has brought it.
    let mut disabled = run("agent", 150, 2);
    disabled.wrote = vec![(profile(P), None)];
    let check = propagated(&[disabled, run("rotate", 110, 2)]);
    assert!(check.reason.contains("by keyshoal rotate"), "{check:?}");
    for command in ["sync", "doctor", "replace", "recover"] {
        let check = propagated(&[run(command, 130, 2)]);
        assert_eq!(check.result, CheckResult::No, "{check:?}");
        assert!(check.reason.contains(command) && check.reason.contains("watch"), "{check:?}");
    }
    // The run that makes a change begins before the change is seen; what wrote other values, or another profile, is no part of it.
    assert_eq!(propagated(&[run("set", 90, 2)]).result, CheckResult::Yes);
    let mut hid = run("sync", 130, 2);
    hid.wrote = vec![(profile(P), None)];
    assert_eq!(propagated(&[hid]).result, CheckResult::No, "a copy that hid it was taken away by hand");
    let mut other = run("sync", 130, 2);
    other.wrote = vec![(profile("other:default"), Some(print(2)))];
    // Nor does what gives an agent a value of its own, whenever that was.
    for unrelated in [run("sync", 90, 1), run("quarantine", 130, 9), other] {
        let check = propagated(&[unrelated]);
        assert_eq!((check.result, check.evidence.len()), (CheckResult::NotTested, 1), "{check:?}");
        assert!(check.reason.contains("stocks") && check.reason.contains("nobody knows"), "{check:?}");
    }
}

#[test]
fn a_change_that_is_not_everywhere_has_not_arrived_whoever_brought_it() {
    let fake = changed(three().has(&of("ops"), 1)).says(1, VerdictKind::InvalidKey);
    let check = answer(&verified(&fake, false), &[run("watch", 100, 2)], "propagated");
    assert_eq!(check.result, CheckResult::No);
    assert!(check.reason.contains("ops") && !check.reason.contains("stocks"), "{check:?}");

    let inherited = changed(Fake::json(&["main", "stocks"]).has(&StoreId::Base, 2).says(2, VerdictKind::Ok));
    let check = answer(&verified(&inherited, false), &[], "propagated");
    assert_eq!(check.result, CheckResult::Yes, "{check:?}");
    assert!(check.reason.contains("inherits"), "{check:?}");
}

/// The value of before a rotation, copied into a profile of another name, is an earlier one wherever it stands.
#[test]
fn an_earlier_value_under_another_name_is_no_difference_on_purpose() {
    let backup = profile("acme:backup");
    let holding = |value: u8| {
        let fake = changed(three());
        let held = fake.0.borrow().observed.profile(&of("stocks"), &profile(P)).unwrap().clone();
        let view = ProfileView { material: Material::Inline(print(value)), ..held };
        fake.with(|state| {
            let store = state.observed.stores.get_mut(&of("stocks")).unwrap();
            store.profiles.insert(backup.clone(), view);
        })
    };
    let said = |fake: &Fake| answer(&verified(fake, false), &[], "same_generation");
    let earlier = said(&holding(1));
    assert_eq!(earlier.result, CheckResult::No, "{earlier:?}");
    assert!(
        earlier.reason.contains("acme:backup") && earlier.reason.contains("an earlier value of acme:default")
    );
    // Nothing says of any other that it is meant, but a person.
    let other = said(&holding(7));
    assert_eq!(other.result, CheckResult::Yes);
    assert!(!other.reason.contains("on purpose") && other.reason.contains("nothing to compare"), "{other:?}");
    let meant = holding(1).with(|state| {
        let mark = knowledge::KeptMark { by: knowledge::KeptBy::Person, fingerprint: print(1), since: at(1) };
        state.knowledge.kept.insert((agent("stocks"), backup.clone()), mark);
    });
    assert_eq!(said(&meant).result, CheckResult::Yes);
}
