//! Who is asked about what.

use crate::fake::*;
use keyshoal_core::*;
use keyshoal_engine::{AskPolicy, LookOptions, Outcome, SyncOptions, look};

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

/// A key of an agent's own that was refused when somebody looked last.
fn refused_a_moment_ago() -> Fake {
    let fake = Fake::json(&["main", "a"])
        .has(&StoreId::Base, 2)
        .has(&of("a"), 7)
        .says(7, VerdictKind::InvalidKey)
        .says(2, VerdictKind::Ok);
    assert_eq!(looked(&fake, AskPolicy::Remembered, false), [2, 7]);
    assert!(looked(&fake, AskPolicy::Remembered, false).is_empty());
    fake
}

fn synced(fake: &Fake, ask: AskPolicy, dry_run: bool) -> (FindingKind, Vec<u8>) {
    let look = LookOptions { ask, ..LookOptions::default() };
    let options = SyncOptions { look, dry_run, assume_yes: true, ..SyncOptions::default() };
    let look = fake.sync_by(&options, &mut Script::default()).look;
    (look.judgement.copies[&(of("a"), profile(P))].finding, fake.asked())
}

#[test]
fn nothing_is_replaced_for_a_refusal_that_is_only_remembered() {
    let still = refused_a_moment_ago();
    assert_eq!(synced(&still, AskPolicy::Remembered, true), (FindingKind::Stale, vec![7]));
    assert_eq!(synced(&still, AskPolicy::Remembered, false), (FindingKind::Stale, vec![7]));
    assert_eq!(still.value(&of("a")), Some(print(2)));

    for (said, found) in [(VerdictKind::Ok, FindingKind::Kept), (VerdictKind::Timeout, FindingKind::Foreign)]
    {
        let fake = refused_a_moment_ago().says(7, said);
        assert_eq!(synced(&fake, AskPolicy::Remembered, true), (found, vec![7]), "the preview says so");
        assert_eq!(synced(&fake, AskPolicy::Remembered, false).0, found);
        assert_eq!(fake.value(&of("a")), Some(print(7)), "{said:?}");
    }

    let alone = refused_a_moment_ago().says(7, VerdictKind::Ok);
    assert_eq!(
        synced(&alone, AskPolicy::Offline, false),
        (FindingKind::Stale, vec![]),
        "nobody may be asked"
    );
}

#[test]
fn what_failed_at_the_program_since_it_was_accepted_is_asked_about_again() {
    let fake = Fake::json(&["main", "a"]).has(&StoreId::Base, 2).says(2, VerdictKind::Ok);
    assert_eq!(looked(&fake, AskPolicy::Now, true), [2]);
    let marked = |failed: i64| {
        let mark = UsageView {
            last_failure: Some(at(failed)),
            error_count: 1,
            cooldown: Some((at(9000), "auth".to_owned())),
            ..UsageView::default()
        };
        move |state: &mut State| {
            state.now = at(1060);
            state.observed.stores.get_mut(&StoreId::Base).unwrap().usage.insert(profile(P), mark);
        }
    };
    let fake = fake.with(marked(900));
    assert!(looked(&fake, AskPolicy::Remembered, false).is_empty(), "it was accepted after that failure");
    let fake = fake.with(marked(1030));
    assert_eq!(looked(&fake, AskPolicy::Remembered, false), [2]);
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
        let named = ProfileView {
            material: Material::Ref { reference, fingerprint: print(8), known: false },
            ..api_key(8)
        };
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

/// An agent that asks a proxy of its own.
fn proxied(own: u8) -> Fake {
    Fake::json(&["main", "academic"])
        .has(&StoreId::Base, 1)
        .has(&of("academic"), own)
        .says(1, VerdictKind::Ok)
        .with(|state| {
            let academic = state.observed.agents.iter_mut().find(|one| one.id == agent("academic")).unwrap();
            academic.endpoints.get_mut(&ProviderId::from(ACME)).unwrap().base_url =
                Some("https://proxy".into());
        })
}

fn shown_to_the_proxy(fake: &Fake, value: u8) -> bool {
    fake.0.borrow().asked_at.contains(&(value, Some("https://proxy".to_owned())))
}

#[test]
fn the_sources_value_is_shown_only_where_it_is_about_to_be_sent() {
    // Accepted where it is used: the source's value has no business there.
    let fake = proxied(9).says(9, VerdictKind::Ok);
    fake.sync();
    assert!(shown_to_the_proxy(&fake, 9) && !shown_to_the_proxy(&fake, 1));
    // A person has said that it is the agent's own, and it is dead: the same.
    let fake = proxied(9).says(9, VerdictKind::Revoked).with(|state| {
        let mark = keyshoal_core::knowledge::KeptMark {
            fingerprint: print(9),
            by: keyshoal_core::knowledge::KeptBy::Person,
            since: at(1),
        };
        state.knowledge.kept.insert((agent("academic"), profile(P)), mark);
    });
    fake.sync();
    assert!(shown_to_the_proxy(&fake, 9) && !shown_to_the_proxy(&fake, 1));
    // Dead, and nobody's: the source's would take its place, so it is asked first whether that would work there.
    let fake = proxied(9).says(9, VerdictKind::Revoked);
    fake.sync();
    assert!(shown_to_the_proxy(&fake, 1));
    assert_eq!(fake.value(&of("academic")), Some(print(1)));
}

#[test]
fn a_copy_that_is_accepted_does_not_give_way_to_a_source_of_which_nothing_is_known() {
    // The base store was restored to a value from before anything was remembered.
    let fake = Fake::json(&["main", "stocks"])
        .has(&StoreId::Base, 4)
        .has(&of("stocks"), 2)
        .generations(&[1, 2])
        .says(4, VerdictKind::Timeout)
        .says(2, VerdictKind::Ok);
    fake.expect(Outcome::Attention);
    assert_eq!(fake.value(&of("stocks")), Some(print(2)));
    let fake = fake.says(4, VerdictKind::Ok);
    fake.expect(Outcome::Done);
    assert_eq!(fake.value(&of("stocks")), Some(print(4)));
}

#[test]
fn a_remembered_no_to_the_source_holds_nothing_back_that_may_be_asked() {
    let fake = fleet().says(1, VerdictKind::InvalidKey).says(2, VerdictKind::InvalidKey);
    let remembered = || LookOptions { ask: AskPolicy::Remembered, ..LookOptions::default() };
    let sync = |fake: &Fake| {
        let options = keyshoal_engine::SyncOptions { look: remembered(), ..options() };
        fake.sync_by(&options, &mut Script::default())
    };
    assert_eq!(sync(&fake).outcome, Outcome::Attention);
    // It was let in again a second later.
    let fake = fake.says(2, VerdictKind::Ok).with(|state| state.now = at(1001));
    assert_eq!(sync(&fake).outcome, Outcome::Done);
    // The same where every copy equals it, so that nothing differs.
    let fake = Fake::json(&["main", "a"]).has(&StoreId::Base, 2).says(2, VerdictKind::InvalidKey);
    assert_eq!(looked(&fake, AskPolicy::Now, true), [2]);
    let fake = fake.says(2, VerdictKind::Ok);
    assert_eq!(looked(&fake, AskPolicy::Remembered, false), [2]);
    assert!(looked(&fake, AskPolicy::Remembered, false).is_empty());
}
