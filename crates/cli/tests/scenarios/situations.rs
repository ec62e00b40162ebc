//! Twenty situations in which an agent fails and the program's own check says that all is well: `verify` finds exactly that agent.
//!
//! Both outputs are kept as snapshots. The check is what a person would run: `openclaw models status --agent … --check`.

use crate::stage::Stage;
use keyshoal_emulator::{Behaviour, Config, Emulator};
use keyshoal_testkit::Instance;
use keyshoal_testkit::instance::{KEPT_KEY, OLD_KEY, PROFILE, Seed};
use keyshoal_testkit::stores::{self, Part, Place};
use serde_json::{Value, json};
use std::fmt::Write;

/// One way for an agent to fail.
struct Situation {
    name: &'static str,
    /// What stands in the agent's store.
    key: &'static str,
    /// What its provider makes of that.
    behaviour: Behaviour,
    /// What `verify` says of it.
    verdict: &'static str,
}

const fn situation(
    name: &'static str,
    key: &'static str,
    behaviour: Behaviour,
    verdict: &'static str,
) -> Situation {
    Situation { name, key, behaviour, verdict }
}

/// Agents with a store of their own, which can differ from main's.
const VICTIMS: [&str; 3] = ["stocks", "research", "academic"];

/// What a provider says of accounts and times means less at an endpoint that is not known to be that provider: not proven, and no more.
const SITUATIONS: [Situation; 20] = [
    situation("rotated away", "sk-testkit-situation-0001", Behaviour::Invalid, "invalid_key"),
    situation("revoked", "sk-testkit-situation-0002", Behaviour::Revoked, "unknown"),
    situation("over at the provider", "sk-testkit-situation-0003", Behaviour::Expired, "unknown"),
    situation("without a permission", "sk-testkit-situation-0004", Behaviour::Scope, "missing_scope"),
    situation(
        "at its limit",
        "sk-testkit-situation-0005",
        Behaviour::RateLimited { retry_after: 9 },
        "rate_limited",
    ),
    situation("the provider is broken", "sk-testkit-situation-0006", Behaviour::ServerError, "provider_down"),
    situation("a page in between", "sk-testkit-situation-0007", Behaviour::Garbage, "unexpected_answer"),
    situation("sent elsewhere", "sk-testkit-situation-0008", Behaviour::Redirect, "unexpected_answer"),
    situation("never answered", "sk-testkit-situation-0009", Behaviour::Hang, "timeout"),
    situation("with a line break in it", "sk-testkit-situation\n-0010", Behaviour::Invalid, "malformed_key"),
    situation("with a space in it", "sk-testkit situation-0011", Behaviour::Invalid, "malformed_key"),
    situation("in quotation marks", "\"sk-testkit-situation-0012\"", Behaviour::Invalid, "malformed_key"),
    situation(
        "in curly quotes",
        "\u{201c}sk-testkit-situation-0013\u{201d}",
        Behaviour::Invalid,
        "malformed_key",
    ),
    situation(
        "with an invisible character",
        "sk-testkit\u{200b}-situation-0014",
        Behaviour::Invalid,
        "malformed_key",
    ),
    situation("a template's variable", "{{ OPENAI_KEY }}", Behaviour::Invalid, "malformed_key"),
    situation("a template", "<sk-your-key-here>", Behaviour::Invalid, "malformed_key"),
    situation("cut off", "sk-testkit-situation-001", Behaviour::Invalid, "invalid_key"),
    situation("abbreviated", "sk-testkit-situation...", Behaviour::Invalid, "malformed_key"),
    situation("in other letters", "SK-TESTKIT-SITUATION-0019", Behaviour::Invalid, "invalid_key"),
    situation("of another account", "sk-testkit-other-account-0020", Behaviour::Invalid, "invalid_key"),
];

fn put(stage: &Stage, agent: &str, key: &str) {
    stores::edit(&stage.instance, Place::Agent(agent), Part::Profiles, |store| {
        let profile = &mut store["profiles"][PROFILE];
        let field = if profile["type"] == "token" { "token" } else { "key" };
        profile[field] = json!(key);
    })
    .unwrap();
}

fn verify_finds_what_the_check_does_not(version: &str) {
    let provider = Emulator::start(Config::default()).unwrap();
    let instance = Instance::new(version, Seed::ApiKey, provider.port()).unwrap();
    let stage = Stage { instance, provider };
    let mut kept = String::new();
    for round in SITUATIONS.chunks(VICTIMS.len()) {
        stage.provider.only_accept(&[OLD_KEY, KEPT_KEY]);
        for agent in VICTIMS {
            put(&stage, agent, OLD_KEY);
        }
        for (agent, situation) in VICTIMS.iter().zip(round) {
            put(&stage, agent, situation.key);
            stage.provider.reject(situation.key, situation.behaviour);
        }
        let run = stage.keyshoal(&["verify", "--json"]);
        let document: Value = serde_json::from_str(&run.out).unwrap();
        for agent in document["agents"].as_array().unwrap() {
            let id = agent["id"].as_str().unwrap();
            let proof =
                agent["profiles"].as_array().unwrap().iter().find(|one| one["id"] == PROFILE).unwrap();
            let found = (agent["state"] == "proven", proof["verdict"].as_str().unwrap());
            let at = VICTIMS.iter().position(|victim| *victim == id);
            match at.and_then(|at| round.get(at)) {
                None => assert_eq!(found, (true, "ok"), "{version}: a false alarm about {id}"),
                Some(situation) => {
                    assert_eq!(found, (false, situation.verdict), "{version}: {}", situation.name);
                    let said =
                        stage.instance.cli(&["models", "status", "--agent", id, "--check"], "").unwrap();
                    assert_eq!(
                        said.code,
                        Some(0),
                        "{version}: {}: the program's own check found it: {said:?}",
                        situation.name
                    );
                    writeln!(
                        kept,
                        "{}: openclaw says ok, keyshoal says {} ({})",
                        situation.name,
                        situation.verdict,
                        agent["state"].as_str().unwrap()
                    )
                    .unwrap();
                }
            }
        }
    }
    assert_eq!(kept.lines().count(), SITUATIONS.len());
    insta::assert_snapshot!(format!("situations_{}", version.replace('.', "_")), kept);
}

#[test]
fn verify_finds_what_the_check_does_not_on_2026_5_28() {
    verify_finds_what_the_check_does_not("2026.5.28");
}

#[test]
fn verify_finds_what_the_check_does_not_on_2026_9_6() {
    verify_finds_what_the_check_does_not("2026.9.6");
}
