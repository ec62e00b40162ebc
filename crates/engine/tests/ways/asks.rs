//! Who is asked about what.

use crate::fake::*;
use keyshoal_core::*;
use keyshoal_engine::{AskPolicy, LookOptions, look};

fn looked(fake: &Fake, ask: AskPolicy, ask_all: bool) -> Vec<u8> {
    let options = LookOptions { ask, ask_all, ..LookOptions::default() };
    look(fake, &options, &mut |_| {}).unwrap();
    fake.asked()
}

fn fleet() -> Fake {
    let mut fake = Fake::json(&["main", "a", "b", "c", "d"]).has(&StoreId::Base, 2);
    for id in ["a", "b", "c"] {
        fake = fake.has(&of(id), 1);
    }
    fake.has(&of("d"), 2).says(1, VerdictKind::Revoked).says(2, VerdictKind::Ok)
}

#[test]
fn each_distinct_value_is_asked_once() {
    assert_eq!(looked(&fleet(), AskPolicy::Now, false), [1, 2]);
}

#[test]
fn nobody_is_asked_when_nothing_differs_or_nothing_may_leave() {
    let calm = Fake::json(&["main", "a"]).has(&StoreId::Base, 2).has(&of("a"), 2);
    assert!(looked(&calm, AskPolicy::Now, false).is_empty());
    assert_eq!(looked(&calm, AskPolicy::Now, true), [2]);
    assert!(looked(&fleet(), AskPolicy::Offline, true).is_empty());
}

#[test]
fn what_was_answered_a_moment_ago_is_remembered_for_a_while() {
    let fake = fleet();
    assert_eq!(looked(&fake, AskPolicy::Remembered, false), [1, 2]);
    assert!(looked(&fake, AskPolicy::Remembered, false).is_empty());
    let fake = fake.with(|state| state.now = at(1000 + 3600));
    assert_eq!(looked(&fake, AskPolicy::Remembered, false), [2], "an acceptance ends without notice");
    assert_eq!(looked(&fake, AskPolicy::Now, false), [1, 2]);
}

#[test]
fn an_uncertain_answer_is_asked_for_again() {
    let fake = fleet().says(1, VerdictKind::Timeout);
    looked(&fake, AskPolicy::Remembered, false);
    assert_eq!(looked(&fake, AskPolicy::Remembered, false), [1]);
}

#[test]
fn each_endpoint_is_asked_for_its_own_agents() {
    let fake = fleet().with(|state| {
        let endpoint = state.observed.agents[1].endpoints.get_mut(&ProviderId::from(ACME)).unwrap();
        endpoint.base_url = Some("https://proxy.example".to_owned());
    });
    assert_eq!(looked(&fake, AskPolicy::Now, false), [1, 1, 2, 2]);
}

#[test]
fn logins_fences_and_references_are_never_sent_anywhere() {
    let fake = Fake::json(&["main", "a", "b"]).has(&StoreId::Base, 2).with(|state| {
        let login = ProfileView { kind: CredentialKind::OAuth, ..api_key(7) };
        let reference = SecretRef { source: SecretSource::Env, provider: "x".into(), id: "KEY".into() };
        let named =
            ProfileView { material: Material::Ref { reference, fingerprint: print(8) }, ..api_key(8) };
        state.observed.stores.get_mut(&of("a")).unwrap().profiles.insert(profile(P), login);
        state.observed.stores.get_mut(&of("b")).unwrap().profiles.insert(profile(P), named);
    });
    assert_eq!(looked(&fake, AskPolicy::Now, true), [2]);
}

#[test]
fn the_scope_limits_the_questions() {
    let mut options = LookOptions { ask: AskPolicy::Now, ..LookOptions::default() };
    options.scope.providers.insert(ProviderId::from("other"));
    let fake = fleet();
    look(&fake, &options, &mut |_| {}).unwrap();
    assert!(fake.asked().is_empty());
}
