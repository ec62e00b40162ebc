//! What is said of a rotation's end must be true of every agent.

use crate::fake::*;
use crate::rotating::*;
use keyshoal_core::*;
use keyshoal_engine::ports::Remember as _;
use keyshoal_engine::rotate::*;

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
