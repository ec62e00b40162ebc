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
        // What is known of it now; nobody is asked on the way back.
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
