mod built;

use super::*;
use crate::store::contents::{Dialect, contents};
use crate::store::json_text::Document;
use crate::store::model::StoredSecret;
use keyshoal_core::{CredentialKind, SecretRef, SecretSource, Timestamp};
use proptest::prelude::*;
use serde_json::json;

const LAYOUTS: [Layout; 5] =
    [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow];

fn now() -> Timestamp {
    keyshoal_core::time::from_millis(1_795_000_000_000).unwrap()
}

fn id(text: &str) -> ProfileId {
    ProfileId::new(text)
}

#[test]
fn a_document_is_what_the_program_writes() {
    let entry = |layout, name: &str, key: &str| {
        let value = Value::ApiKey(Secret::new(key));
        Entry::of(layout, &id(name), &ProviderId::new("acme"), &value).unwrap()
    };
    let order = [(ProviderId::new("acme"), vec![id("acme:b"), id("acme:a")])];
    let made = |layout| {
        let (a, b) = (entry(layout, "acme:a", "key-1"), entry(layout, "acme:b", "key \"2\""));
        artifact(layout, &[&a, &b], &order).unwrap()
    };
    let profiles = json!({
        "acme:a": { "type": "api_key", "provider": "acme", "key": "key-1" },
        "acme:b": { "type": "api_key", "provider": "acme", "key": "key \"2\"" },
    });
    let order = json!({ "acme": ["acme:b", "acme:a"] });
    let embedded = json!({ "version": 1, "profiles": profiles, "order": order });
    let (store, state) =
        (json!({ "version": 1, "profiles": profiles }), json!({ "version": 1, "order": order }));
    for layout in LAYOUTS {
        let made = made(layout);
        let (text, state_text) = (made.store.reveal_secret(), made.state.as_ref().map(Secret::reveal_secret));
        match layout {
            Layout::JsonFile => assert_eq!((text, state_text), (format!("{embedded:#}\n").as_str(), None)),
            Layout::JsonWithState => {
                assert_eq!(text, format!("{store:#}\n"));
                assert_eq!(state_text, Some(format!("{state:#}\n").as_str()));
            }
            _ => {
                assert_eq!(text, store.to_string());
                assert_eq!(state_text, Some(state.to_string().as_str()));
            }
        }
    }
}

#[test]
fn an_empty_store_is_an_empty_store() {
    for layout in LAYOUTS {
        let made = artifact(layout, &[], &[]).unwrap();
        let expected = match layout.is_sqlite() {
            true => r#"{"version":1,"profiles":{}}"#,
            false => "{\n  \"version\": 1,\n  \"profiles\": {}\n}\n",
        };
        assert_eq!((made.store.reveal_secret(), made.state), (expected, None));
    }
    assert_eq!(artifact(Layout::Unknown, &[], &[]), Err(ArtifactError::UnknownLayout));
}

#[test]
fn of_an_oauth_login_agents_get_what_is_needed_to_use_it_where_that_is_safe() {
    let full = json!({
        "type": "oauth", "provider": "openai", "access": "at", "refresh": "rt", "idToken": "it", "copyToAgents": true,
        "expires": 1_795_000_900_000_i64, "accountId": "acc",
    });
    let text = |value: &serde_json::Value| Secret::new(value.to_string());
    let login = id("openai:me");
    let entry = Entry::new(Layout::SharedRow, &login, &text(&full), now()).unwrap();
    let made = artifact(Layout::SharedRow, &[&entry], &[]).unwrap();
    assert_eq!(
        made.store.reveal_secret(),
        r#"{"version":1,"profiles":{"openai:me":{"type":"oauth","provider":"openai","access":"at","expires":1795000900000,"accountId":"acc"}}}"#
    );
    for layout in LAYOUTS.into_iter().filter(|layout| *layout != Layout::SharedRow) {
        assert!(matches!(Entry::new(layout, &login, &text(&full), now()), Err(EntryError::OAuth { .. })));
    }
    for (field, value) in [
        ("expires", json!(null)),
        ("expires", json!(1_795_000_300_000_i64)),
        ("access", json!("openclaw-oauth-refresh-fence:v1:x")),
        ("access", json!(" ")),
    ] {
        let mut other = full.clone();
        other[field] = value;
        assert!(matches!(
            Entry::new(Layout::SharedRow, &login, &text(&other), now()),
            Err(EntryError::OAuth { .. })
        ));
    }
}

#[test]
fn what_the_program_would_not_use_is_in_no_document() {
    let of = |name: &str, entry: serde_json::Value| {
        Entry::new(Layout::SharedRow, &id(name), &Secret::new(entry.to_string()), now())
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    let key = json!({ "type": "api_key", "provider": "p", "key": "k" });
    for (name, entry, why) in [
        ("__proto__", key.clone(), "ignores"),
        ("personal:me:0190c7a2-0000-7000-8000-000000000000", key, "person's own"),
        ("p:a", json!({ "type": "api_key", "key": "k" }), "provider"),
        ("p:a", json!({ "type": "what", "provider": "p" }), "unknown"),
        ("p:a", json!({ "type": "api_key", "provider": "p", "key": "" }), "no value"),
        ("p:a", json!({ "type": "token", "provider": "p", "token": "$HOME" }), "environment"),
        ("p:a", json!([]), "no JSON object"),
    ] {
        let said = of(name, entry);
        assert!(said.contains(why), "{said}");
    }
    let twice =
        Entry::of(Layout::SharedRow, &id("p:a"), &ProviderId::new("p"), &Value::ApiKey(Secret::new("k")))
            .unwrap();
    assert_eq!(artifact(Layout::SharedRow, &[&twice, &twice], &[]), Err(ArtifactError::Twice(id("p:a"))));
    assert_eq!(artifact(Layout::JsonFile, &[&twice], &[]), Err(ArtifactError::OtherLayout(id("p:a"))));
}

#[test]
fn references_lead_to_their_values() {
    let mut file = RefsFile::new("keyshoal").unwrap();
    let shared = file.put(&id("a/b~c:x"), None, Secret::new("one"));
    let own = file.put(&id("a:x"), Some("stocks"), Secret::new("two"));
    let text = file.text().unwrap();
    let parsed: serde_json::Value = serde_json::from_str(text.reveal_secret()).unwrap();
    assert_eq!(parsed.pointer(&shared.id).unwrap(), "one");
    assert_eq!(parsed.pointer(&own.id).unwrap(), "two");
    assert!(RefsFile::new("Key").is_err());
    file.put(&id("long"), None, Secret::new("x".repeat(1 << 20)));
    assert!(matches!(file.text(), Err(RefsError::TooLarge(_))));
}

fn value() -> impl Strategy<Value = Value> {
    let secret = || {
        prop_oneof!["[!-~]{1,20}", "\\PC{1,9}", Just("a\n\u{1}\u{2028}\"\\b".to_owned())]
            .prop_map(Secret::new)
    };
    let kind = prop_oneof![Just(CredentialKind::ApiKey), Just(CredentialKind::Token)];
    let reference = ("[a-z]{1,5}", "\\PC{1,9}").prop_map(|(provider, id)| SecretRef {
        source: SecretSource::File,
        provider,
        id: format!("/{id}"),
    });
    prop_oneof![
        secret().prop_map(Value::ApiKey),
        (secret(), prop::option::of(0i64..1 << 50)).prop_map(|(token, expires)| Value::Token(token, expires)),
        (kind, reference).prop_map(|(kind, reference)| Value::Ref(kind, reference)),
    ]
}

proptest! {
    #[test]
    fn the_store_reads_what_was_meant_and_the_same_makes_the_same(
        profiles in prop::collection::btree_map("[a-z0-9:]{1,8}|\\PC{1,8}", ("[a-z]{1,6}", value()), 0..6),
        order in prop::collection::btree_map("[a-z]{1,6}", prop::collection::vec("[a-z:]{1,9}", 1..4), 0..3),
        layout in prop::sample::select(&LAYOUTS[..]),
    ) {
        let entries: Vec<(Entry, ProviderId, Value)> = profiles
            .into_iter()
            .filter_map(|(name, (provider, value))| {
                let provider = ProviderId::new(provider);
                let entry = Entry::of(layout, &id(&name), &provider, &value).ok()?;
                Some((entry, provider, value))
            })
            .collect();
        let order: Vec<(ProviderId, Vec<ProfileId>)> =
            order.into_iter().map(|(p, ids)| (ProviderId::new(p), ids.iter().map(|one| id(one)).collect())).collect();
        let given: Vec<&Entry> = entries.iter().map(|(entry, ..)| entry).collect();
        let made = artifact(layout, &given, &order).unwrap();
        prop_assert_eq!(&artifact(layout, &given, &order).unwrap(), &made);

        let document = |text: &Secret| Document::parse(text.reveal_secret()).unwrap();
        let state = made.state.as_ref().map(document);
        let read = contents(&document(&made.store), state.as_ref(), Dialect::of(layout)).unwrap();
        prop_assert_eq!(&read.invalid, &[]);
        prop_assert_eq!(read.sequence, given.iter().map(|entry| entry.id().clone()).collect::<Vec<_>>());
        prop_assert_eq!(read.order, order.into_iter().collect());
        prop_assert_eq!(read.profiles.len(), entries.len());
        for (entry, provider, value) in &entries {
            let found = &read.profiles[entry.id()];
            prop_assert_eq!(&found.provider, provider);
            let (kind, secret, expires) = match value {
                Value::ApiKey(key) => (CredentialKind::ApiKey, StoredSecret::Inline(key.clone()), None),
                Value::Token(token, at) => (CredentialKind::Token, StoredSecret::Inline(token.clone()), *at),
                Value::Ref(kind, reference) => (kind.clone(), StoredSecret::Ref(reference.clone()), None),
            };
            prop_assert_eq!(&found.kind, &kind);
            prop_assert_eq!(&found.secret, &secret);
            prop_assert_eq!(found.expires.clone(), expires.map(Ok));
            // What the store holds of a profile makes the same profile again.
            prop_assert_eq!(&Entry::new(layout, entry.id(), &found.raw, now()).unwrap(), entry);
        }
    }
}
