//! Configs and messages at random. Few words, so that they meet; some written as only a person writes them.

use crate::chance::Chance;
use keyshoal_testkit::real::Release;
use serde_json::{Map, Value, json};

const AGENTS: &[&str] = &["main", "ops", "Stocks", "my agent", "a-b", "7"];
const KEYS: &[&str] = &["main", "ops", "stocks", "my-agent", "a-b", "7"];
const CHANNELS: &[&str] = &["telegram", "telegram", "telegram", "Discord", " slack "];
const ACCOUNTS: &[&str] = &["biz", "Biz", "default", "my acct!", "constructor", " biz "];
const IDS: &[&str] = &["1", "2", "*", "C0aB", " 1 "];
const GUILDS: &[&str] = &["g", "h", " g "];
const ROLES: &[&str] = &["r", "s", "t"];

/// Makes a config as the release reads it.
pub fn config(chance: &mut Chance, release: Release) -> Value {
    let bindings: Vec<Value> = (0..chance.below(12)).map(|_| binding(chance)).collect();
    let mut config = json!({ "bindings": bindings });
    if chance.percent(60) {
        config["channels"] = json!({ "telegram": {}, "discord": { "enabled": chance.percent(50) } });
    }
    if chance.percent(92) {
        config["agents"] = agents(chance, release);
    }
    config
}

fn agents(chance: &mut Chance, release: Release) -> Value {
    let mut agents = Map::new();
    let number = chance.below(6);
    let marked = chance.below(number + 1);
    if !release.entries() {
        let one = |at| match at == marked {
            true => json!({ "id": chance.pick(AGENTS), "default": true }),
            false => json!({ "id": chance.pick(AGENTS) }),
        };
        agents.insert("list".into(), (0..number).map(one).collect());
        return agents.into();
    }
    if chance.percent(30) {
        // Later releases read a list as well; duplicates they refuse.
        let ids = AGENTS.iter().skip(chance.below(3)).take(number).enumerate();
        let list = ids.map(|(at, id)| json!({ "id": id, "default": at == marked || chance.percent(15) }));
        agents.insert("list".into(), list.collect());
        return agents.into();
    }
    let mut entries = Map::new();
    for at in 0..number {
        entries.insert(
            chance.pick(KEYS).into(),
            if at == marked { json!({ "default": true }) } else { json!({}) },
        );
    }
    agents.insert("entries".into(), entries.into());
    if chance.percent(30) {
        agents.insert("ownership".into(), "explicit".into());
        if chance.percent(60) {
            agents.insert("defaults".into(), json!({ "systemAgent": { "agentId": chance.pick(AGENTS) } }));
        }
    }
    agents.into()
}

fn binding(chance: &mut Chance) -> Value {
    let mut wanted = json!({ "channel": chance.pick(CHANNELS) });
    if chance.percent(70) {
        wanted["accountId"] = json!(if chance.percent(60) { "*" } else { chance.pick(ACCOUNTS) });
    }
    if chance.percent(45) {
        wanted["peer"] = peer(chance);
        if chance.percent(8) {
            wanted["peer"] =
                json!({ "kind": chance.pick(&["room", "", "direct"]), "id": chance.pick(&["1", " "]) });
        }
    }
    if chance.percent(35) {
        wanted["guildId"] = json!(chance.pick(GUILDS));
    }
    if chance.percent(20) {
        wanted["teamId"] = json!(chance.pick(GUILDS));
    }
    if chance.percent(40) {
        wanted["roles"] = json!(roles(chance));
    }
    let agent = if chance.percent(12) { "ghost" } else { chance.pick(AGENTS) };
    let mut binding = json!({ "agentId": agent, "match": wanted });
    if chance.percent(10) {
        binding["type"] = json!(chance.pick(&["route", "acp"]));
    }
    binding
}

fn peer(chance: &mut Chance) -> Value {
    json!({ "kind": chance.pick(&["direct", "dm", "group", "channel", "Group"]), "id": chance.pick(IDS) })
}

fn roles(chance: &mut Chance) -> Vec<&'static str> {
    (0..chance.below(4)).map(|_| chance.pick(ROLES)).collect()
}

/// Makes a message as a channel hands it to the release: for half of them a binding is near.
pub fn message(chance: &mut Chance, config: &Value) -> Value {
    let mut message = json!({ "channel": chance.pick(CHANNELS) });
    if chance.percent(60) {
        message["accountId"] = json!(chance.pick(ACCOUNTS));
    }
    for (name, part) in [("peer", 85), ("parentPeer", 30)] {
        if chance.percent(part) {
            message[name] = peer(chance);
        }
    }
    if chance.percent(45) {
        message["guildId"] = json!(chance.pick(GUILDS));
    }
    if chance.percent(30) {
        message["teamId"] = json!(chance.pick(GUILDS));
    }
    if chance.percent(50) {
        message["memberRoleIds"] = json!(roles(chance));
    }
    let bindings = config["bindings"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !bindings.is_empty() && chance.percent(60) {
        let near = chance.below(bindings.len());
        go_near(chance, &mut message, &bindings[near]["match"]);
    }
    message
}

/// Makes most of what a binding names true of a message.
fn go_near(chance: &mut Chance, message: &mut Value, wanted: &Value) {
    let peer = if chance.percent(25) { "parentPeer" } else { "peer" };
    let fields = [
        ("channel", "channel"),
        ("accountId", "accountId"),
        ("guildId", "guildId"),
        ("teamId", "teamId"),
        ("roles", "memberRoleIds"),
        ("peer", peer),
    ];
    for (from, to) in fields {
        let usable = wanted[from] != "*" && wanted[from]["kind"] != "room" && wanted[from]["kind"] != "";
        if wanted[from].is_null() {
            if from != "peer" && chance.percent(40) {
                message.as_object_mut().map(|message| message.remove(to));
            }
        } else if usable && chance.percent(90) {
            message[to] = wanted[from].clone();
        }
    }
}
