//! What holds of every config and message.

use super::super::*;
use super::{found, load, text_of};
use crate::config::model::PeerKind;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Few words, so that they meet.
fn queries() -> impl Strategy<Value = Query> {
    let peer = || {
        let kind = prop::sample::select(vec!["direct", "group", "channel"]);
        prop::option::of(
            (kind, prop::sample::select(vec!["1", "2"])).prop_map(|(kind, id)| format!("{kind}:{id}")),
        )
    };
    let word = |words: &'static [&'static str]| prop::option::of(prop::sample::select(words));
    (word(&["a", "b"]), peer(), peer(), word(&["g", "h"]), word(&["t"]), word(&["r", "s", "r+s"])).prop_map(
        |(account, peer, parent, guild, team, roles)| {
            let mut text = "channel=x".to_owned();
            let fields = [
                ("account", account.map(str::to_owned)),
                ("peer", peer),
                ("parent", parent),
                ("guild", guild.map(str::to_owned)),
                ("team", team.map(str::to_owned)),
                ("roles", roles.map(str::to_owned)),
            ];
            for (name, value) in fields {
                text.extend(value.map(|value| format!(",{name}={value}")));
            }
            text.parse().unwrap()
        },
    )
}

fn bindings() -> impl Strategy<Value = Vec<Value>> {
    let maybe = |values: &[Value]| {
        let mut values = values.to_vec();
        values.extend(vec![Value::Null; values.len()]);
        prop::sample::select(values)
    };
    let peers: Vec<Value> = ["direct", "group", "channel"]
        .iter()
        .flat_map(|kind| ["1", "2", "*"].map(|id| json!({ "kind": kind, "id": id })))
        .collect();
    let one = (
        prop::sample::select(vec!["main", "ops", "ghost"]),
        maybe(&[json!("a"), json!("*"), json!("*")]),
        maybe(&peers),
        maybe(&[json!("g"), json!("h")]),
        maybe(&[json!("t")]),
        maybe(&[json!(["r"]), json!(["r", "s"])]),
    );
    let one = one.prop_map(|(agent, account, peer, guild, team, roles)| {
        let mut wanted = json!({ "channel": "x" });
        for (name, value) in
            [("accountId", account), ("peer", peer), ("guildId", guild), ("teamId", team), ("roles", roles)]
        {
            if !value.is_null() {
                wanted[name] = value;
            }
        }
        json!({ "agentId": agent, "match": wanted })
    });
    prop::collection::vec(one, 0..7)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_query_reads_back_what_it_prints(query in queries()) {
        prop_assert_eq!(text_of(&query).parse::<Query>().unwrap(), query);
    }

    #[test]
    fn what_is_called_shadowed_or_unreachable_is_never_chosen(
        bindings in bindings(), queries in prop::collection::vec(queries(), 40)
    ) {
        let config = load(&json!({
            "agents": { "list": [{ "id": "main" }, { "id": "ops" }] },
            "channels": { "x": { "accounts": { "a": {}, "b": {}, "default": {} } } },
            "bindings": bindings
        }));
        let rules = Rules::of(None, &config);
        let dead: Vec<usize> = found(&config, &[])
            .iter()
            .filter(|one| matches!(one.kind, FindingKind::Shadowed | FindingKind::Unreachable))
            .filter_map(|one| one.binding)
            .collect();
        for query in &queries {
            let route = resolve(&config, &rules, query);
            let decided = decide(&config, &rules, query);
            prop_assert_eq!(&decided, &Route { passed: Vec::new(), ..route.clone() });
            // Every message is in a conversation, and one of a guild in a channel.
            let guild_direct = query.peer.as_ref().is_some_and(|peer| peer.kind == PeerKind::Direct && query.guild.is_some());
            if query.peer.is_some() && !guild_direct {
                prop_assert!(route.binding.is_none_or(|index| !dead.contains(&index)), "{query}: {route:?}");
            }
            prop_assert_eq!(route.passed.len() + usize::from(route.binding.is_some()), bindings.len());
        }
        // And every other one is chosen for a message that was derived of it.
        let derived = derive(&config, &rules, &[]);
        let reached: Vec<usize> =
            derived.iter().filter_map(|one| resolve(&config, &rules, &one.query).binding).collect();
        for index in (0..bindings.len()).filter(|index| !dead.contains(index)) {
            prop_assert!(reached.contains(&index), "{index} of {bindings:?}");
        }
    }
}
