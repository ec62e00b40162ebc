//! Held for any config and any vault: what is ours comes out as wanted, what is not ours stays, and a second time changes nothing.

use super::cases::{Case, case};
use super::writing::{Manner, written};
use super::*;
use crate::config::import::import;
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

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
