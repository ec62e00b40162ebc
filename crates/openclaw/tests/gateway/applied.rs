//! What a gateway says of the config that it works by, and of references that lead nowhere.

use crate::fake::{Fake, TOKEN};
use crate::{LONG, json};
use keyshoal_core::ProfileId;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn a_config_is_taken_up_once_it_is_another_and_applied() {
    let asked = AtomicUsize::new(0);
    let fake = Fake::modern(move |call| {
        assert_eq!(call["method"], "config.get");
        let (on_disk, applied) =
            [("a", "a"), ("a", "a"), ("b", "a"), ("b", "b")][asked.fetch_add(1, Ordering::Relaxed)];
        vec![json!({ "configRevisionHash": on_disk, "appliedConfigHash": applied, "config": {} })]
    });
    let mut client = fake.connect(&[TOKEN], None, LONG).unwrap();
    let mut state = || client.config_state().unwrap().unwrap();
    let before = state();
    assert!(!state().took_up(&before), "an answer that was kept is no news");
    assert!(!state().took_up(&before), "noticed is not applied");
    assert!(state().took_up(&before));
}

#[test]
fn a_release_that_does_not_say_says_nothing() {
    let fake = Fake::modern(|_| vec![json!({ "hash": "a", "config": {} })]);
    let mut client = fake.connect(&[TOKEN], None, LONG).unwrap();
    assert_eq!(client.config_state().unwrap(), None);
    assert_eq!(client.unresolved().unwrap(), Vec::new());
}

#[test]
fn profiles_whose_references_lead_nowhere_are_named() {
    let fake = Fake::modern(|call| {
        assert_eq!(call["method"], "status");
        let owner = |kind, id, reason| json!({ "ownerKind": kind, "ownerId": id, "state": "unavailable", "reason": reason });
        let of_profile = json!(["/state/agents/main/agent/openclaw-agent.sqlite", "openai:work"]).to_string();
        vec![json!({ "degradedSecretOwners": [
            owner("account", "telegram:default", "secret reference was not found"),
            owner("capability", "skill:x", "secret provider failed"),
            owner("account", of_profile.as_str(), "secret provider is not configured\u{1b}[2J"),
        ] })]
    });
    let mut client = fake.connect(&[TOKEN], None, LONG).unwrap();
    let unresolved = client.unresolved().unwrap();
    assert_eq!(unresolved.len(), 1, "{unresolved:?}");
    assert!(unresolved[0].store.ends_with("main/agent/openclaw-agent.sqlite"));
    assert_eq!(unresolved[0].profile, ProfileId::from("openai:work"));
    assert_eq!(unresolved[0].reason, "secret provider is not configured[2J");
}
