//! `verify --routes --deliver` beside the real gateway, with a Telegram whose server is on this machine.

use crate::stage::Stage;
use keyshoal_emulator::{Config, Emulator};
use keyshoal_testkit::Instance;
use keyshoal_testkit::instance::{KEPT_KEY, OLD_KEY, Seed};
use keyshoal_testkit::telegram::{BOT_TOKEN, CLOSED_CHAT, Telegram};
use serde_json::{Value, json};

/// Gives an instance a bot, two conversations of its own and one that the bot was thrown out of.
fn with_channel(instance: &Instance, telegram: &Telegram) {
    let text = std::fs::read_to_string(instance.config_path()).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    config["channels"] = json!({ "telegram": {
        "enabled": true, "botToken": BOT_TOKEN, "apiRoot": telegram.root(), "dmPolicy": "open", "allowFrom": ["*"],
    } });
    let binding = |agent: &str, id: &str| {
        let peer = json!({ "kind": "direct", "id": id });
        json!({ "agentId": agent, "match": { "channel": "telegram", "accountId": "default", "peer": peer } })
    };
    config["bindings"] = json!([binding("ops", "4711"), binding("stocks", CLOSED_CHAT)]);
    std::fs::write(instance.config_path(), serde_json::to_string_pretty(&config).unwrap()).unwrap();
}

fn route<'a>(document: &'a Value, id: &str) -> &'a Value {
    let routes = document["routes"].as_array().unwrap();
    routes.iter().find(|one| one["query"].as_str().unwrap().ends_with(&format!("peer=direct:{id}"))).unwrap()
}

fn messages_are_really_posted(version: &str) {
    let telegram = Telegram::start().unwrap();
    let provider = Emulator::start(Config::default()).unwrap();
    provider.only_accept(&[OLD_KEY, KEPT_KEY]);
    let seed = if version == "2026.3.28" { Seed::Token } else { Seed::ApiKey };
    let mut instance = Instance::new(version, seed, provider.port()).unwrap();
    with_channel(&instance, &telegram);
    instance.start_gateway().unwrap();
    let stage = Stage { instance, provider };

    let asked = stage.keyshoal(&stage.with_rights(&["verify", "--routes", "--deliver", "--json"]));
    assert_eq!(asked.code, Some(2), "nobody was there to agree");
    assert!(asked.err.contains("telegram 4711") && telegram.messages().is_empty(), "{:?}", telegram.calls());

    let run = stage.keyshoal(&stage.with_rights(&["verify", "--routes", "--deliver", "--yes", "--json"]));
    let document: Value = serde_json::from_str(&run.out).unwrap();
    let posted = telegram.messages();
    let to_ops: Vec<_> = posted.iter().filter(|one| one.chat == "4711").collect();
    assert_eq!(to_ops.len(), 1, "{version}: {posted:?}");
    assert!(
        to_ops[0].text.contains("test by keyshoal") && to_ops[0].text.contains("agent ops"),
        "{to_ops:?}"
    );
    let found = ["4711", CLOSED_CHAT, "any"].map(|id| route(&document, id)["delivered"].clone());
    assert_eq!(found, [json!(true), json!(false), json!(null)], "{version}: {document:#}");
    let why = route(&document, CLOSED_CHAT)["delivery_reason"].as_str().unwrap();
    assert!(why.contains("blocked by the user") && !why.contains(BOT_TOKEN), "{version}: {why}");
    assert_eq!(run.code, Some(2), "one conversation is lost");
}

#[test]
fn messages_are_really_posted_on_2026_3_28() {
    messages_are_really_posted("2026.3.28");
}

#[test]
fn messages_are_really_posted_on_2026_9_6() {
    messages_are_really_posted("2026.9.6");
}
