//! Held for any config and any vault: what is ours comes out as wanted, what is not ours stays, and a second time changes nothing.

use super::writing::{Manner, written};
use super::*;
use crate::config::import::import;
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
struct Case {
    release: Release,
    value: Value,
    wanted: Wanted,
    kept: BTreeMap<String, String>,
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

fn case() -> impl Strategy<Value = Case> {
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

/// Takes out of a config what is ours; agents are named by the ids that they have in the end.
fn not_ours(value: &Value, ids: &dyn Fn(&str) -> Option<String>, wanted: &Wanted) -> Value {
    let mut value = value.clone();
    let mut agents = BTreeMap::new();
    let mut take = |id: String, entry: &Value| {
        if let (Some(id), Some(entry)) = (ids(&id.to_lowercase()), entry.as_object()) {
            let ours = ["id", "name", "workspace", "model", "default"];
            let rest: Map<_, _> = entry
                .iter()
                .filter(|(key, _)| !ours.contains(&key.as_str()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            agents.insert(id, rest);
        }
    };
    for entry in value["agents"]["list"].as_array().into_iter().flatten() {
        take(entry["id"].as_str().unwrap().to_owned(), entry);
    }
    for (id, entry) in value["agents"]["entries"].as_object().into_iter().flatten() {
        take(id.clone(), entry);
    }
    let acp: Vec<_> = value["bindings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["type"] == "acp")
        .cloned()
        .collect();
    let acp: Vec<_> = acp
        .into_iter()
        .filter_map(|mut one| {
            one["agentId"] = json!(ids(&one["agentId"].as_str().unwrap().to_lowercase())?);
            Some(one)
        })
        .collect();
    let root = value.as_object_mut().unwrap();
    root.shift_remove("bindings");
    let agents_there = root.get_mut("agents").unwrap().as_object_mut().unwrap();
    ["list", "entries", "ownership"].iter().for_each(|key| drop(agents_there.shift_remove(*key)));
    if let Some(defaults) = agents_there.get_mut("defaults").and_then(Value::as_object_mut) {
        defaults.shift_remove("model");
    }
    let take_out = |root: &mut Map<String, Value>, way: [&str; 2], keys: Vec<String>| {
        let Some(outer) = root.get_mut(way[0]).and_then(Value::as_object_mut) else { return };
        let inner = if way[1].is_empty() {
            outer
        } else {
            let Some(inner) = outer.get_mut(way[1]).and_then(Value::as_object_mut) else { return };
            inner
        };
        keys.iter().for_each(|key| drop(inner.shift_remove(key)));
    };
    let profiles = wanted.profiles.keys().chain(&wanted.gone_profiles).map(|id| id.as_str().to_owned());
    take_out(root, ["auth", "profiles"], profiles.collect());
    take_out(root, ["auth", "order"], ["p0", "p1", "P1", "p2"].map(str::to_owned).to_vec());
    take_out(root, ["channels", ""], wanted.channels.keys().cloned().collect());
    take_out(root, ["secrets", "providers"], wanted.secret_files.keys().cloned().collect());
    // What was made only to hold what is ours is ours.
    for key in ["auth", "channels", "secrets"] {
        if let Some(section) = root.get_mut(key).and_then(Value::as_object_mut) {
            section.retain(|_, inner| inner.as_object().is_none_or(|inner| !inner.is_empty()));
            if section.is_empty() {
                root.shift_remove(key);
            }
        }
    }
    json!({ "rest": value, "agents": agents, "acp": acp })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_ours_is_as_wanted_and_what_is_not_stays(case in case(), manner in any::<Manner>()) {
        let Case { release, value, wanted, kept } = case;
        let text = written(&value, &manner);
        let sources = Sources::of(&locations(), Some(text.as_bytes())).unwrap();
        prop_assert_eq!(&sources.root, &value, "the test writes what it means:\n{}", text);
        let made = generate(&locations(), &sources, release, &wanted);
        let made = made.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        let new = made.text.reveal_secret();

        let after = Sources::of(&locations(), Some(new.as_bytes())).unwrap();
        let found = import(&locations(), &after).unwrap();
        let agents: Vec<_> = found.agents.clone();
        prop_assert_eq!(&agents, &wanted.agents, "{}\n{}", text, new);
        prop_assert_eq!(&found.models, &wanted.models);
        prop_assert_eq!(&found.bindings, &wanted.bindings, "{}\n{}", text, new);
        for (id, declared) in &wanted.profiles {
            prop_assert_eq!(found.profiles.get(id), Some(declared));
        }
        let order: BTreeMap<_, _> = found.order.iter().cloned().collect();
        for (provider, list) in &wanted.order {
            prop_assert_eq!(order.get(provider).cloned().unwrap_or_default(), list.clone());
        }

        let before = not_ours(&value, &|id| kept.get(id).cloned(), &wanted);
        let still = not_ours(&after.root, &|id| kept.values().find(|new| *new == id).cloned(), &wanted);
        prop_assert_eq!(before, still, "{}\n{}", text, new);
        for left in &made.left {
            prop_assert!(!kept.contains_key(left.id.as_str()));
            prop_assert!(text.contains(left.entry.reveal_secret()));
        }
        for comment in manner.beside_others(&text) {
            prop_assert!(new.contains(comment), "{comment} is lost:\n{}\n{}", text, new);
        }
        prop_assert_eq!(made.changes.is_empty(), new == text, "{:?}\n{}\n{}", made.changes, text, new);

        let again = generate(&locations(), &after, release, &wanted).unwrap();
        prop_assert_eq!(again.changes, []);
        prop_assert_eq!(again.text.reveal_secret(), new);
    }
}

/// Finds every comment of a text; each has a number of its own.
fn comments(text: &str) -> Vec<&str> {
    let starts =
        text.match_indices(" c").filter(|(at, _)| text[..*at].ends_with("/*") || text[..*at].ends_with("//"));
    starts.map(|(at, _)| text[at..].split([',', '\'']).next().unwrap_or_default()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn agents_that_move_and_come_take_no_comment_away(case in case(), manner in any::<Manner>(), by in 0usize..6, new in 0usize..3) {
        let text = written(&case.value, &manner);
        let sources = Sources::of(&locations(), Some(text.as_bytes())).unwrap();
        let found = import(&locations(), &sources).unwrap();
        let mut wanted = Wanted { agents: found.agents, models: found.models, bindings: found.bindings, ..Wanted::default() };
        let by = by % wanted.agents.len();
        wanted.agents.rotate_left(by);
        wanted.bindings.reverse();
        for at in 0..new {
            wanted.agents.insert(at, agent(&format!("new-{at}")));
        }
        let made = generate(&locations(), &sources, case.release, &wanted).unwrap();
        let there = comments(made.text.reveal_secret());
        for comment in comments(&text) {
            prop_assert!(there.contains(&comment), "{comment} is lost:\n{}\n{}", text, made.text.reveal_secret());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_damaged_config_is_refused_or_edited_and_never_worse(
        case in case(),
        manner in any::<Manner>(),
        at in any::<prop::sample::Index>(),
        length in 0usize..6,
        with in "[{}\\[\\],:'\"/*\\\\ \n\ra-z$日]{0,3}|\\$include|__proto__|\\$\\{AB\\}",
    ) {
        let mut characters: Vec<char> = written(&case.value, &manner).chars().collect();
        let at = at.index(characters.len());
        let end = (at + length).min(characters.len());
        characters.splice(at..end, with.chars());
        let text: String = characters.into_iter().collect();
        let Ok(sources) = Sources::of(&locations(), Some(text.as_bytes())) else { return Ok(()) };
        let Ok(made) = generate(&locations(), &sources, case.release, &case.wanted) else { return Ok(()) };
        let after = Sources::of(&locations(), Some(made.text.reveal_secret().as_bytes())).unwrap();
        let again = generate(&locations(), &after, case.release, &case.wanted);
        let again = again.map_err(|error| TestCaseError::fail(format!("{error}\n{text}\n{}", made.text.reveal_secret())))?;
        prop_assert_eq!(again.changes, []);
    }
}
