//! The whole rotation in one command.

use crate::fake::*;
use keyshoal_core::*;
use keyshoal_engine::{LookOptions, Outcome, SetError, SetRequest, SyncOptions, Unattended, set};

fn fleet() -> Fake {
    Fake::json(&["main", "stocks", "ops", "academic"])
        .has(&StoreId::Base, 1)
        .has(&of("stocks"), 1)
        .has(&of("academic"), 9)
        .says(1, VerdictKind::Ok)
        .says(5, VerdictKind::Ok)
        .says(9, VerdictKind::Ok)
}

fn request(target: &str, value: u8) -> SetRequest {
    SetRequest {
        target: target.to_owned(),
        fingerprint: print(value),
        kind: None,
        expires: None,
        sync: options(),
    }
}

#[test]
fn a_new_value_goes_everywhere_and_overrides_stay() {
    let fake = fleet();
    let report = set(&fake, &request("acme", 5), &mut Unattended, &mut |_| {}).unwrap();
    assert_eq!(report.target.profile, profile(P));
    assert_eq!(report.sync.outcome, Outcome::Done, "{:?}", report.sync.after.judgement.findings);
    assert_eq!(report.verdicts[0].1.kind, VerdictKind::Ok);
    for id in ["main", "stocks", "ops"] {
        assert_eq!(fake.sends(id), Some(print(5)), "{id}");
    }
    assert_eq!(fake.sends("academic"), Some(print(9)));
    assert_eq!(fake.log()[0], "begin set");
    fake.expect(Outcome::NothingToDo);
}

#[test]
fn a_value_that_its_provider_rejects_is_refused_before_anything_is_written() {
    for kind in [VerdictKind::InvalidKey, VerdictKind::Revoked, VerdictKind::MalformedKey] {
        let fake = fleet().says(5, kind);
        let error = set(&fake, &request(P, 5), &mut Unattended, &mut |_| {}).unwrap_err();
        assert!(matches!(&error, SetError::Rejected(why) if why.verdict.kind == kind), "{error}");
        assert!(fake.log().is_empty());
    }
}

#[test]
fn offline_it_is_not_tested_and_not_called_accepted() {
    let fake = fleet().says(5, VerdictKind::InvalidKey);
    let mut offline = request(P, 5);
    offline.sync.look = LookOptions::default();
    let report = set(&fake, &offline, &mut Unattended, &mut |_| {}).unwrap();
    assert!(report.verdicts.is_empty() && fake.asked().is_empty());
    assert!(report.sync.receipts.iter().all(|one| one.accepted.is_none()));
}

#[test]
fn a_value_that_was_there_before_can_be_given_again() {
    let fake = fleet().generations(&[5, 1]);
    let report = set(&fake, &request(P, 5), &mut Unattended, &mut |_| {}).unwrap();
    assert_eq!(report.sync.outcome, Outcome::Done);
    fake.expect(Outcome::NothingToDo);
    assert_eq!(fake.sends("stocks"), Some(print(5)));
}

#[test]
fn a_new_provider_gets_a_profile_that_agents_inherit() {
    let fake = fleet();
    let report = set(&fake, &request("zeta", 5), &mut Unattended, &mut |_| {}).unwrap();
    assert_eq!((report.target.profile.as_str(), report.target.is_new), ("zeta:default", true));
    let state = fake.0.borrow();
    assert!(state.observed.profile(&StoreId::Base, &profile("zeta:default")).is_some());
    assert!(state.observed.profile(&of("stocks"), &profile("zeta:default")).is_none());
}

#[test]
fn what_could_mean_several_profiles_is_refused() {
    let fake = fleet().with(|state| {
        state
            .observed
            .stores
            .get_mut(&StoreId::Base)
            .unwrap()
            .profiles
            .insert(profile("acme:two"), api_key(4));
    });
    let error = set(&fake, &request("acme", 5), &mut Unattended, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("acme:default, acme:two"), "{error}");
}

#[test]
fn a_login_is_not_written_over() {
    let fake = fleet().with(|state| {
        let login = ProfileView { kind: CredentialKind::OAuth, ..api_key(4) };
        state
            .observed
            .stores
            .get_mut(&StoreId::Base)
            .unwrap()
            .profiles
            .insert(profile("acme:default"), login);
    });
    let error = set(&fake, &request("acme:default", 5), &mut Unattended, &mut |_| {}).unwrap_err();
    assert!(matches!(error, SetError::IsOAuth { .. }), "{error}");
}

#[test]
fn the_configs_type_wins() {
    let fake = fleet().with(|state| {
        state.observed.modes.insert(profile(P), CredentialKind::Token);
    });
    set(&fake, &request(P, 5), &mut Unattended, &mut |_| {}).unwrap();
    let state = fake.0.borrow();
    assert_eq!(state.observed.profile(&StoreId::Base, &profile(P)).unwrap().kind, CredentialKind::Token);
    assert_eq!(state.observed.profile(&of("stocks"), &profile(P)).unwrap().kind, CredentialKind::Token);
}

#[test]
fn nobody_there_to_ask_means_nothing_is_written() {
    let fake = fleet();
    let mut careful = request(P, 5);
    careful.sync = SyncOptions { assume_yes: false, ..options() };
    let report = set(&fake, &careful, &mut Unattended, &mut |_| {}).unwrap();
    assert_eq!((report.sync.outcome, fake.writes()), (Outcome::NeedsAnswer, 0));
}

/// One agent alone has the profile; what agents inherit has none.
fn alone() -> Fake {
    Fake::json(&["main", "stocks", "academic"])
        .has(&of("academic"), 9)
        .says(5, VerdictKind::Ok)
        .says(9, VerdictKind::Ok)
}

#[test]
fn what_a_person_keeps_is_not_written_over_for_being_the_only_one() {
    let keep = |state: &mut State| {
        let fingerprint = print(9);
        let mark = keyshoal_core::knowledge::KeptMark {
            fingerprint,
            by: keyshoal_core::knowledge::KeptBy::Person,
            since: at(1),
        };
        state.knowledge.kept.insert((agent("academic"), profile(P)), mark);
    };
    let fake = alone().with(keep);
    let report = set(&fake, &request(P, 5), &mut Unattended, &mut |_| {}).unwrap();
    assert_eq!(fake.value(&of("academic")), Some(print(9)));
    assert_eq!((fake.value(&StoreId::Base), report.sync.outcome), (Some(print(5)), Outcome::Done));
    // By name it is this agent's that is meant.
    let fake = alone().with(keep);
    let mut of_academic = request(P, 5);
    of_academic.sync.look.scope.agents.insert(agent("academic"));
    let report = set(&fake, &of_academic, &mut Unattended, &mut |_| {}).unwrap();
    assert_eq!((fake.value(&of("academic")), fake.value(&StoreId::Base)), (Some(print(5)), None));
    assert_eq!(report.sync.outcome, Outcome::Done, "{:?}", report.sync.after.judgement.findings);
    assert_eq!(fake.sends("stocks"), None);
}

#[test]
fn a_value_is_never_lost_for_want_of_a_place() {
    // Two agents have one of their own each: the new one goes where the others inherit from.
    let fake = alone().has(&of("stocks"), 7).says(7, VerdictKind::Ok);
    let report = set(&fake, &request(P, 5), &mut Unattended, &mut |_| {}).unwrap();
    assert_eq!((fake.value(&StoreId::Base), report.sync.outcome), (Some(print(5)), Outcome::Done));
    assert_eq!((fake.value(&of("stocks")), fake.value(&of("academic"))), (Some(print(7)), Some(print(9))));
    // An agent whose database is not there yet has no place, and nobody else's is taken for it.
    let fake = fleet().with(|state| {
        state.observed.capabilities.makes_stores = false;
        state.observed.stores.get_mut(&of("ops")).unwrap().health = StoreHealth::Absent;
    });
    let mut of_ops = request(P, 5);
    of_ops.sync.look.scope.agents.insert(agent("ops"));
    let error = set(&fake, &of_ops, &mut Unattended, &mut |_| {}).unwrap_err();
    let SetError::Nowhere { hint, .. } = &error else { panic!("{error}") };
    assert!(hint.contains("OpenClaw makes ops's database") && fake.writes() == 0, "{error}: {hint}");
    // A base store that cannot be read takes nothing.
    let fake = alone().has(&of("stocks"), 7).with(|state| {
        state.observed.stores.get_mut(&StoreId::Base).unwrap().health =
            StoreHealth::Unreadable("torn".into());
    });
    let error = set(&fake, &request(P, 5), &mut Unattended, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("cannot be read: torn"), "{error}");
}

#[test]
fn a_value_that_was_rejected_a_moment_ago_is_asked_about_again() {
    let fake = fleet().says(5, VerdictKind::InvalidKey);
    let mut again = request(P, 5);
    again.sync.look.ask = keyshoal_engine::AskPolicy::Remembered;
    set(&fake, &again, &mut Unattended, &mut |_| {}).unwrap_err();
    // Its provider has come to know it.
    let fake = fake.says(5, VerdictKind::Ok);
    let report = set(&fake, &again, &mut Unattended, &mut |_| {}).unwrap();
    assert_eq!(report.sync.outcome, Outcome::Done);
}

#[test]
fn an_agents_own_value_is_not_taken_for_the_others_source() {
    for (holder, offline) in [("academic", false), ("academic", true), ("stocks", false)] {
        let fake = fleet();
        let mut own = request(P, 5);
        own.sync.look.scope.agents.insert(agent(holder));
        own.sync.look.ask = if offline { keyshoal_engine::AskPolicy::Offline } else { own.sync.look.ask };
        let report = set(&fake, &own, &mut Unattended, &mut |_| {}).unwrap();
        assert_eq!((fake.value(&of(holder)), fake.value(&StoreId::Base)), (Some(print(5)), Some(print(1))));
        let findings = &report.sync.after.judgement.findings;
        let wrong: Vec<_> = findings.iter().filter(|one| one.severity == Severity::Attention).collect();
        assert!(wrong.is_empty(), "{holder}, offline {offline}: {wrong:?}");
        assert_eq!(report.sync.outcome, Outcome::Done, "{holder}, offline {offline}");
    }
}

#[test]
fn who_only_inherits_gets_a_value_of_its_own_and_nobody_else_does() {
    for fake in [Fake::json(&["main", "stocks", "ops"]), Fake::shared(&["main", "stocks", "ops"])] {
        let fake = fake.has(&StoreId::Base, 1).says(1, VerdictKind::Ok).says(5, VerdictKind::Ok);
        let mut own = request(ACME, 5);
        own.sync.look.scope.agents.insert(agent("stocks"));
        let report = set(&fake, &own, &mut Unattended, &mut |_| {}).unwrap();
        assert_eq!(report.sync.outcome, Outcome::Done, "{:?}", report.sync.after.judgement.findings);
        assert_eq!((fake.value(&of("stocks")), fake.value(&StoreId::Base)), (Some(print(5)), Some(print(1))));
        assert_eq!((fake.sends("stocks"), fake.sends("ops")), (Some(print(5)), Some(print(1))));
        // It is an override from then on.
        fake.expect(Outcome::NothingToDo);
        assert_eq!(fake.value(&of("stocks")), Some(print(5)));
    }
}
