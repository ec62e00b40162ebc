//! The words of what is wrong, and why a binding is not the one.

#![expect(clippy::disallowed_methods, reason = "tests write their own files")]

use super::*;
use crate::Environment;
use crate::config::{self, Config};
use crate::locate::{Locations, locate};
use crate::sessions::KnownSession;
use serde_json::{Value, json};

mod properties;

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new(config: &Value) -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        place.write("openclaw.json", config);
        place
    }

    fn write(&self, name: &str, value: &Value) {
        std::fs::write(self.dir.path().join(name), value.to_string()).unwrap();
    }

    fn env(&self) -> Environment {
        Environment { home: Some(self.dir.path().to_owned()), ..Environment::default() }
    }

    fn locations(&self) -> Locations {
        locate(&self.env(), Some(self.dir.path()), None).unwrap()
    }

    fn config(&self) -> Config {
        config::load_with_places(&self.locations(), &self.env()).unwrap()
    }
}

fn load(config: &Value) -> Config {
    Place::new(config).config()
}

fn found(config: &Config, sessions: &[KnownSession]) -> Vec<Finding> {
    let rules = Rules::of(None, config);
    examine(config, &rules, &derive(config, &rules, sessions), sessions, &Environment::default())
}

fn words(findings: &[Finding]) -> Vec<(&'static str, Option<usize>)> {
    findings.iter().map(|one| (one.kind.as_str(), one.binding)).collect()
}

fn query(text: &str) -> Query {
    text.parse().unwrap()
}

fn text_of(query: &Query) -> String {
    query.to_string()
}

#[test]
fn a_wrong_query_says_which_part_is_wrong() {
    for (text, part, problem) in [
        ("telegram", "telegram", "should be name=value"),
        ("channel=x,colour=red", "colour=red", "there is no \"colour\""),
        ("channel=x,peer=123", "peer=123", "should be kind:id"),
        ("channel=x,peer=room:123", "peer=room:123", "there is no kind \"room\""),
        ("channel=x,peer=direct:", "peer=direct:", "the id is missing"),
        ("channel=x,channel=y", "channel=y", "named twice"),
        ("channel=x,guild=", "guild=", "has no value"),
        ("channel=x,account=*", "account=*", "one account"),
        ("channel=x,roles=a++b", "roles=a++b", "a role is empty"),
        ("account=x", "account=x", "names no channel"),
        ("", "", "should be name=value"),
    ] {
        let error = text.parse::<Query>().unwrap_err();
        assert_eq!(error.part, part, "{text}");
        assert!(error.problem.contains(problem), "{text}: {}", error.problem);
    }
    assert_eq!(query("channel=X, peer=dm:7").peer.unwrap().to_string(), "direct:7");
    assert_eq!(query("channel=matrix,peer=channel:!a:b.c").peer.unwrap().id, "!a:b.c");
}

#[test]
fn each_other_binding_says_why_it_is_not_the_one() {
    let config = load(&json!({
        "agents": { "list": [{ "id": "main" }, { "id": "ops" }] },
        "bindings": [
            { "agentId": "ops", "match": { "channel": "y" } },
            { "agentId": "ops", "match": { "channel": "x", "accountId": "biz" } },
            { "agentId": "ops", "match": { "channel": "x", "peer": { "kind": "group", "id": "9" } } },
            { "agentId": "ops", "match": { "channel": "x", "guildId": "g", "roles": ["r"] } },
            { "agentId": "ops", "match": { "channel": "x", "guildId": "g" } },
            { "agentId": "main", "match": { "channel": "x", "guildId": "g" } },
            { "agentId": "main", "match": { "channel": "x", "accountId": "*" } },
            { "type": "acp", "agentId": "main", "match": { "channel": "x" } },
            { "agentId": "main", "match": { "channel": "x", "teamId": "t" } },
            { "agentId": "main", "match": { "channel": "x", "peer": { "kind": "room", "id": "9" } } }
        ]
    }));
    let route = resolve(&config, &Rules::of(None, &config), &query("channel=x,guild=g,peer=group:1"));
    assert_eq!((route.tier, route.binding), (Tier::Guild, Some(4)));
    assert_eq!(route.answer.agent().unwrap().as_str(), "ops");
    let why: Vec<Mismatch> = route.passed.into_iter().map(|one| one.why).collect();
    let group = query("channel=x,peer=group:9").peer.unwrap();
    assert_eq!(
        why,
        [
            Mismatch::Channel(Some("y".into())),
            Mismatch::Account("biz".into()),
            Mismatch::Peer(group),
            Mismatch::Roles(vec!["r".into()]),
            Mismatch::LaterInConfig,
            Mismatch::LaterTier(Tier::Channel),
            Mismatch::NotARoute,
            Mismatch::Team("t".into()),
            Mismatch::UnusablePeer,
        ]
    );
    assert!(
        config.bindings[4].place.as_deref().unwrap().contains("openclaw.json:1:"),
        "{:?}",
        config.bindings[4]
    );
}

#[test]
fn bindings_that_never_answer_are_found() {
    let config = load(&json!({
        "agents": { "list": [{ "id": "main" }, { "id": "ops" }] },
        "channels": { "x": { "accounts": { "a": {}, "off": { "enabled": false } } }, "z": { "enabled": false } },
        "bindings": [
            { "agentId": "ops", "match": { "channel": "x", "accountId": "*" } },
            { "agentId": "main", "match": { "channel": "x", "accountId": "*" } },
            { "agentId": "ghost", "match": { "channel": "x", "accountId": "A", "peer": { "kind": "direct", "id": "1" } } },
            { "agentId": "ops", "match": { "channel": "x", "accountId": "b" } },
            { "agentId": "ops", "match": { "channel": "x", "accountId": "off" } },
            { "agentId": "ops", "match": { "channel": "z" } },
            { "agentId": "ops", "match": { "channel": "nowhere" } },
            { "agentId": "ops", "match": { "channel": "webchat" } }
        ]
    }));
    let found = found(&config, &[]);
    let said = [
        ("shadowed", 1),
        ("unknown_agent", 2),
        ("unreachable", 3),
        ("unreachable", 4),
        ("unreachable", 5),
        ("unreachable", 6),
    ];
    assert_eq!(words(&found), said.map(|(word, index)| (word, Some(index))), "{found:#?}");
    assert!(found[0].message.contains("bindings[0] comes first"), "{}", found[0].message);
    assert!(found[1].message.contains("main answers instead"), "{}", found[1].message);
}

#[test]
fn a_channel_may_be_configured_by_a_variable() {
    let config = load(&json!({ "bindings": [{ "agentId": "main", "match": { "channel": "telegram" } }] }));
    let rules = Rules::of(None, &config);
    let of = |name: &str| {
        let mut env = Environment::default();
        env.vars.insert(name.to_owned(), "x".to_owned());
        words(&examine(&config, &rules, &[], &[], &env))
    };
    assert_eq!(of("TELEGRAM_BOT_TOKEN"), []);
    assert_eq!(of("DISCORD_BOT_TOKEN"), [("unreachable", Some(0))]);
}

#[test]
fn agents_to_which_nothing_leads_are_found() {
    let config = load(&json!({
        "agents": { "list": [{ "id": "main" }, { "id": "ops" }] }, "channels": { "x": {} }
    }));
    let idle = found(&config, &[]);
    assert_eq!(words(&idle), [("unbound", None)]);
    assert_eq!(idle[0].severity, Severity::Attention);
    let session = |key: &str| KnownSession {
        agent: "ops".into(),
        key: key.into(),
        with: None,
        account: None,
        space: None,
        to: None,
    };
    assert_eq!(found(&config, &[session("agent:ops:subagent:1")])[0].severity, Severity::Info);
}

/// A binding for one conversation tells of that one alone: all others go to the default agent.
#[test]
fn what_bindings_alone_tell_of_is_not_every_message() {
    let config = |bound: &str| {
        let matched = json!({ "channel": "x", "peer": { "kind": "direct", "id": "42" } });
        load(&json!({
            "agents": { "list": [{ "id": "main" }, { "id": "research" }, { "id": "ops" }] },
            "bindings": [{ "agentId": bound, "match": matched }]
        }))
    };
    let unbound = |bound: &str| {
        let found = found(&config(bound), &[]);
        found.into_iter().find(|one| one.kind == FindingKind::Unbound).map(|one| one.message)
    };
    assert_eq!(unbound("research"), None);
    assert!(unbound("main").unwrap().contains("every message goes to main"));
}

#[test]
fn messages_that_nobody_answers_are_found() {
    let config = load(&json!({
        "agents": { "entries": { "a": {}, "b": {} }, "ownership": "explicit" }, "channels": { "x": {} },
        "bindings": [{ "agentId": "a", "match": { "channel": "x", "peer": { "kind": "direct", "id": "*" } } }]
    }));
    let found = found(&config, &[]);
    assert_eq!(words(&found), [("unanswered", None)]);
    assert!(found[0].message.contains("peer=group:any"), "{}", found[0].message);
}

#[test]
fn a_default_agent_that_moved_with_the_order_is_found() {
    let roster = |ids: [&str; 2]| json!({ "agents": { "list": ids.map(|id| json!({ "id": id })) } });
    let rules = Rules { peer_wildcards: true, refuses: false, system_agent: false };
    let moved = |place: &Place| default_moved(&place.config(), &rules, &place.locations(), &place.env());
    let place = Place::new(&roster(["ops", "main"]));
    assert_eq!(moved(&place), None);
    place.write("openclaw.json.bak", &roster(["ops", "main"]));
    assert_eq!(moved(&place), None);
    place.write("openclaw.json.bak.1", &roster(["main", "ops"]));
    let message = moved(&place).unwrap().message;
    assert!(
        message.contains("is ops") && message.contains("was main") && message.contains("bak.1"),
        "{message}"
    );
    // Later releases take no order for an answer: there is no default agent at all.
    let later = Rules { refuses: true, ..rules };
    assert_eq!(default_moved(&place.config(), &later, &place.locations(), &place.env()), None);
    assert_eq!(default_agent(&place.config(), &later), None);
    // Whoever marks one has said what is meant.
    place.write(
        "openclaw.json",
        &json!({ "agents": { "list": [{ "id": "ops", "default": true }, { "id": "main" }] } }),
    );
    assert_eq!(moved(&place), None);
}

#[test]
fn a_session_is_a_message_with_the_binding_spelling() {
    let config = load(&json!({
        "agents": { "list": [{ "id": "main" }, { "id": "ops" }] },
        "bindings": [{ "agentId": "ops", "match": { "channel": "x", "peer": { "kind": "channel", "id": "C0AB" }, "guildId": "G" } }]
    }));
    let session = KnownSession {
        agent: "main".into(),
        key: "agent:main:x:channel:c0ab".into(),
        with: Some(("x".into(), query("channel=x,peer=channel:c0ab").peer.unwrap())),
        account: None,
        space: Some("g".into()),
        to: None,
    };
    let rules = Rules::of(None, &config);
    let derived = derive(&config, &rules, &[session]);
    let [one] = derived.as_slice() else { panic!("{derived:?}") };
    assert_eq!(text_of(&one.query), "channel=x,account=default,peer=channel:C0AB,guild=G");
    assert_eq!(one.origins.len(), 2);
}
