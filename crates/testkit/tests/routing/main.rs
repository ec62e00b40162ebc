//! Who answers a message, held against the resolver of each release of the real program.
//!
//! The configs and messages are made at random, the same on every run. Each tier must have decided often enough for the comparison to mean
//! something.

#![expect(clippy::disallowed_methods, reason = "tests write their own files")]

mod cases;
mod chance;

use anyhow::{Context, Result, ensure};
use chance::Chance;
use keyshoal_openclaw::config::model::{Peer, PeerKind};
use keyshoal_openclaw::layout;
use keyshoal_openclaw::routing::{Answer, Query, Rules, Tier, resolve};
use keyshoal_openclaw::{Environment, config, locate};
use keyshoal_testkit::RealOpenClaw;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const CONFIGS: usize = 400;
const MESSAGES: usize = 6;
/// How often each tier must have decided.
const ENOUGH: usize = 10;

#[test]
fn messages_are_routed_as_2026_9_6_routes_them() -> Result<()> {
    compare("2026.9.6", 96)
}

#[test]
fn messages_are_routed_as_2026_8_2_routes_them() -> Result<()> {
    compare("2026.8.2", 82)
}

#[test]
fn messages_are_routed_as_2026_6_11_routes_them() -> Result<()> {
    compare("2026.6.11", 611)
}

#[test]
fn messages_are_routed_as_2026_5_28_routes_them() -> Result<()> {
    compare("2026.5.28", 528)
}

#[test]
fn messages_are_routed_as_2026_3_28_routes_them() -> Result<()> {
    compare("2026.3.28", 328)
}

fn compare(version: &str, seed: u64) -> Result<()> {
    let real = RealOpenClaw::new(version)?;
    let dir = tempfile::tempdir()?;
    let base = dir.path().canonicalize()?;
    let mut chance = Chance(seed);
    let asked: Vec<(Value, Vec<Value>)> = (0..CONFIGS)
        .map(|_| {
            let config = cases::config(&mut chance, real.release);
            let messages = (0..MESSAGES).map(|_| cases::message(&mut chance, &config)).collect();
            (config, messages)
        })
        .collect();
    let theirs = ask(&real, &base, &asked)?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for ((config, messages), answers) in asked.iter().zip(&theirs) {
        let ours = answers_of(&base, version, config, messages)?;
        for (at, (ours, theirs)) in ours.iter().zip(answers.as_array().context("no answers")?).enumerate() {
            let theirs = if theirs["refused"].is_string() { json!("refused") } else { theirs.clone() };
            ensure!(
                ours.answer == theirs,
                "{version}: {} but {theirs} for {} in {config}",
                ours.answer,
                messages[at]
            );
            *counts.entry(theirs["tier"].as_str().unwrap_or("refused").to_owned()).or_default() += 1;
            *counts.entry("stranger".to_owned()).or_default() += usize::from(ours.stranger);
        }
    }
    let later = real.release.entries();
    for wanted in Tier::ALL.map(Tier::as_str).into_iter().chain(["stranger", "refused"]) {
        let count = counts.get(wanted).copied().unwrap_or_default();
        let absent =
            wanted == Tier::PeerWildcard.as_str() && version == "2026.3.28" || wanted == "refused" && !later;
        ensure!(
            if absent { count == 0 } else { count >= ENOUGH },
            "{version}: {wanted} decided {count} times: {counts:?}"
        );
    }
    Ok(())
}

/// Asks the real program about all messages of all configs at once.
fn ask(real: &RealOpenClaw, base: &Path, asked: &[(Value, Vec<Value>)]) -> Result<Vec<Value>> {
    let [script, cases, answers] = ["resolve.mjs", "cases.json", "answers.json"].map(|name| base.join(name));
    std::fs::write(&script, concat!(include_str!("../find.mjs"), include_str!("resolve.mjs")))?;
    let asked: Vec<Value> =
        asked.iter().map(|(config, messages)| json!({ "config": config, "messages": messages })).collect();
    std::fs::write(&cases, Value::from(asked).to_string())?;
    let output = Command::new(&real.node)
        .arg(&script)
        .arg(real.entry.with_file_name("dist"))
        .args([&cases, &answers])
        .env_clear()
        .env("HOME", base)
        .env("TMPDIR", base)
        .env("OPENCLAW_STATE_DIR", base.join("none"))
        .output()?;
    let answers = std::fs::read(&answers).with_context(|| {
        format!("the program gave no answers: {}", String::from_utf8_lossy(&output.stderr))
    })?;
    let answers: Value = serde_json::from_slice(&answers)?;
    ensure!(answers["loads"] == real.release.entries(), "how the program loads a roster was not found");
    Ok(answers["told"].as_array().context("no answers")?.clone())
}

struct Ours {
    answer: Value,
    stranger: bool,
}

fn answers_of(base: &Path, version: &str, config: &Value, messages: &[Value]) -> Result<Vec<Ours>> {
    std::fs::write(base.join("openclaw.json"), config.to_string())?;
    let env = Environment { home: Some(base.to_owned()), ..Environment::default() };
    let locations = locate::locate(&env, Some(base), None)?;
    let config = config::load(&locations, &env)?;
    let rules = Rules::of(layout::Release::parse(version), &config);
    let answers = messages.iter().map(|message| {
        let route = resolve(&config, &rules, &query(message));
        let answer = match &route.answer {
            Answer::Agent(agent) => json!({ "agent": agent.as_str(), "tier": route.tier.as_str() }),
            Answer::Nobody(_) => json!("refused"),
        };
        Ours { answer, stranger: route.stranger.is_some() }
    });
    Ok(answers.collect())
}

/// Reads a message as a person would write it down.
fn query(message: &Value) -> Query {
    let text = |name: &str| message[name].as_str().map(|text| text.trim().to_owned());
    let peer = |name: &str| {
        let peer = &message[name];
        let kind = PeerKind::of(peer["kind"].as_str()?)?;
        Some(Peer { kind, id: peer["id"].as_str()?.trim().to_owned() })
    };
    let roles = message["memberRoleIds"].as_array().into_iter().flatten();
    Query {
        channel: text("channel").unwrap_or_default().to_lowercase(),
        account: text("accountId"),
        peer: peer("peer"),
        parent: peer("parentPeer"),
        guild: text("guildId"),
        team: text("teamId"),
        roles: roles.filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}
