//! Configs and what is wanted of them, made at random.

use super::*;
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// An agent as a file has it and as it is wanted.
#[derive(Clone, Debug)]
struct Fate {
    before: Option<Settings>,
    after: Option<Settings>,
    renamed: bool,
    /// What of its entry is not ours.
    others: u8,
    place: u32,
}

#[derive(Clone, Debug)]
struct Settings {
    name: Option<String>,
    workspace: Option<String>,
    models: ModelChoice,
    /// Writes a model as an object although text would do.
    as_object: bool,
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z /:.~_-]{1,12}",
        Just("it's \"quoted\"\\\n日本 // */ {".to_owned()),
        Just("$${NOT}".to_owned())
    ]
}

fn models() -> impl Strategy<Value = ModelChoice> {
    let name = || "[a-c]/[x-z]{1,2}";
    prop_oneof![
        Just(ModelChoice::default()),
        (name(), prop::collection::vec(name(), 0..3))
            .prop_map(|(primary, fallbacks)| ModelChoice { primary: Some(primary), fallbacks }),
        prop::collection::vec(name(), 1..3).prop_map(|fallbacks| ModelChoice { primary: None, fallbacks }),
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    (prop::option::of(text()), prop::option::of(text()), models(), any::<bool>())
        .prop_map(|(name, workspace, models, as_object)| Settings { name, workspace, models, as_object })
}

fn fate() -> impl Strategy<Value = Fate> {
    let stays = settings().prop_map(|both| (Some(both.clone()), Some(both)));
    let parts = prop_oneof![
        2 => stays,
        2 => (prop::option::of(settings()), prop::option::of(settings())),
    ];
    (parts, prop::bool::weighted(0.2), 0u8..4, any::<u32>())
        .prop_map(|((before, after), renamed, others, place)| Fate { before, after, renamed, others, place })
}

/// A config, what is wanted of it, and which agents it has under which ids.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub release: Release,
    pub value: Value,
    pub wanted: Wanted,
    /// Which agents stay: the ids that they have, and those that they get.
    pub kept: BTreeMap<String, String>,
}

fn id_of(at: usize, renamed: bool) -> String {
    // `7` is an index to JavaScript; capitals are for lists alone.
    let ids = ["main", "stocks", "7", "a_b", "x-1", "long-name-of-an-agent"];
    format!("{}{}", ids[at], if renamed { "-new" } else { "" })
}

fn entry(settings: &Settings, others: u8) -> Map<String, Value> {
    let mut entry = Map::new();
    if others & 1 == 1 {
        entry.insert("identity".to_owned(), json!({ "emoji": "x", "theme": ["a", { "b": null }] }));
    }
    for (key, text) in [("name", &settings.name), ("workspace", &settings.workspace)] {
        entry.extend(text.iter().map(|text| (key.to_owned(), json!(text))));
    }
    let ModelChoice { primary, fallbacks } = &settings.models;
    match (primary, fallbacks.as_slice(), settings.as_object) {
        (None, [], false) => {}
        (None, [], true) => drop(entry.insert("model".to_owned(), json!({ "fallbacks": [] }))),
        (Some(primary), [], false) => drop(entry.insert("model".to_owned(), json!(primary))),
        (Some(primary), [], true) => drop(entry.insert("model".to_owned(), json!({ "primary": primary }))),
        (None, all, _) => drop(entry.insert("model".to_owned(), json!({ "fallbacks": all }))),
        (Some(primary), all, _) => {
            drop(entry.insert("model".to_owned(), json!({ "fallbacks": all, "primary": primary })))
        }
    }
    if others & 2 == 2 {
        entry.insert("tools".to_owned(), json!({ "deny": [], "n": 1.5 }));
    }
    entry
}

type Rest = (Vec<(usize, u8)>, Vec<(usize, u8)>, ModelChoice, ModelChoice, u8, (usize, usize), bool, u8);

fn rest() -> impl Strategy<Value = Rest> {
    let bound = || prop::collection::vec((0usize..6, 0u8..12), 0..5);
    (bound(), bound(), models(), models(), any::<u8>(), (0usize..8, 0usize..8), any::<bool>(), any::<u8>())
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    (prop::collection::vec(fate(), 1..6), rest())
        .prop_filter_map("no agent", |(fates, rest)| build(&fates, &rest))
}

fn build(fates: &[Fate], rest: &Rest) -> Option<Case> {
    let (bound, bind, models, wanted_models, bits, (default_before, default), new, auth) = rest;
    let bit = |at: u8| bits >> at & 1 == 1;
    let entries = bit(0);
    let release = if entries || bit(1) { NEW } else { OLD };
    let mut wanted = Wanted { models: wanted_models.clone(), ..Wanted::default() };
    let (mut list, mut kept) = (Vec::new(), BTreeMap::new());
    let mut order: Vec<(u32, usize)> = fates.iter().map(|fate| fate.place).zip(0..).collect();
    if *new {
        order.sort_unstable();
    }
    for (at, fate) in fates.iter().enumerate() {
        if let Some(before) = &fate.before {
            let mut entry = entry(before, fate.others);
            if default_before % fates.len() == at && bit(2) {
                entry.insert("default".to_owned(), json!(true));
            }
            list.push((id_of(at, false), entry));
        }
    }
    for (_, at) in order {
        let fate = &fates[at];
        let Some(after) = &fate.after else { continue };
        let renamed = fate.renamed && fate.before.is_some();
        let id = AgentId::new(id_of(at, renamed));
        if renamed {
            wanted.renamed.insert(id.clone(), AgentId::new(id_of(at, false)));
        }
        if fate.before.is_some() {
            kept.insert(id_of(at, false), id.as_str().to_owned());
        }
        let (name, workspace, models) = (after.name.clone(), after.workspace.clone(), after.models.clone());
        wanted.agents.push(WantedAgent { id, name, default: false, models, workspace });
    }
    let count = wanted.agents.len();
    wanted.agents.get_mut(*default)?.default = count > 0;
    let matching =
        |kind: u8| json!({ "channel": format!("c{}", kind % 3), "peer": { "kind": "direct", "id": kind } });
    let mut bindings = Vec::new();
    for (at, kind) in bound {
        if fates.get(*at).is_some_and(|fate| fate.before.is_some()) {
            let agent = id_of(*at, false);
            bindings.push(match kind {
                0..=2 => json!({ "type": "acp", "agentId": agent, "match": { "channel": "acp" }, "acp": {} }),
                3..=7 => json!({ "agentId": agent, "comment": "c", "match": matching(*kind) }),
                _ => json!({ "match": matching(*kind), "type": "route", "agentId": agent.to_uppercase() }),
            });
        }
    }
    for (at, kind) in bind {
        if let Some(agent) = wanted.agents.get(*at) {
            let comment = (kind % 2 == 0).then(|| "c".to_owned());
            wanted.bindings.push(WantedBinding {
                agent: agent.id.clone(),
                matching: matching(*kind),
                comment,
            });
        }
    }
    let mut agents = Map::new();
    let mut defaults = json!({ "timeoutSeconds": 60 });
    if let Some(model) =
        entry(&Settings { name: None, workspace: None, models: models.clone(), as_object: false }, 0)
            .remove("model")
    {
        defaults["model"] = model;
    }
    agents.insert("defaults".to_owned(), defaults);
    if entries {
        agents.insert(
            "entries".to_owned(),
            list.into_iter().map(|(id, entry)| (id, Value::Object(entry))).collect(),
        );
    } else {
        let entry = |(at, (id, mut entry)): (usize, (String, Map<String, Value>))| {
            entry.insert("id".to_owned(), json!(if at % 2 == 0 { id } else { id.to_uppercase() }));
            Value::Object(entry)
        };
        agents.insert("list".to_owned(), list.into_iter().enumerate().map(entry).collect());
    }
    let mut value = json!({ "meta": { "a": [1, 2, { "b": "c" }] }, "agents": agents, "tools": {} });
    if bit(3) {
        value["bindings"] = Value::Array(bindings);
    }
    let profile = |at: u8| ProfileId::new(format!("p{}:default", at % 3));
    if bit(4) {
        value["auth"] = json!({ "cooldowns": {}, "order": { "P1": ["p1:default", "p1:x"] }, "profiles": {
            "p0:default": { "provider": "p0", "mode": "token", "email": "e" }, "p9:x": { "mode": "oauth", "provider": "p9" },
        } });
    }
    for at in 0..3 {
        match auth >> (2 * at) & 3 {
            0 => {}
            1 => drop(wanted.gone_profiles.insert(profile(at))),
            _ => {
                let provider = ProviderId::new(format!("p{at}"));
                wanted.profiles.insert(profile(at), (provider.clone(), CredentialKind::ApiKey));
                wanted.order.insert(provider, if bit(5) { vec![profile(at)] } else { Vec::new() });
            }
        }
    }
    if bit(6) {
        wanted.channels.insert("c1".to_owned(), Secret::new(r#"{"token":"s","list":[1]}"#));
        value["channels"] = json!({ "c0": { "token": "mine" }, "c1": { "token": "old" } });
    }
    if bit(7) {
        wanted.secret_files.insert("ks".to_owned(), bit(5).then(|| "/f".to_owned()));
        value["secrets"] =
            json!({ "providers": { "ks": { "source": "file", "path": "/g" }, "mine": { "source": "env" } } });
    }
    Some(Case { release, value, wanted, kept })
}
