//! What is said of a rotation's end must be true of every agent.

use crate::fake::*;
use crate::rotating::*;
use keyshoal_core::*;
use keyshoal_engine::ports::Remember as _;
use keyshoal_engine::rotate::*;
use proptest::prelude::*;

#[test]
fn a_dead_value_comes_back_only_when_a_person_says_so_and_nobody_is_said_to_have_it_before() {
    let published = || {
        let fake = fleet();
        let mut vault = Vault::new(&fake);
        let grace = RotateOptions { grace: Some(3600), ..at_once() };
        run(&mut vault, &grace).unwrap();
        let record = (vault.current, vault.pending, vault.previous, vault.record.clone());
        // What its provider says of it now, and is known of it; where a person goes back, nobody is asked on the way.
        fake.0.borrow_mut().says.insert(OLD, VerdictKind::Revoked);
        let endpoint = fake.0.borrow().observed.agents[0].endpoints[&ProviderId::from(ACME)].clone();
        let ask = Ask { fingerprint: print(OLD), kind: CredentialKind::ApiKey, endpoint };
        let verdict = Verdict::new(VerdictKind::Revoked, at(1000));
        fake.learn(&[Fact::Verdict { ask, verdict }]).unwrap();
        (fake, record)
    };
    let (fake, (current, pending, previous, record)) = published();
    let mut vault = Vault { current, pending, previous, record, ..Vault::new(&fake) };
    vault.tell();
    let mut rotation = vault.rotation();
    let offline = RotateOptions { offline: true, ..at_once() };
    let (_, ended) = roll_back(&fake, &mut vault, &mut rotation, &offline, &mut |_| {}).unwrap();
    assert!(matches!(ended, Ended::RolledBack { asked: true, clean: true, .. }), "{ended:?}");
    assert_eq!(held(&fake), [OLD; 5]);

    // Nobody said so: the agents fail with the new value as well, and it would be false that they have the other.
    let (fake, (current, pending, previous, mut record)) = published();
    record.0 = Stage::Published;
    record.1.proven = None;
    let fake = fake.says(NEW, VerdictKind::Revoked);
    let mut vault = Vault { current, pending, previous, record, ..Vault::new(&fake) };
    vault.tell();
    let (report, ended) = run(&mut vault, &at_once()).unwrap();
    assert!(matches!(ended, Ended::RolledBack { asked: false, clean: false, .. }), "{ended:?}");
    assert!(report.failures.iter().any(|one| one.why.contains("still holds")), "{:?}", report.failures);
    assert_eq!(held(&fake), [NEW; 5]);
}

/// Its provider comes to reject the new value once the canary has it.
fn spoilt_with(
    options: &RotateOptions,
    old: VerdictKind,
) -> (Fake, (Stage, keyshoal_engine::rotate::State, u8, usize)) {
    let fake = fleet().says(OLD, old);
    let endpoint = fake.0.borrow().observed.agents[0].endpoints[&ProviderId::from(ACME)].clone();
    let ask = Ask { fingerprint: print(OLD), kind: CredentialKind::ApiKey, endpoint };
    fake.learn(&[Fact::Verdict { ask, verdict: Verdict::new(old, at(1000)) }]).unwrap();
    let mut vault = Vault::new(&fake);
    let mut rotation = vault.rotation();
    let mut waves = 0;
    let (report, ended) = rotate(&fake, &mut vault, &mut rotation, options, &mut |event| {
        if let Event::Wave { number, .. } = event {
            waves += 1;
            if number == 1 {
                fake.0.borrow_mut().says.insert(NEW, VerdictKind::Revoked);
            }
        }
    })
    .unwrap();
    assert_eq!(matches!(ended, Ended::RolledBack { clean: true, .. }), !old.is_dead(), "{ended:?}");
    let named: Vec<&str> = report.failures.iter().map(|one| one.agent.as_str()).collect();
    assert_eq!(named, ["stocks"], "nobody else was given it, and nobody is named twice");
    let (stage, state) = vault.record.clone();
    let current = vault.current;
    (fake, (stage, state, current, waves))
}

#[test]
fn who_would_fail_is_counted_before_he_is_given_it_and_whom_nobody_brought_back_keeps_it_open() {
    for budget in [1, 3, 9] {
        let options = RotateOptions { error_budget: budget, ..at_once() };
        let (fake, (stage, state, current, waves)) = spoilt_with(&options, VerdictKind::Ok);
        assert_eq!((stage, state.going_back, current, waves), (Stage::RolledBack, false, OLD, 1));
        assert_eq!(held(&fake), [OLD; 5]);

        // The value before is dead as well: nobody brings that back but a person, and until then it is not over.
        let (fake, (stage, state, current, waves)) = spoilt_with(&options, VerdictKind::Revoked);
        assert_eq!((stage, state.going_back, current, waves), (Stage::RolledBack, true, OLD, 1));
        let there = [OLD, NEW, OLD, OLD, OLD];
        let mut vault = Vault { pending: None, record: (stage, state), ..Vault::new(&fake) };
        vault.tell();
        let (report, ended) = run(&mut vault, &options).unwrap();
        assert!(matches!(ended, Ended::RolledBack { clean: false, .. }), "{ended:?}");
        assert!(report.failures[0].why.contains("--rollback"), "{:?}", report.failures);
        assert_eq!((held(&fake), vault.record.1.is_over(vault.record.0)), (there.to_vec(), false));
        let mut rotation = vault.rotation();
        let offline = RotateOptions { offline: true, ..options };
        let (_, ended) = roll_back(&fake, &mut vault, &mut rotation, &offline, &mut |_| {}).unwrap();
        assert!(
            matches!(ended, Ended::RolledBack { asked: true, clean: true, until: None, .. }),
            "{ended:?}"
        );
        assert_eq!((held(&fake), vault.record.1.is_over(vault.record.0)), (vec![OLD; 5], true));
    }
}

#[test]
fn who_keeps_a_value_of_its_own_is_named() {
    const OWN: u8 = 9;
    let mark = knowledge::KeptMark { fingerprint: print(OWN), by: knowledge::KeptBy::Person, since: at(1) };
    let fake = fleet().has(&of("stocks"), OWN).says(OWN, VerdictKind::Ok);
    let fake = fake.with(|state| {
        state.knowledge.kept.insert((agent("stocks"), profile(P)), mark);
    });
    let mut vault = Vault::new(&fake);
    let mut rotation = vault.rotation();
    let (report, ended) = rotate(&fake, &mut vault, &mut rotation, &at_once(), &mut |_| {}).unwrap();
    assert!(matches!(ended, Ended::Finished), "{ended:?}");
    assert_eq!(report.keeping.iter().map(AgentId::as_str).collect::<Vec<_>>(), ["stocks"]);
    assert_eq!(held(&fake), [NEW, OWN, NEW, NEW, NEW]);
}

#[test]
fn the_newer_value_stays_at_hand_after_a_way_back_and_is_gone_forward_to_again() {
    let fake = fleet();
    let mut vault = Vault::new(&fake);
    let hour = RotateOptions { grace: Some(3600), ..at_once() };
    run(&mut vault, &hour).unwrap();
    let back = |vault: &mut Vault<'_>| {
        let mut rotation = vault.rotation();
        let offline = RotateOptions { offline: true, ..hour.clone() };
        roll_back(&fake, vault, &mut rotation, &offline, &mut |_| {}).unwrap().1
    };
    // Who says it twice gets the same.
    for _ in 0..2 {
        let ended = back(&mut vault);
        let Ended::RolledBack { asked: true, clean: true, until: Some(until), .. } = ended else {
            panic!("{ended:?}")
        };
        assert_eq!((until, vault.record.1.until), (at(1000 + 3600), Some(until)));
        assert_eq!((held(&fake), vault.current, vault.previous), (vec![OLD; 5], OLD, Some(NEW)));
        assert!(!vault.record.1.is_over(vault.record.0) && vault.record.1.only_waits(vault.record.0));
    }
    // Who only goes on leaves it so.
    let (_, ended) = run(&mut vault, &RotateOptions::default()).unwrap();
    assert!(matches!(ended, Ended::RolledBack { until: Some(_), .. }), "{ended:?}");
    let mut rotation = vault.rotation();
    let (_, ended) = go_forward(&fake, &mut vault, &mut rotation, &hour, &mut |_| {}).unwrap();
    assert!(matches!(ended, Ended::Grace { .. }), "{ended:?}");
    assert_eq!((held(&fake), vault.current, vault.previous), (vec![NEW; 5], NEW, Some(OLD)));
    // Its time is over some day, and then it is gone.
    back(&mut vault);
    fake.0.borrow_mut().now = at(1000 + 3600);
    let (_, ended) = run(&mut vault, &RotateOptions::default()).unwrap();
    assert!(matches!(ended, Ended::RolledBack { clean: true, until: None, .. }), "{ended:?}");
    assert_eq!((held(&fake), vault.current, vault.previous), (vec![OLD; 5], OLD, None));
    assert!(vault.record.1.is_over(vault.record.0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Back and forward, and the process ends at any step: no value is lost before its time, and whoever goes on ends with one everywhere.
    #[test]
    fn back_and_forward_lose_no_value_wherever_the_process_ends(
        ways in prop::collection::vec((any::<bool>(), prop::option::of((1_usize..4, any::<bool>()))), 1..8)
    ) {
        let fake = fleet();
        let mut vault = Vault::new(&fake);
        let hour = RotateOptions { grace: Some(3600), ..at_once() };
        run(&mut vault, &hour).unwrap();
        for (back, ends) in ways {
            vault.ends = ends.map(|(steps, after)| (vault.steps + steps, after));
            let mut rotation = vault.rotation();
            let went = match back {
                true => roll_back(&fake, &mut vault, &mut rotation, &hour, &mut |_| {}),
                false if rotation.state.keeps_newer(rotation.stage) => {
                    go_forward(&fake, &mut vault, &mut rotation, &hour, &mut |_| {})
                }
                false => run(&mut vault, &hour),
            };
            if went.is_ok() {
                let wanted = match vault.record.0 { Stage::RolledBack => OLD, _ => NEW };
                prop_assert_eq!(held(&fake), vec![wanted; 5]);
            }
            prop_assert_eq!(vault.current, if vault.record.0 == Stage::RolledBack { OLD } else { NEW });
            prop_assert_eq!(vault.previous, Some(OLD + NEW - vault.current));
        }
        vault.ends = None;
        run(&mut vault, &hour).unwrap();
        prop_assert_eq!(held(&fake), vec![vault.current; 5]);
        run(&mut vault, &at_once()).unwrap();
        prop_assert_eq!((vault.previous, vault.record.1.is_over(vault.record.0)), (None, true));
    }
}

#[test]
fn a_prompt_counts_only_where_the_new_value_is_what_was_sent() {
    let prompted = |by: &str| {
        let outcome =
            TurnOutcome::Answered { by: Some(ModelName { provider: by.into(), model: "m".into() }) };
        let fake = fleet().with(|state| {
            for number in 0..state.observed.agents.len() {
                let one = &mut state.observed.agents[number];
                one.needs.insert(ACME.into(), vec!["acme/m".into()]);
                let turn = Turn::not_asked(one.id.clone(), at(1000), "");
                state.turns.insert(one.id.clone(), Turn { outcome: outcome.clone(), ..turn });
            }
        });
        let mut vault = Vault::new(&fake);
        let options = RotateOptions { through_gateway: true, ..at_once() };
        let (report, ended) = run(&mut vault, &options).unwrap();
        (report.failures, ended)
    };
    let (failures, ended) = prompted(ACME);
    assert!(matches!(ended, Ended::Finished) && failures.is_empty(), "{ended:?} {failures:?}");
    // Another provider's answer shows nothing: it is neither proven, nor shown to fail.
    let (failures, ended) = prompted("other");
    assert!(matches!(ended, Ended::Halted { .. }), "{ended:?}");
    assert!(failures.iter().all(|one| !one.certain && one.why.contains("other/m answered")), "{failures:?}");
}
