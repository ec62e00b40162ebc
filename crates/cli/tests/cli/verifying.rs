//! `verify`: what is asked, what is believed, and what the exit code says.

use crate::stage::*;
use keyshoal_core::Layout;
use keyshoal_emulator::Behaviour;
use serde_json::Value;
use std::collections::BTreeSet;

fn agent<'a>(document: &'a Value, id: &str) -> &'a Value {
    document["agents"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap()
}

fn anthropic<'a>(document: &'a Value, id: &str) -> &'a Value {
    let profiles = agent(document, id)["profiles"].as_array().unwrap();
    profiles.iter().find(|one| one["provider"] == "anthropic").unwrap()
}

#[test]
fn each_distinct_value_is_asked_about_once_and_only_the_stale_agent_fails() {
    for layout in [Layout::JsonFile, Layout::AgentSqlite, Layout::SharedRow] {
        let stage = Stage::drifted(layout);
        let run = stage.run(&["verify", "--json"]);
        let document = run.json();
        assert_eq!(document["schema"], "keyshoal.verify.v1");
        assert_eq!(run.code, 2, "{}", run.err);
        let state = |id: &str| agent(&document, id)["state"].as_str().unwrap().to_owned();
        assert_eq!(
            ["main", "stocks", "ops", "academic"].map(state),
            ["accepted", "failing", "accepted", "accepted"]
        );
        assert_eq!(anthropic(&document, "stocks")["verdict"], "invalid_key");
        assert_eq!(anthropic(&document, "ops")["verdict"], "ok", "what it inherits");
        assert_eq!(anthropic(&document, "main")["id"], PROFILE);
        for promised in ["fingerprint", "retryable", "request_id", "latency_ms", "advice"] {
            assert!(anthropic(&document, "stocks").get(promised).is_some(), "{promised}");
        }
        let log = stage.emulator.log();
        let mut keys: Vec<_> = log
            .iter()
            .filter_map(|request| request.key.clone())
            .filter(|key| SECRETS.contains(&key.as_str()))
            .collect();
        keys.sort();
        let distinct: BTreeSet<_> = keys.iter().cloned().collect();
        assert_eq!(keys.len(), distinct.len(), "a value was sent twice: {log:#?}");
        assert_eq!(distinct, BTreeSet::from([NEW, OLD, OWN].map(str::to_owned)));
    }
}

#[test]
fn what_nobody_sends_is_accepted_and_never_proven() {
    let stage = Stage::calm(Layout::SharedRow);
    let run = stage.run(&["verify"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let last = run.out.split("\n\n").last().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(last.starts_with("? what all 2 agents have was accepted by their providers"), "{last}");
    assert!(last.contains("by the key alone") && last.contains("no gateway runs"), "{last}");
    assert!(!run.out.contains("proven"), "no gateway of this installation runs: {}", run.out);
    let doctor = stage.run(&["doctor"]);
    let doctor = doctor.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(doctor.ends_with("no gateway runs, so nobody sends anything now"), "{doctor}");
    stage.emulator.clear_log();
    let offline = stage.run(&["verify", "--offline", "--json"]);
    assert_eq!((offline.code, stage.emulator.log().len()), (2, 0));
    assert_eq!(agent(&offline.json(), "ops")["state"], "unproven");
}

#[test]
fn a_key_that_is_genuine_and_cannot_be_used_is_no_proof() {
    for (behaviour, verdict, state) in [
        (Behaviour::Scope, "missing_scope", "failing"),
        (Behaviour::RateLimited { retry_after: 7 }, "rate_limited", "unproven"),
        (Behaviour::ServerError, "provider_down", "unproven"),
        (Behaviour::Garbage, "unexpected_answer", "unproven"),
    ] {
        let stage = Stage::calm(Layout::JsonFile);
        stage.emulator.reject(NEW, behaviour);
        let run = stage.run(&["verify", "--json"]);
        let document = run.json();
        assert_eq!(run.code, 2, "{verdict}");
        assert_eq!(
            (anthropic(&document, "main")["verdict"].as_str(), agent(&document, "main")["state"].as_str()),
            (Some(verdict), Some(state))
        );
    }
}

#[test]
fn an_agent_without_anything_is_missing_and_never_ok() {
    let stage = Stage::empty(Layout::JsonFile);
    let run = stage.run(&["verify", "--json"]);
    assert_eq!(run.code, 2, "{}", run.out);
    let state = agent(&run.json(), "main")["state"].as_str().unwrap().to_owned();
    assert!(matches!(state.as_str(), "missing" | "failing"), "{state}");
    assert!(stage.emulator.log().is_empty());
}

#[test]
fn a_name_that_nobody_has_is_refused_before_anything_is_asked() {
    let stage = Stage::drifted(Layout::JsonFile);
    for arguments in [["verify", "--agent", "nobody"], ["verify", "--provider", "nobody"]] {
        let run = stage.run(&arguments);
        assert_eq!(run.code, 1);
        assert!(run.err.contains("nobody"), "{}", run.err);
    }
    assert!(stage.emulator.log().is_empty());
}

#[test]
fn the_scope_limits_what_is_asked() {
    let stage = Stage::drifted(Layout::JsonFile);
    let run = stage.run(&["verify", "--agent", "academic", "--provider", "anthropic", "--json"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(run.json()["agents"].as_array().unwrap().len(), 1);
    let keys: BTreeSet<_> = stage.emulator.log().into_iter().filter_map(|request| request.key).collect();
    assert!(keys.contains(OWN) && !keys.contains(NEW) && !keys.contains(OLD), "{keys:?}");
}

#[test]
fn what_people_read() {
    let stage = Stage::drifted(Layout::SharedRow);
    let run = stage.run(&["verify"]);
    println!("{}", run.out);
    for words in ["failing", "stocks", "✗ rejected", "✓ accepted", "3 of 4 agents accepted"] {
        assert!(run.out.contains(words), "{words}: {}", run.out);
    }
}

#[test]
fn what_openclaw_holds_back_and_its_provider_accepts_is_freed_for_that_profile_alone() {
    let stage = Stage::drifted(Layout::JsonFile);
    let file = stage.state_dir().join("agents/academic/agent/auth-profiles.json");
    let mut store: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let mark = serde_json::json!({ "errorCount": 3, "lastFailureAt": 1_000, "cooldownUntil": 4_000_000_000_000_i64, "cooldownReason": "auth" });
    store["usageStats"] = serde_json::json!({ PROFILE: mark, "other:default": mark });
    std::fs::write(&file, store.to_string()).unwrap();

    let held = stage.run(&["verify", "--agent", "academic", "--json"]);
    assert_eq!(held.code, 2);
    let document = held.json();
    let found = anthropic(&document, "academic");
    assert_eq!((found["role"].as_str(), found["verdict"].as_str()), (Some("held_back"), Some("ok")));
    assert!(found["advice"].as_str().unwrap().contains("--reset-cooldowns"), "{found}");

    let freed = stage.run(&["verify", "--agent", "academic", "--reset-cooldowns"]);
    assert_eq!(freed.code, 0, "{}{}", freed.out, freed.err);
    let after: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(after["profiles"], store["profiles"], "no value changes");
    assert!(after["usageStats"][PROFILE].get("cooldownUntil").is_none_or(Value::is_null), "{after}");
    assert_eq!(after["usageStats"]["other:default"], mark, "another profile's mark stays");
}

#[test]
fn what_is_rejected_stays_held_back() {
    let stage = Stage::drifted(Layout::JsonFile);
    let file = stage.state_dir().join("agents/stocks/agent/auth-profiles.json");
    let mut store: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    store["usageStats"] = serde_json::json!({ PROFILE: { "errorCount": 3, "cooldownUntil": 4_000_000_000_000_i64, "cooldownReason": "auth" } });
    std::fs::write(&file, store.to_string()).unwrap();
    let run = stage.run(&["verify", "--agent", "stocks", "--reset-cooldowns"]);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    let after: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(after, store);
}

fn check<'a>(document: &'a Value, id: &str) -> &'a str {
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|one| one["id"] == id).unwrap()["result"].as_str().unwrap()
}

#[test]
fn the_five_questions_are_answered_by_what_was_seen() {
    let stage = Stage::drifted(Layout::SharedRow);
    let five = ["same_generation", "agents_accepted", "routes_answered", "several_agents_seen", "propagated"];
    let before = stage.run(&["verify", "--json"]).json();
    assert_eq!(five.map(|id| check(&before, id)), ["no", "no", "not_tested", "not_tested", "not_tested"]);
    assert_eq!(stage.run(&["sync", "--yes"]).code, 0);
    let synced = stage.run(&["verify", "--json"]).json();
    assert_eq!(five.map(|id| check(&synced, id))[..2], ["yes", "not_tested"], "no gateway sends it");
    // A change that `set` brings to everybody takes no further work by hand.
    let set = stage.run_with(&["set", "anthropic", "--yes"], &format!("{GIVEN}\n"));
    assert_eq!(set.code, 0, "{}{}", set.out, set.err);
    let document = stage.run(&["verify", "--json"]).json();
    assert_eq!(check(&document, "propagated"), "yes");
    // The way to an answer is named where there is none, and what an answer rests on where there is one.
    let why = |id: &str| {
        let one = document["checks"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap();
        format!("{} {}", one["reason"], one["evidence"])
    };
    assert!(why("several_agents_seen").contains("--through-gateway"), "{}", why("several_agents_seen"));
    for words in
        ["keyshoal set (run ", ": durable after ", "no gateway ran", "accepted by its provider before"]
    {
        assert!(why("propagated").contains(words), "{words}: {}", why("propagated"));
    }
    // The screen says the same.
    let screen = stage.run(&["verify"]).out;
    assert!(screen.contains("not tested: only a request of each agent's own tells"), "{screen}");
    assert!(screen.contains("keyshoal set (run "), "{screen}");
}

#[test]
fn a_report_for_a_file_holds_the_facts_and_no_secret() {
    let stage = Stage::drifted(Layout::JsonFile);
    for name in ["proof.html", "proof.md"] {
        let file = stage.path(name);
        let run = stage.run(&["verify", "--report", file.to_str().unwrap()]);
        assert_eq!(run.code, 2);
        let text = std::fs::read_to_string(&file).unwrap();
        for words in ["stocks", "rejected", "Five questions", "req_emu"] {
            assert!(text.contains(words), "{name}: {words}");
        }
        for secret in SECRETS {
            assert!(!text.contains(secret), "{name}");
        }
    }
    let wrong = stage.run(&["verify", "--report", "proof.pdf"]);
    assert_eq!(wrong.code, 64, "{}", wrong.err);
}

#[test]
fn each_route_is_resolved_and_what_was_not_asked_is_not_called_answered() {
    let stage = Stage::calm(Layout::JsonFile);
    let config = stage.state_dir().join("openclaw.json");
    let mut text: Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    text["channels"] = serde_json::json!({ "telegram": { "enabled": true } });
    let bind = |agent: &str, peer: &str| serde_json::json!({ "agentId": agent, "match": { "channel": "telegram", "peer": { "kind": "direct", "id": peer } } });
    text["bindings"] = serde_json::json!([bind("ops", "7")]);
    std::fs::write(&config, text.to_string()).unwrap();
    let run = stage.run(&["verify", "--routes", "--json"]);
    let document = run.json();
    let routes = document["routes"].as_array().unwrap();
    let of_ops: Vec<&Value> = routes.iter().filter(|one| one["agent"] == "ops").collect();
    assert!(!of_ops.is_empty() && of_ops.iter().all(|one| one["routed"] == true), "{routes:#?}");
    assert!(
        routes.iter().all(|one| one["answered"].is_null() && one["delivered"].is_null()),
        "no gateway runs"
    );
    assert_eq!(check(&document, "routes_answered"), "not_tested");

    // A binding to nobody: this release sends it to the default agent without a word.
    text["bindings"] = serde_json::json!([bind("nobody", "7")]);
    std::fs::write(&config, text.to_string()).unwrap();
    let run = stage.run(&["verify", "--routes", "--json"]);
    let document = run.json();
    assert_eq!((run.code, check(&document, "routes_answered")), (2, "no"));
    let misled = document["routes"].as_array().unwrap().iter().find(|one| one["routed"] == false).unwrap();
    assert!(misled["why"].as_str().unwrap().contains("nobody"), "{misled}");
}

#[test]
fn with_deep_a_key_without_credit_or_without_the_model_is_found() {
    for (behaviour, verdict) in
        [(Behaviour::Billing, "billing"), (Behaviour::ModelMissing, "model_unavailable")]
    {
        let stage = Stage::calm(Layout::JsonFile);
        let config = stage.state_dir().join("openclaw.json");
        let mut text: Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
        text["agents"]["defaults"]["model"] = "anthropic/claude-test".into();
        std::fs::write(&config, text.to_string()).unwrap();
        stage.emulator.reject(NEW, behaviour);
        let shallow = stage.run(&["verify", "--json"]);
        assert_eq!(
            (shallow.code, anthropic(&shallow.json(), "main")["verdict"].as_str()),
            (0, Some("ok")),
            "a list does not say it"
        );
        let deep = stage.run(&["verify", "--deep", "--json"]);
        let document = deep.json();
        let models = &anthropic(&document, "main")["models"];
        assert_eq!((deep.code, models[0]["verdict"].as_str()), (2, Some(verdict)), "{models:#}");
        assert_eq!(agent(&document, "ops")["state"], "failing", "it inherits the key");
        let asked = stage
            .emulator
            .log()
            .iter()
            .filter(|request| request.method == "POST" && request.key.as_deref() == Some(NEW))
            .count();
        assert_eq!(asked, 1, "once for all agents");
    }
}

#[test]
fn a_bound_on_requests_is_kept_and_said() {
    let stage = Stage::drifted(Layout::JsonFile);
    let run = stage.run(&["verify", "--max-requests", "1", "--provider", "anthropic", "--json"]);
    assert_eq!((run.code, stage.emulator.log().len()), (2, 1));
    let document = run.json();
    let unasked = document["agents"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|agent| agent["profiles"][0]["verdict"] == "not_asked");
    assert!(unasked.count() >= 2, "{document:#}");
}
