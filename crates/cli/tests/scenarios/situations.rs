//! Twenty situations in which an agent fails and the program's own check says that all is well: `verify` finds exactly that agent.
//!
//! Both outputs are kept whole as snapshots, and so is the document. The check is what a person would run: `openclaw models status --agent …
//! --check`.

use crate::plain::Plain;
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

/// What both programs said, whole, for the snapshots.
#[derive(Default)]
struct Kept {
    openclaw: String,
    screens: String,
    documents: String,
}

fn verify_finds_what_the_check_does_not(version: &str) {
    let provider = Emulator::start(Config::default()).unwrap();
    let instance = Instance::new(version, Seed::ApiKey, provider.port()).unwrap();
    let stage = Stage { instance, provider };
    let mut kept = Kept::default();
    let mut found = 0;
    for round in SITUATIONS.chunks(VICTIMS.len()) {
        stage.provider.only_accept(&[OLD_KEY, KEPT_KEY]);
        for agent in VICTIMS {
            put(&stage, agent, OLD_KEY);
        }
        for (agent, situation) in VICTIMS.iter().zip(round) {
            put(&stage, agent, situation.key);
            stage.provider.reject(situation.key, situation.behaviour);
        }
        found += one_round(&stage, round, &mut kept);
    }
    assert_eq!(found, SITUATIONS.len());
    let name = |what: &str| format!("situations_{}_{what}", version.replace('.', "_"));
    insta::assert_snapshot!(name("openclaw_check"), kept.openclaw);
    insta::assert_snapshot!(name("keyshoal_verify"), kept.screens);
    insta::assert_snapshot!(name("keyshoal_verify_json"), kept.documents);
}

/// Runs both programs while these situations hold, one for each victim. Returns in how many the check said yes and `verify` said what is wrong.
fn one_round(stage: &Stage, round: &[Situation], kept: &mut Kept) -> usize {
    let version = stage.instance.release();
    let title = VICTIMS
        .iter()
        .zip(round)
        .fold(String::new(), |text, (agent, situation)| format!("{text} · {agent}: {}", situation.name));
    let screen = stage.keyshoal(&["verify"]);
    let run = stage.keyshoal(&["verify", "--json"]);
    assert_eq!((screen.code, run.code), (Some(2), Some(2)), "{version}: {title}");
    let document: Value = serde_json::from_str(&run.out).unwrap();
    let plain = Plain::of(stage, &document);
    writeln!(kept.screens, "==={title}\n\n{}", plain.text(&screen.out)).unwrap();
    writeln!(kept.documents, "==={title}\n\n{}", plain.text(&run.out)).unwrap();
    let mut found = 0;
    for agent in document["agents"].as_array().unwrap() {
        let id = agent["id"].as_str().unwrap();
        let proof = agent["profiles"].as_array().unwrap().iter().find(|one| one["id"] == PROFILE).unwrap();
        let said = (agent["state"] == "accepted", proof["verdict"].as_str().unwrap());
        let at = VICTIMS.iter().position(|victim| *victim == id);
        let Some(situation) = at.and_then(|at| round.get(at)) else {
            assert_eq!(said, (true, "ok"), "{version}: a false alarm about {id}");
            continue;
        };
        assert_eq!(said, (false, situation.verdict), "{version}: {}", situation.name);
        let check = stage.instance.cli(&["models", "status", "--agent", id, "--check"], "").unwrap();
        assert_eq!(
            check.code,
            Some(0),
            "{version}: {}: the program's own check found it: {check:?}",
            situation.name
        );
        let (out, err) = (plain.text(&check.out), plain.text(&check.err));
        writeln!(kept.openclaw, "=== {}: openclaw models status --agent {id} --check", situation.name)
            .unwrap();
        writeln!(kept.openclaw, "\nexit code 0, standard output:\n\n{out}\nstandard error:\n\n{err}")
            .unwrap();
        found += 1;
    }
    found
}

#[test]
fn verify_finds_what_the_check_does_not_on_2026_5_28() {
    verify_finds_what_the_check_does_not("2026.5.28");
}

#[test]
fn verify_finds_what_the_check_does_not_on_2026_9_6() {
    verify_finds_what_the_check_does_not("2026.9.6");
}
