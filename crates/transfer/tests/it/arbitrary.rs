//! Payloads of any content come back as they were.

use crate::stage::*;
use keyshoal_core::vault::{ModelChoice, Origin};
use keyshoal_core::{AgentId, ProviderId, StoreId};
use keyshoal_transfer::manifest::*;
use keyshoal_transfer::{FileEntry, Form, Key, Lock, Payload};
use proptest::prelude::*;
use std::collections::BTreeSet;
use tempfile::TempDir;

/// One value of a profile: where, which, what.
#[derive(Clone, Debug)]
pub struct AValue {
    pub store: Option<usize>,
    pub profile: usize,
    pub kind: usize,
    pub secret: usize,
}

pub fn a_value() -> impl Strategy<Value = AValue> {
    (prop::option::of(0..4_usize), 0..3_usize, 0..4_usize, 0..4_usize)
        .prop_map(|(store, profile, kind, secret)| AValue { store, profile, kind, secret })
}

/// Makes an instance of up to four agents with these values; of two for one place the first counts.
pub fn instance(agents: usize, values: &[AValue]) -> Payload {
    let ids = ["main", "stocks", "ops", "a_b-c9"];
    let mut payload = bare(&ids[..agents]);
    let mut seen = BTreeSet::new();
    for one in values {
        let store = match one.store {
            Some(at) if at < agents => StoreId::Agent(AgentId::new(ids[at])),
            Some(_) => continue,
            None => StoreId::Base,
        };
        let profile = ["anthropic:default", "openai-codex:me", "x"][one.profile];
        if !seen.insert((store.clone(), profile)) {
            continue;
        }
        let secret = one.secret;
        let text = match one.kind {
            0 => format!(r#"{{"type":"api_key","provider":"anthropic","key":"k-{secret}"}}"#),
            1 => format!(
                r#"{{"type":"token","provider":"anthropic","token":"t-{secret}","expires":1{secret}000}}"#
            ),
            2 => format!(
                r#"{{"type":"oauth","provider":"openai-codex","access":"a-{secret}","expires":1{secret}000,"email":"e{}"}}"#,
                secret % 2
            ),
            _ => format!(
                r#"{{"type":"api_key","provider":"openai","keyRef":{{"source":"env","provider":"default","id":"K{secret}"}}}}"#
            ),
        };
        entry(&mut payload, store, profile, &text);
    }
    payload
}

fn a_choice() -> impl Strategy<Value = ModelChoice> {
    (prop::option::of(".{1,20}"), prop::collection::vec(".{1,20}", 0..3))
        .prop_map(|(primary, fallbacks)| ModelChoice { primary, fallbacks })
}

fn a_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn a_mark() -> impl Strategy<Value = Option<Meant>> {
    let origin =
        (".{0,20}", prop::option::of(".{0,20}")).prop_map(|(by, why)| Origin { created: now(), by, why });
    let mark = (any::<bool>(), prop::option::of(origin));
    prop::option::of(mark.prop_map(|(waits, origin)| Meant { waits, expires: None, origin }))
}

prop_compose! {
    fn a_payload()(
        agents in 1..5_usize,
        values in prop::collection::vec(a_value(), 0..10),
        models in a_choice(),
        own in a_choice(),
        bindings in prop::collection::vec((0..6_usize, a_json(), prop::option::of(".{0,20}")), 0..4),
        channels in prop::collection::btree_map("[^ ]{1,12}", a_json(), 0..3),
        config in prop::option::of(".{0,300}"),
        orders in prop::collection::btree_set("[a-z]{1,5}", 0..3),
        left in prop::collection::vec((".{0,30}", ".{0,30}"), 0..3),
        off in prop::option::of(a_json()),
        meant in prop::collection::vec(a_mark(), 10),
    ) -> Payload {
        let mut payload = instance(agents, &values);
        for (part, meant) in payload.manifest.profiles.iter_mut().zip(meant) {
            part.meant = meant;
        }
        if let (Some(entry), true) = (off, agents > 1) {
            payload.manifest.agents[agents - 1].enabled = false;
            let name = payload.manifest.agents[agents - 1].id.to_string();
            let value = value(&mut payload, &entry.to_string());
            payload.manifest.entries.push(Named { name, value });
        }
        payload.manifest.models = models;
        payload.manifest.agents[0].models = own;
        for (agent, matching, comment) in bindings {
            let agent = AgentId::new(["main", "stocks", "ops", "a_b-c9", "ghost", "x"][agent]);
            payload.manifest.bindings.push(BindingPart { agent, kind: None, matching, comment });
        }
        for (name, settings) in channels {
            if name.trim().is_empty() { continue }
            let value = value(&mut payload, &settings.to_string());
            payload.manifest.channels.push(Named { name, value });
        }
        if let Some(text) = config {
            payload.manifest.config = Some(value(&mut payload, &text));
        }
        for provider in orders {
            let profiles = vec!["b".into(), "a".into()];
            payload.manifest.order.push(OrderPart { store: None, provider: ProviderId::new(provider), profiles });
        }
        payload.manifest.left_out = left.into_iter().map(|(what, why)| LeftOut { what, why }).collect();
        payload
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_payload_comes_back(
        mut payload in a_payload(),
        files in prop::collection::btree_map("[a-z.ü ]{1,6}/[a-z]{1,4}|[A-Z]{1,8}", 0..200_000_usize, 0..4),
        text in any::<bool>(),
        sealed in any::<bool>(),
    ) {
        let dir = TempDir::new().unwrap();
        let mut totals = Totals::default();
        for (at, (path, size)) in files.into_iter().enumerate() {
            if keyshoal_transfer::paths::check(&path).is_err() { continue }
            let place = dir.path().join(at.to_string());
            std::fs::write(&place, vec![at as u8; size]).unwrap();
            totals = Totals { files: totals.files + 1, bytes: totals.bytes + size as u64 };
            payload.files.push(FileEntry {
                agent: AgentId::new("main"), part: Part::Workspace, path, mode: 0o600, size: size as u64, at: Some(place),
            });
        }
        payload.manifest.files = Some(totals);
        let code = code();
        let (lock, key) = if sealed { (Lock::Code(&code), Key::Code(&code)) } else { (Lock::Clear, Key::Nothing) };
        let bytes = written(&payload, lock, if text { Form::Text } else { Form::Binary });
        let back = opened(bytes.as_slice()).unwrap().read(key, Some(dir.path())).unwrap();
        assert_same(&payload, &back);
        for (from, to) in payload.files.iter().zip(&back.files) {
            prop_assert_eq!(std::fs::read(from.at.as_ref().unwrap()).unwrap(), std::fs::read(to.at.as_ref().unwrap()).unwrap());
        }
    }
}
