//! What edits do, and what they leave alone.

use super::*;
use keyshoal_core::{SecretRef, SecretSource, StoreHealth};
use keyshoal_openclaw::store::Refusal;
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn a_value_is_replaced_in_every_layout_and_the_neighbour_stays() {
    for layout in LAYOUTS {
        let dir = tempfile::tempdir().unwrap();
        let (base, stocks) = sample(layout, dir.path());
        let written = edit(&stocks, &[set(ID, "stocks-2")]).unwrap();
        assert!(written.changed, "{layout}");
        assert_eq!(key_of(&written.contents, ID).as_deref(), Some("stocks-2"), "{layout}");
        assert_eq!(read_key(&stocks, ID).as_deref(), Some("stocks-2"), "{layout}");
        assert_eq!(read_key(&base, ID).as_deref(), Some("base-1"), "{layout}");
        let again = edit(&stocks, &[set(ID, "stocks-2")]).unwrap();
        assert!(!again.changed, "{layout}: the same value is no change");
    }
}

#[test]
fn insert_remove_and_put_back_work_in_every_layout() {
    for layout in LAYOUTS {
        let dir = tempfile::tempdir().unwrap();
        let (base, _) = sample(layout, dir.path());
        let new = Edit::Insert {
            profile: "gemini:work".into(),
            provider: "gemini".into(),
            kind: CredentialKind::Token,
            secret: inline("t-1"),
        };
        edit(&base, std::slice::from_ref(&new)).unwrap();
        assert_eq!(read_key(&base, "gemini:work").as_deref(), Some("t-1"), "{layout}");
        let refused = edit(&base, &[new]).unwrap_err();
        assert!(matches!(refused, StoreError::Refused { refusal: Refusal::Exists(_), .. }), "{layout}");
        let raw = base.read().unwrap().contents.profiles[&ProfileId::new(ID)].raw.clone();
        edit(&base, &[Edit::Remove { profile: ID.into() }]).unwrap();
        assert_eq!(read_key(&base, ID), None, "{layout}");
        edit(&base, &[Edit::PutRaw { profile: ID.into(), json: raw.clone() }]).unwrap();
        let back = base.read().unwrap().contents.profiles[&ProfileId::new(ID)].raw.clone();
        assert_eq!(back, raw, "{layout}");
    }
}

#[test]
fn a_file_keeps_the_programs_own_formatting() {
    let dir = tempfile::tempdir().unwrap();
    let text = concat!(
        "{\n  \"version\": 1,\n  \"profiles\": {\n    \"openai:default\": {\n      \"type\": \"api_key\",\n",
        "      \"provider\": \"openai\",\n      \"key\": \"k-1\",\n      \"x\": 1e2\n    }\n  },\n",
        "  \"lastGood\": {\n    \"openai\": \"openai:default\"\n  }\n}\n"
    );
    let store = json_store(dir.path(), text);
    edit(
        &store,
        &[
            set(ID, "k-2"),
            Edit::Insert {
                profile: "a:b".into(),
                provider: "a".into(),
                kind: CredentialKind::ApiKey,
                secret: StoredSecret::Ref(SecretRef {
                    source: SecretSource::Env,
                    provider: "default".into(),
                    id: "KEY".into(),
                }),
            },
            Edit::ResetAuthCooldown { profile: ID.into(), explicit: true },
        ],
    )
    .unwrap();
    let now = std::fs::read_to_string(store.path()).unwrap();
    let expected = concat!(
        "{\n  \"version\": 1,\n  \"profiles\": {\n    \"openai:default\": {\n      \"type\": \"api_key\",\n",
        "      \"provider\": \"openai\",\n      \"key\": \"k-2\",\n      \"x\": 1e2\n    },\n",
        "    \"a:b\": {\n      \"type\": \"api_key\",\n      \"provider\": \"a\",\n      \"keyRef\": {\n",
        "        \"source\": \"env\",\n        \"provider\": \"default\",\n        \"id\": \"KEY\"\n      }\n    }\n  },\n",
        "  \"lastGood\": {\n    \"openai\": \"openai:default\"\n  },\n  \"usageStats\": {\n",
        "    \"openai:default\": {\n      \"errorCount\": 0\n    }\n  }\n}\n"
    );
    assert_eq!(now, expected);
    edit(&store, &[Edit::Remove { profile: "a:b".into() }, Edit::Remove { profile: ID.into() }]).unwrap();
    let now = std::fs::read_to_string(store.path()).unwrap();
    assert!(now.contains("\"profiles\": {},"), "{now}");
}

#[test]
fn a_cooldown_of_an_authentication_failure_goes_and_a_billing_mark_stays() {
    for layout in LAYOUTS {
        let dir = tempfile::tempdir().unwrap();
        let stats = |cooldown: &str, disabled: &str| {
            json!({ "lastUsed": 1, "errorCount": 3, "cooldownUntil": 9e12, "cooldownReason": cooldown,
                    "disabledUntil": 8e12, "disabledReason": disabled,
                    "failureCounts": { "auth": 2, "billing": 1 }, "future": true })
        };
        Installation::new(layout)
            .api_key(StoreId::Base, ID, "k")
            .state(
                StoreId::Base,
                json!({ "order": { "openai": [ID] }, "usageStats": {
                ID: stats("auth", "billing"), "b:1": stats("rate_limit", "auth_permanent") } }),
            )
            .write(dir.path())
            .unwrap();
        let base = base_of(layout, dir.path());
        let reset = |id: &str| Edit::ResetAuthCooldown { profile: id.into(), explicit: false };
        edit(&base, &[reset(ID), reset("b:1"), reset("unknown:1")]).unwrap();
        let usage = base.read().unwrap().contents.usage;
        let first = &usage[&ProfileId::new(ID)];
        assert_eq!((first.error_count, first.cooldown.is_some(), first.disabled.is_some()), (0, false, true));
        let second = &usage[&ProfileId::new("b:1")];
        assert_eq!(
            (second.error_count, second.cooldown.is_some(), second.disabled.is_some()),
            (0, true, false)
        );
        assert_eq!(usage.len(), 2, "an entry that is not there is made only on demand");
        edit(&base, &[Edit::ResetAuthCooldown { profile: "unknown:1".into(), explicit: true }]).unwrap();
        assert_eq!(base.read().unwrap().contents.usage[&ProfileId::new("unknown:1")].error_count, 0);
        assert_eq!(base.read().unwrap().contents.order.len(), 1);
    }
}

fn base_of(layout: Layout, dir: &Path) -> StoreFile {
    let main = dir.join("agents/main/agent");
    match layout {
        Layout::JsonFile => StoreFile::json(main, false),
        Layout::JsonWithState => StoreFile::json(main, true),
        Layout::AgentSqlite => StoreFile::agent_sqlite(main.join("openclaw-agent.sqlite")),
        Layout::SharedTable => StoreFile::shared_table(dir.join("state/openclaw.sqlite")),
        _ => StoreFile::shared_row(dir.join("state/openclaw.sqlite")),
    }
}

#[test]
fn a_mark_embedded_in_the_store_is_reset_where_the_state_file_is_silent() {
    let dir = tempfile::tempdir().unwrap();
    let mut text =
        json!({ "version": 1, "profiles": { ID: { "type": "api_key", "provider": "openai", "key": "k" } } });
    text["usageStats"] = json!({ ID: { "errorCount": 2, "cooldownUntil": 9e12, "cooldownReason": "auth" } });
    json_store(dir.path(), &text.to_string());
    let store = StoreFile::json(dir.path(), true);
    assert!(store.read().unwrap().contents.usage[&ProfileId::new(ID)].auth_block());
    edit(&store, &[Edit::ResetAuthCooldown { profile: ID.into(), explicit: true }]).unwrap();
    assert!(!store.read().unwrap().contents.usage[&ProfileId::new(ID)].auth_block());
}

#[test]
fn the_type_follows_and_the_secret_stands_in_the_right_field_alone() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        (
            json!({ "type": "api_key", "provider": "p", "key": "a", "email": "e" }),
            CredentialKind::Token,
            json!({ "type": "token", "provider": "p", "token": "n", "email": "e" }),
        ),
        (
            json!({ "mode": "api_key", "provider": "p", "apiKey": "a" }),
            CredentialKind::ApiKey,
            json!({ "mode": "api_key", "provider": "p", "apiKey": "n" }),
        ),
        (
            json!({ "mode": "api_key", "provider": "p", "apiKey": "a", "keyRef": { "source": "env", "provider": "d", "id": "X" } }),
            CredentialKind::ApiKey,
            json!({ "mode": "api_key", "provider": "p", "apiKey": "n" }),
        ),
        (
            json!({ "type": "token", "tokenRef": { "source": "env", "provider": "d", "id": "X" }, "provider": "p", "expires": 5 }),
            CredentialKind::ApiKey,
            json!({ "type": "api_key", "provider": "p", "key": "n", "expires": 5 }),
        ),
        (
            json!({ "type": "api_key", "provider": "p", "key": "a", "keyRef": "${X}", "token": "unknown here" }),
            CredentialKind::ApiKey,
            json!({ "type": "api_key", "provider": "p", "key": "n", "token": "unknown here" }),
        ),
    ];
    for (before, kind, after) in cases {
        let store = json_store(dir.path(), &json!({ "profiles": { ID: before } }).to_string());
        edit(&store, &[Edit::SetSecret { profile: ID.into(), kind, secret: inline("n"), expires: None }])
            .unwrap();
        let now: Value = serde_json::from_slice(&std::fs::read(store.path()).unwrap()).unwrap();
        assert_eq!(now["profiles"][ID], after, "from {before}");
    }
}

#[test]
fn what_is_not_ours_is_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let fence = "openclaw-oauth-refresh-fence:v1:0123:access:0123";
    let text = json!({ "profiles": {
        "o:1": { "type": "oauth", "provider": "o", "access": "a", "refresh": "r", "expires": 1 },
        "f:1": { "type": "oauth", "provider": "o", "access": fence, "refresh": fence, "expires": 1 },
        "k:1": { "type": "api_key", "provider": "k", "key": "1" },
    }})
    .to_string();
    let store = json_store(dir.path(), &text);
    let raw = |text: &str| Secret::new(text.to_owned());
    let oauth = "{\"type\":\"oauth\",\"provider\":\"o\",\"access\":\"b\"}";
    let refused = [
        set("o:1", "n"),
        set("f:1", "n"),
        set("missing:1", "n"),
        set("personal:0b5e8c1e-0000-4000-8000-000000000000:1c6f8c1e-0000-4000-8000-000000000000", "n"),
        set("__proto__", "n"),
        set("k:1", " "),
        set("k:1", "${NAME}"),
        set("k:1", "$NAME"),
        Edit::Remove { profile: "f:1".into() },
        Edit::PutRaw {
            profile: "o:1".into(),
            json: raw("{\"type\":\"api_key\",\"provider\":\"o\",\"key\":\"k\"}"),
        },
        Edit::PutRaw { profile: "k:1".into(), json: raw(oauth) },
        Edit::PutRaw { profile: "new:1".into(), json: raw(oauth) },
        Edit::PutRaw { profile: "k:1".into(), json: raw("{\"type\":") },
        Edit::MoveIn { profile: "o:1".into(), json: raw(oauth) },
        Edit::MoveIn { profile: "k:1".into(), json: raw(oauth) },
        Edit::MoveIn {
            profile: "new:1".into(),
            json: raw("{\"type\":\"api_key\",\"provider\":\"o\",\"key\":\"k\"}"),
        },
    ];
    for one in refused {
        // All or none: what comes before the refused edit is not written either.
        let error = edit(&store, &[set("k:1", "2"), one.clone()]).unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }), "{one:?}: {error}");
        assert_eq!(std::fs::read_to_string(store.path()).unwrap(), text, "{one:?}");
    }
    edit(&store, &[Edit::Remove { profile: "o:1".into() }]).unwrap();
    assert_eq!(store.read().unwrap().health, StoreHealth::Ok);
}

#[test]
fn owner_mode_and_link_of_a_file_stay_and_the_time_is_the_runs() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("elsewhere");
    let store = json_store(
        &real,
        "{\"profiles\":{\"openai:default\":{\"type\":\"api_key\",\"provider\":\"openai\",\"key\":\"1\"}}}",
    );
    std::fs::set_permissions(store.path(), PermissionsExt::from_mode(0o640)).unwrap();
    let agent = dir.path().join("agent");
    std::fs::create_dir(&agent).unwrap();
    std::os::unix::fs::symlink(store.path(), agent.join("auth-profiles.json")).unwrap();
    let linked = StoreFile::json(&agent, false);
    let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_795_000_000_123);
    let at = WriteRules { mtime: Some(time), ..rules() };
    let written = linked.update(&at, &mut |_| Ok(vec![set(ID, "2")])).unwrap();
    assert!(!written.time_bumped);
    assert!(std::fs::symlink_metadata(linked.path()).unwrap().is_symlink());
    let meta = std::fs::metadata(store.path()).unwrap();
    assert_eq!(meta.mode() & 0o777, 0o640);
    assert_eq!(meta.modified().unwrap(), time);
    assert_eq!(read_key(&store, ID).as_deref(), Some("2"));
    let written = linked.update(&at, &mut |_| Ok(vec![set(ID, "3")])).unwrap();
    assert!(written.time_bumped, "the old file had the run's time");
    assert_ne!(std::fs::metadata(store.path()).unwrap().modified().unwrap(), time);
    let names: Vec<_> = std::fs::read_dir(&real).unwrap().chain(std::fs::read_dir(&agent).unwrap()).collect();
    assert_eq!(names.len(), 2, "nothing is left behind: {names:?}");
}

#[test]
fn references_and_aliases_are_read_as_each_release_reads_them() {
    let text = json!({ "version": 1, "profiles": {
        "a:1": { "type": "api_key", "provider": "a", "key": "${NAME_1}" },
        "b:1": { "type": "api_key", "provider": "b", "key": "$NAME_1" },
        "c:1": { "type": "token", "provider": "c", "token": "t", "tokenRef": { "source": "exec", "provider": "p", "id": "x/y" } },
        "d:1": { "type": "apiKey", "provider": "d", "key": { "source": "file", "id": "/k" } },
        "e:1": { "mode": "api_key", "provider": "e", "apiKey": "$name" },
        "f:1": { "type": "api_key", "provider": "f", "key": "k", "keyRef": "no reference" },
    }})
    .to_string();
    for (layout, bare, later_type) in [
        (Layout::JsonFile, false, false),
        (Layout::JsonWithState, true, false),
        (Layout::SharedRow, true, true),
    ] {
        let dir = tempfile::tempdir().unwrap();
        Installation::new(layout).store_text(StoreId::Base, text.as_str()).write(dir.path()).unwrap();
        let found = base_of(layout, dir.path()).read().unwrap().contents;
        let reference =
            |id: &str| match found.profiles.get(&ProfileId::new(id)).map(|profile| &profile.secret) {
                Some(StoredSecret::Ref(reference)) => Some(reference.id.clone()),
                _ => None,
            };
        assert_eq!(reference("a:1").as_deref(), Some("NAME_1"));
        assert_eq!(reference("b:1").is_some(), bare, "{layout}");
        assert_eq!(reference("c:1").as_deref(), Some("x/y"));
        assert_eq!(reference("d:1").is_some(), later_type, "{layout}");
        assert_eq!(
            (key_of(&found, "e:1").as_deref(), key_of(&found, "f:1").as_deref()),
            (Some("$name"), Some("k"))
        );
    }
}

/// Any JSON that JavaScript may have written, with fields that nobody knows.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("-0.0".to_owned()),
        Just("1E+2".to_owned()),
        Just("\"\\ud800 half\"".to_owned()),
        Just("\"\\u0041\\/\"".to_owned()),
        "[a-z]{0,6}".prop_map(|text| format!("\"{text}\"")),
        any::<i32>().prop_map(|number| number.to_string()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(|list| format!("[ {}]", list.join(" ,"))),
            proptest::collection::vec(("[a-z]{1,3}", inner), 0..3).prop_map(|fields| {
                let fields: Vec<_> =
                    fields.iter().map(|(key, value)| format!("\"{key}\" :{value}")).collect();
                format!("{{\t{}}}", fields.join(",\n"))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// A secret goes in, and every byte but the secret's stays where it was.
    #[test]
    fn only_the_named_bytes_change(
        before in any_json(), inside in any_json(), after in any_json(), old in "[ -~]{1,12}", new in "\\PC{1,12}",
    ) {
        prop_assume!(!new.trim().is_empty() && !new.contains('$') && !old.trim().is_empty());
        let quoted = |text: &str| Value::from(text).to_string();
        let text = |key: &str| format!(
            "{{\"x\": {before},\"profiles\":{{\"n:1\":{inside}, \"openai:default\" : {{\"y\":{inside},\"type\":\"api_key\",\
             \"provider\":\"openai\",\"key\":{},\"z\":{after}}}}}, \"tail\":{after} }}\n",
            quoted(key)
        );
        let dir = tempfile::tempdir().unwrap();
        let store = json_store(dir.path(), &text(&old));
        edit(&store, &[set(ID, &new)]).unwrap();
        prop_assert_eq!(std::fs::read_to_string(store.path()).unwrap(), text(&new));
        // Adding something and taking it away again leaves the text as it was.
        let entry = Edit::Insert {
            profile: "new:1".into(), provider: "p".into(), kind: CredentialKind::ApiKey, secret: inline("s"),
        };
        edit(&store, &[entry, Edit::Remove { profile: "new:1".into() }]).unwrap();
        prop_assert_eq!(std::fs::read_to_string(store.path()).unwrap(), text(&new));
    }
}
