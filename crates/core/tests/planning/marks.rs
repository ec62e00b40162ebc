//! Cooldowns, and what the gateway does not know yet.

use crate::world::*;
use keyshoal_core::knowledge::Activated;
use keyshoal_core::*;

#[test]
fn an_authentication_mark_that_outlived_its_value_is_reset_where_it_stands() {
    let world = World::shared(&["main", "stocks"]).base(2).cooling(&StoreId::Base, "auth");
    assert!(world.writes().is_empty(), "nobody said yet that the value is accepted");
    let world = world.said(2, VerdictKind::Ok);
    assert_eq!(world.writes(), ["reset base"]);
    let found = world.judged();
    assert!(found.findings.iter().any(|one| one.finding == FindingKind::CoolingDown));
}

#[test]
fn a_failure_after_the_acceptance_is_believed() {
    let mut world =
        World::shared(&["main", "stocks"]).base(2).cooling(&StoreId::Base, "auth").said(2, VerdictKind::Ok);
    world.store(&StoreId::Base).usage.get_mut(&profile(P)).unwrap().last_failure = Some(at(1_000_001));
    assert!(world.writes().is_empty());
}

#[test]
fn no_reset_is_offered_of_a_mark_that_a_rejected_value_has_earned() {
    for (own, whose) in [(2, ""), (9, " --agent stocks")] {
        let world =
            World::json(&["main", "stocks"]).base(2).local("stocks", own).cooling(&of("stocks"), "auth");
        let world = world.kept("stocks", 9, knowledge::KeptBy::Acceptance);
        let told = |world: &World| {
            let judged = world.judged();
            let found = judged.findings.iter().find(|one| one.finding == FindingKind::CoolingDown).unwrap();
            found.fix.clone().unwrap()
        };
        assert_eq!(told(&world), "keyshoal verify --reset-cooldowns");
        let rejected = world.said(own, VerdictKind::Revoked);
        assert_eq!(told(&rejected), format!("keyshoal set {P}{whose}"));
    }
}

#[test]
fn a_gateway_that_lets_only_devices_in_is_said_to_need_one() {
    for wants_device in [false, true] {
        let mut world = World::json(&["main"]).base(2);
        world.observed.capabilities.wants_device = wants_device;
        world.knowledge.activated = Some(Activated { digest: "other".to_owned(), at: at(5) });
        let judged = world.judged();
        let found = judged.findings.iter().find(|one| one.finding == FindingKind::NotActivated).unwrap();
        assert_eq!(found.fix.as_ref().unwrap().ends_with("--allow-device"), wants_device);
    }
}

#[test]
fn billing_and_rate_limit_marks_are_not_ours() {
    for reason in ["billing", "rate_limit", "overloaded"] {
        let world = World::shared(&["main", "stocks"])
            .base(2)
            .cooling(&StoreId::Base, reason)
            .said(2, VerdictKind::Ok);
        assert!(world.planned().is_empty(), "{reason}");
        let judged = world.judged();
        let mark = judged.findings.iter().find(|one| one.finding == FindingKind::CoolingDown).unwrap();
        assert_eq!(mark.severity, Severity::Info);
    }
}

#[test]
fn a_mark_of_an_inheriting_agent_goes_with_the_value_that_earned_it() {
    let world = World::json(&["main", "ops"]).base(1).cooling(&of("ops"), "auth").given(5);
    assert_eq!(world.writes(), ["replace base", "reset ops"]);
}

/// How much it matters that the gateway may not hold what the stores hold.
fn doubt(world: &World) -> Option<Severity> {
    let judged = world.judged();
    let found = judged.findings.iter().find(|one| one.finding == FindingKind::NotActivated);
    found.map(|one| one.severity)
}

#[test]
fn without_a_memory_nothing_is_fine_that_was_written_after_the_gateway_began() {
    let mut world = World::json(&["main"]).base(2);
    world.observed.instance.gateway.started = Some(at(10));
    world.store(&StoreId::Base).modified = Some(at(9));
    assert_eq!(
        (doubt(&world), activation::certain(&world.observed, &world.knowledge).is_some()),
        (None, false)
    );
    world.store(&StoreId::Base).modified = Some(at(11));
    assert_eq!(
        (doubt(&world), activation::certain(&world.observed, &world.knowledge).is_some()),
        (Some(Severity::Info), false)
    );
    world.observed.instance.gateway.running = Some(false);
    assert_eq!(
        (doubt(&world), activation::certain(&world.observed, &world.knowledge).is_some()),
        (None, true)
    );
}

#[test]
fn a_gateway_that_read_other_values_is_told_to_read_again() {
    let mut world = World::json(&["main"]).base(2);
    assert!(world.planned().is_empty(), "nothing is known of what it read");
    world.knowledge.activated = Some(Activated { digest: "other".to_owned(), at: at(5) });
    assert_eq!(world.planned().activation, ActivationNeed::Reload);
    assert!(world.judged().findings.iter().any(|one| one.finding == FindingKind::NotActivated));
    // It began after that, and nothing has changed since.
    world.observed.instance.gateway.started = Some(at(10));
    assert!(world.planned().is_empty());
    world.store(&StoreId::Base).modified = Some(at(11));
    assert!(world.planned().is_empty(), "it may have read what was written while it began");
    assert_eq!(doubt(&world), Some(Severity::Info));
    world.store(&StoreId::Base).modified = Some(at(200));
    assert_eq!(world.planned().activation, ActivationNeed::Reload);
    // A request of an agent explains the write, and nothing tells when the value changed.
    let mark = UsageView { last_used: Some(at(199)), ..UsageView::default() };
    world.store(&StoreId::Base).usage.insert(profile(P), mark);
    assert_eq!((world.planned().is_empty(), doubt(&world)), (true, Some(Severity::Info)));
    // By the word of its own log it has read its stores since.
    world.observed.instance.gateway.read = Some(at(203));
    assert_eq!(doubt(&world), None);
    world.observed.instance.gateway.read = None;
    world.observed.instance.gateway.running = Some(false);
    assert!(world.planned().is_empty());
}

#[test]
fn a_new_profile_is_not_held_back_by_what_an_old_one_of_its_id_left_behind() {
    let world = World::json(&["main", "ops"]).cooling(&StoreId::Base, "auth").given(5);
    assert_eq!(world.writes(), ["insert base", "reset base"]);
}

#[test]
fn a_value_behind_a_reference_that_the_gateway_has_not_read_is_told_as_well() {
    let reference = SecretRef { source: SecretSource::File, provider: "mine".into(), id: "/acme".into() };
    let led = |value: Option<u8>, modified| Referred {
        path: "/srv/mine.json".into(),
        modified: Some(at(modified)),
        value: value.map(print),
        nowhere: None,
    };
    let mut world = World::json(&["main"]).base(2);
    let base = world.store(&StoreId::Base).profiles.get_mut(&profile(P)).unwrap();
    base.material = Material::Ref { fingerprint: print(9), reference: reference.clone(), known: false };
    world.observed.referred.insert(reference.clone(), led(Some(1), 4));
    world.knowledge.activated = Some(Activated { digest: activation::digest(&world.observed), at: at(5) });
    assert_eq!(doubt(&world), None);
    world.observed.referred.insert(reference.clone(), led(Some(2), 9));
    assert_eq!(doubt(&world), Some(Severity::Attention));
    assert_eq!(world.planned().activation, ActivationNeed::Reload);
    let judged = world.judged();
    let found = judged.findings.iter().find(|one| one.finding == FindingKind::NotActivated).unwrap();
    assert!(
        found.message.starts_with("a file that the stores or the config refer to has changed"),
        "{}",
        found.message
    );
    // Something else in the file, and a file that cannot be read from here, say nothing.
    for other in [led(Some(1), 9), led(None, 9)] {
        world.observed.referred.insert(reference.clone(), other);
        assert_eq!(doubt(&world), None);
    }
    // After a start that nobody saw: it may have been read while the gateway began, and not when it was written long after.
    world.observed.instance.gateway.started = Some(at(8));
    for (written, told) in [(9, Severity::Info), (900, Severity::Attention)] {
        world.observed.referred.insert(reference.clone(), led(Some(2), written));
        assert_eq!(doubt(&world), Some(told));
    }
    world.observed.referred.insert(reference, led(Some(2), 9));
    // On a first look there is only the time of the file.
    world.knowledge.activated = None;
    world.observed.instance.gateway.started = Some(at(8));
    assert_eq!(doubt(&world), Some(Severity::Info));
    world.observed.instance.gateway.started = Some(at(10));
    assert_eq!(doubt(&world), None);
}

#[test]
fn an_order_or_a_date_that_the_gateway_has_not_read_is_told_as_well() {
    let mut world = World::json(&["main"]).base(2);
    world.knowledge.activated = Some(Activated { digest: activation::digest(&world.observed), at: at(5) });
    assert_eq!(doubt(&world), None);
    let mut ordered = world.clone();
    ordered.store(&StoreId::Base).order.insert(ACME.into(), vec![profile("acme:other"), profile(P)]);
    assert_eq!(doubt(&ordered), Some(Severity::Attention));
    let mut dated = world.clone();
    dated.store(&StoreId::Base).profiles.get_mut(&profile(P)).unwrap().expires = Some(at(77));
    assert_eq!(doubt(&dated), Some(Severity::Attention));
    // Where only the values are known, as an earlier version remembered them, an order says nothing.
    ordered.knowledge.activated =
        Some(Activated { digest: activation::digest_of_values(&world.observed), at: at(5) });
    assert_eq!(doubt(&ordered), None);
    // An empty order is none, and a use mark is nothing to read again.
    world.store(&StoreId::Base).order.insert(ACME.into(), Vec::new());
    let mark = UsageView { last_used: Some(at(9)), ..UsageView::default() };
    world.store(&StoreId::Base).usage.insert(profile(P), mark);
    assert_eq!(doubt(&world), None);
}
