//! The doctor: no false alarm where all is well, everything where much is wrong, and what it mends.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use keyshoal_openclaw::sample::Installation;
use serde_json::{Value, json};
use std::path::Path;

const LAYOUTS: [Layout; 5] =
    [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow];

fn own(id: &str) -> StoreId {
    StoreId::Agent(id.into())
}

/// The checks of a document that found something.
fn found(document: &Value) -> Vec<&str> {
    let checks = document["checks"].as_array().unwrap().iter();
    checks.filter(|one| one["severity"] != "fine").map(|one| one["id"].as_str().unwrap()).collect()
}

#[test]
fn a_healthy_installation_raises_no_alarm() {
    for layout in LAYOUTS {
        let stage = Stage::calm(layout);
        let run = stage.run(&["doctor", "--json"]);
        let document = run.json();
        assert_eq!(found(&document), Vec::<&str>::new(), "{layout}: {document:#}");
        assert_eq!(run.code, 0, "{layout}: {}", run.err);
        assert!(stage.emulator.log().is_empty(), "{layout}: nobody is asked");
    }
}

#[test]
fn a_rotation_that_reached_main_alone_is_found_and_mended() {
    for layout in LAYOUTS {
        let stage = Stage::drifted(layout);
        assert_eq!(stage.run(&["status", "--check"]).code, 2, "{layout}");
        let run = stage.run(&["doctor"]);
        assert_eq!(run.code, 2, "{layout}: {}", run.out);
        assert!(run.out.contains("✗ last_update") && run.out.contains("stocks"), "{layout}: {}", run.out);
        let asked = stage.run(&["doctor", "--fix"]);
        assert_eq!(asked.code, 2, "{layout}: nobody is there to ask: {}", asked.out);
        assert_eq!(stage.run(&["history", "--json"]).json()["runs"], json!([]), "{layout}");
        let run = stage.run(&["doctor", "--fix", "--yes", "--json"]);
        assert_eq!(run.code, 0, "{layout}: {}{}", run.out, run.err);
        assert_eq!(run.json()["fixed"]["writes"], 1, "{layout}: the override stays");
        assert_eq!(stage.run(&["history", "--json"]).json()["runs"][0]["command"], "doctor", "{layout}");
    }
}

#[test]
fn an_override_whose_own_key_was_revoked_is_told_and_left() {
    let stage = Stage::drifted(Layout::JsonFile);
    assert_eq!(stage.run(&["keep", "academic", PROFILE]).code, 0);
    assert_eq!(stage.run(&["sync", "--yes"]).code, 0);
    stage.emulator.only_accept(&[NEW, GIVEN]);
    assert_eq!(stage.run(&["doctor", "--online"]).code, 2);
    assert_eq!(stage.run(&["status"]).code, 2);
    for arguments in [&["doctor"][..], &["doctor", "--fix", "--yes"]] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.out);
        assert!(run.out.contains("✗ rejected") && run.out.contains("academic"), "{}", run.out);
        assert!(run.out.contains("→ keyshoal replace academic"), "{}", run.out);
        assert!(!run.out.contains("nothing needs attention"), "{}", run.out);
    }
    let mended = stage.run_with(&["set", PROFILE, "--agent", "academic", "--yes"], GIVEN);
    assert_eq!(mended.code, 0, "{}{}", mended.out, mended.err);
    let run = stage.run(&["doctor", "--fix", "--yes"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(!run.err.contains("lines with →"), "there are none: {}", run.err);
}

#[test]
fn one_check_is_explained() {
    let stage = Stage::calm(Layout::JsonFile);
    let run = stage.run(&["doctor", "last_update"]);
    assert_eq!(run.code, 0, "{}", run.err);
    for word in ["looks at:", "matters:", "way out:", "(newest)", "main, ops"] {
        assert!(run.out.contains(word), "{word}: {}", run.out);
    }
    let run = stage.run(&["doctor", "astrology"]);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("the checks are: last_update"), "{}", run.err);
}

#[test]
fn an_agent_that_is_no_more_is_set_aside_and_put_back() {
    let stage = Stage::with(Layout::SharedRow, |sample| {
        sample.api_key(StoreId::Base, PROFILE, NEW).api_key(own("retired"), PROFILE, OLD)
    });
    let orphaned = || stage.run(&["doctor", "agent_ids"]).out;
    assert!(orphaned().contains("keyshoal quarantine retired"), "{}", orphaned());
    assert_eq!(stage.run(&["quarantine", "main"]).code, 1);
    let run = stage.run(&["quarantine", "retired"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(orphaned().contains("was moved aside") && orphaned().contains("✓ agent_ids"), "{}", orphaned());
    assert!(stage.run(&["quarantine"]).out.contains("retired"));
    for command in [["doctor", "residue"], ["scrub", "--dry-run"]] {
        let run = stage.run(&command);
        assert!(
            run.out.contains("may hold credentials in plaintext") && run.out.contains("rm -r "),
            "{command:?}: {}",
            run.out
        );
    }
    assert_eq!(stage.run(&["quarantine", "--undo"]).code, 64);
    assert_eq!(stage.run(&["quarantine", "--undo", "retired"]).code, 0);
    assert!(orphaned().contains("keyshoal quarantine retired"), "{}", orphaned());
}

/// An installation in which as much is wrong as fits into one.
fn troubled() -> Stage {
    let reference = json!({ "type": "api_key", "provider": "acme",
        "keyRef": { "source": "env", "provider": "default", "id": "ACME_NOT_SET" } });
    let login = json!({ "type": "oauth", "provider": "openai-codex", "access": ACCESS, "refresh": REFRESH,
        "expires": 4_000_000_000_000_i64, "email": "seeded@example.com" });
    let config = json!({
        "agents": { "entries": { "main": { "default": true }, "stocks": {}, "ops": { "model": "gone/big" } } },
        "auth": { "profiles": { "openai:default": { "provider": "openai", "mode": "token" } } },
        "bindings": [{ "agentId": "main", "match": { "channel": "telegram" } }],
        "channels": { "telegram": { "enabled": true } },
    });
    let limited = json!({ "usageStats": { PROFILE: { "cooldownUntil": 4_102_444_800_000_i64,
        "cooldownReason": "rate_limit", "failureCounts": { "rate_limit": 41 } } } });
    let build = |sample: Installation| {
        let sample = sample.agent("stocks").agent("ops").config(config);
        sample
            .api_key(StoreId::Base, PROFILE, NEW)
            .api_key(StoreId::Base, "openai:default", GIVEN)
            .profile(StoreId::Base, "openai-codex:me", login)
            .profile(StoreId::Base, "acme:default", reference)
            .state(StoreId::Base, limited)
            .api_key(own("stocks"), PROFILE, OLD)
            .api_key(own("retired"), PROFILE, OLD)
    };
    let stage = Stage::with(Layout::SharedRow, build);
    let state = stage.state_dir();
    let write = |path: &Path, text: &str| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(path, mode).unwrap();
    };
    write(&state.join("agents/ops/agent/auth-profiles.json"), "{\"version\":1,\"profiles\":{}}");
    let copied = json!({ "providers": { "anthropic": { "apiKey": OLD } } }).to_string();
    write(&state.join("agents/stocks/agent/models.json"), &copied);
    let lock = json!({ "pid": std::process::id(), "createdAt": "2026-01-01T00:00:00.000Z" }).to_string();
    write(&state.join("locks/oauth-refresh/lock-00.lock"), &lock);
    write(&stage.path(".codex/auth.json"), "{\"email\":\"seeded@example.com\"}");
    let other = Installation::new(Layout::JsonFile).api_key(StoreId::Base, PROFILE, OWN);
    other.write(&stage.path(".clawdbot")).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(state.join("agents/stocks/agent/openclaw-agent.sqlite"), open).unwrap();
    stage
}

/// Takes out of a document what differs from run to run: paths, times, fingerprints, process numbers.
fn settled(stage: &Stage, text: &str) -> String {
    let text = text.replace(&stage.path("").display().to_string(), "HOME/");
    let text = text.replace(&std::process::id().to_string(), "PID").replace("oauth-refresh/", "REFRESHES/");
    let mut prints: Vec<String> = Vec::new();
    let word = |word: &str| {
        let is_print = word.len() == 8 && word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_print && word.bytes().any(|byte| byte.is_ascii_digit()) {
            let known = prints.iter().position(|print| print == word).unwrap_or_else(|| {
                prints.push(word.to_owned());
                prints.len() - 1
            });
            return format!("PRINT{known}");
        }
        let digits = |at: std::ops::Range<usize>| {
            word.get(at).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        match word.len() {
            10 if digits(0..4) && digits(5..7) && digits(8..10) => "DATE".to_owned(),
            5 if digits(0..2) && digits(3..5) => "TIME".to_owned(),
            8 if digits(0..2) && digits(3..5) && digits(6..8) => "TIME".to_owned(),
            20.. if digits(0..4) && word.ends_with('Z') => "MOMENT".to_owned(),
            _ => word.to_owned(),
        }
    };
    let is_part = |one: char| !(one.is_alphanumeric() || matches!(one, '-' | ':' | '.'));
    let mut out = String::new();
    let mut rest = text.as_str();
    let mut word = word;
    while let Some(at) = rest.find(is_part) {
        out.push_str(&word(&rest[..at]));
        let end = at + rest[at..].chars().next().map_or(1, char::len_utf8);
        out.push_str(&rest[at..end]);
        rest = &rest[end..];
    }
    out.push_str(&word(rest));
    out
}

#[test]
fn everything_that_is_wrong_is_told() {
    let stage = troubled();
    assert_eq!(stage.run(&["status", "--check"]).code, 2);
    let run = stage.run(&["doctor", "--json"]);
    assert_eq!(run.code, 2, "{}", run.err);
    for secret in SECRETS {
        assert!(!run.out.contains(secret) && !run.err.contains(secret));
    }
    let mut document = run.json();
    // What was seen is told in full by the checks' own tests, and how much room a disk has differs.
    for check in document["checks"].as_array_mut().unwrap() {
        check.as_object_mut().unwrap().remove("seen");
    }
    let text = serde_json::to_string_pretty(&document).unwrap();
    insta::assert_snapshot!(settled(&stage, &text));
}
