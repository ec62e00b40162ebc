//! The JSON documents: schemas, fields, times.

use crate::stage::*;
use keyshoal_core::Layout;
use serde_json::Value;

fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Calls `visit` with every key and value of a document.
fn walk(value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                visit(key, value);
                walk(value, visit);
            }
        }
        Value::Array(all) => all.iter().for_each(|one| walk(one, visit)),
        _ => {}
    }
}

#[test]
fn the_status_document_has_the_promised_fields() {
    let stage = Stage::drifted(Layout::SharedRow);
    let run = stage.run(&["status", "--check", "--json"]);
    let document = run.json();
    assert_eq!(document["schema"], "keyshoal.status.v1");
    for promised in ["instance", "agents", "orphans", "findings", "summary"] {
        assert!(fields(&document).contains(&promised), "{promised}");
    }
    for promised in ["id", "state_dir", "layout", "openclaw_version", "gateway"] {
        assert!(fields(&document["instance"]).contains(&promised), "{promised}");
    }
    let stocks = document["agents"].as_array().unwrap().iter().find(|one| one["id"] == "stocks").unwrap();
    for promised in ["id", "default", "enabled", "profiles"] {
        assert!(fields(stocks).contains(&promised), "{promised}");
    }
    let profile = stocks["profiles"].as_array().unwrap().iter().find(|one| one["id"] == PROFILE).unwrap();
    for promised in ["id", "provider", "type", "finding", "fingerprint", "origin", "first_seen", "verdict"] {
        assert!(fields(profile).contains(&promised), "{promised}");
    }
    assert_eq!(profile["finding"], "stale");
    assert_eq!(profile["origin"], "local");
    assert_eq!(profile["type"], "api_key");
    assert_eq!(profile["fingerprint"].as_str().unwrap().len(), 8);
    for finding in document["findings"].as_array().unwrap() {
        for promised in ["agent", "profile", "finding", "severity", "message", "fix"] {
            assert!(fields(finding).contains(&promised), "{promised}");
        }
    }
    assert_eq!(document["summary"], serde_json::json!({ "agents": 4, "in_sync": 3, "drifted": 1 }));
}

#[test]
fn every_document_is_one_with_a_schema_snake_case_and_utc_times() {
    let stage = Stage::drifted(Layout::JsonFile);
    let path = |name: &str| stage.path(name).to_str().unwrap().to_owned();
    let (backup, key, new_key) = (path("vault.backup"), path("second.key"), path("new.txt"));
    std::fs::write(&new_key, "acme-key-of-some-length").unwrap();
    let together = ["rotate", PROFILE, "--instances", "all", "--offline", "--yes", "--from-file", &new_key];
    let commands: [(&[&str], &str); 37] = [
        (&["status", "--check"], "keyshoal.status.v1"),
        (&["verify"], "keyshoal.verify.v1"),
        (&["diff"], "keyshoal.diff.v1"),
        (&["explain", "stocks"], "keyshoal.explain.v1"),
        (&["doctor"], "keyshoal.doctor.v1"),
        (&["quarantine"], "keyshoal.quarantine.v1"),
        (&["scrub", "--dry-run"], "keyshoal.scrub.v1"),
        (&["sync", "--dry-run"], "keyshoal.sync.v1"),
        (&["sync"], "keyshoal.sync.v1"),
        (&["restart"], "keyshoal.restart.v1"),
        (&["recover"], "keyshoal.recover.v1"),
        (&["keep", "academic", PROFILE], "keyshoal.keep.v1"),
        (&["keep", "--undo", "academic", PROFILE], "keyshoal.keep.v1"),
        (&["replace", "academic", PROFILE], "keyshoal.replace.v1"),
        (&["sync", "--yes"], "keyshoal.sync.v1"),
        (&["route", "channel=telegram,peer=direct:123"], "keyshoal.route.v1"),
        (&["route", "--all"], "keyshoal.route.v1"),
        (&["history"], "keyshoal.history.v1"),
        (&["history", "last"], "keyshoal.run.v1"),
        (&["rollback", "last", "--dry-run"], "keyshoal.rollback.v1"),
        (&["--json", "trace", "--", "true"], "keyshoal.trace.v1"),
        (&["alerts", "list"], "keyshoal.alerts.v1"),
        (&["vault", "init"], "keyshoal.vault.v1"),
        (&["vault", "status"], "keyshoal.vault.v1"),
        (&["vault", "backup", &backup], "keyshoal.vault.v1"),
        (&["vault", "verify", &backup], "keyshoal.vault.v1"),
        (&["vault", "rekey", "--key-file", &key], "keyshoal.vault.v1"),
        (&["vault", "verify"], "keyshoal.vault.v1"),
        (&["instance", "add", "--name", "home", "--offline", "--yes"], "keyshoal.instance.v1"),
        (&["instance", "list"], "keyshoal.instances.v1"),
        (&["agent", "add", "labs", "--offline", "--yes"], "keyshoal.agent.v1"),
        (&["credential", "list"], "keyshoal.instance.v1"),
        (&["artifacts", "--list"], "keyshoal.artifacts.v1"),
        (&["rotate", "--due"], "keyshoal.due.v1"),
        (&["rotate", PROFILE, "--dry-run", "--offline", "--from-file", &new_key], "keyshoal.rotate.v1"),
        (&together, "keyshoal.rotations.v1"),
        (&["explain", "nobody"], "keyshoal.error.v1"),
    ];
    let described = include_str!("../../../../docs/documents.md");
    for (arguments, schema) in commands {
        assert!(described.contains(&format!("`{schema}`")), "docs/documents.md says nothing of {schema}");
        let json: &[&str] = if arguments.contains(&"--json") { &[] } else { &["--json"] };
        let document = stage.run(&[arguments, json].concat()).json();
        assert_eq!(document["schema"], schema, "{arguments:?}");
        walk(&document, &mut |key, value| {
            assert!(
                described.contains(&format!("`{key}`")),
                "docs/documents.md says nothing of {key} ({schema})"
            );
            assert!(!key.chars().any(|one| one.is_uppercase() || one == '-'), "{arguments:?}: {key}");
            if matches!(key, "at" | "begun" | "finished" | "first_seen" | "started") && !value.is_null() {
                let text = value.as_str().unwrap();
                assert!(text.ends_with('Z') && text.contains('T'), "{arguments:?}: {key} {text}");
            }
        });
    }
}

#[test]
fn what_changes_nothing_and_what_is_not_understood_prints_one_document_too() {
    let stage = Stage::drifted(Layout::JsonFile);
    let schema = |arguments: &[&str], code: i32| {
        let run = stage.run(arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}{}", run.out, run.err);
        let one: Value = serde_json::from_str(&run.out)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", run.out));
        one["schema"].as_str().unwrap().to_owned()
    };
    assert_eq!(schema(&["status", "--bogus", "--json"], 64), "keyshoal.error.v1");
    assert_eq!(stage.run(&["trace", "--bogus", "--", "x", "--json"]).out, "");
    assert_eq!(schema(&["trace", "--json", "--", "false"], 1), "keyshoal.trace.v1");
    assert_eq!(stage.run(&["vault", "init"]).code, 0);
    for (how, code) in [(&["--dry-run"][..], 0), (&[], 2)] {
        assert_eq!(
            schema(&[&["instance", "add", "--offline", "--json"], how].concat(), code),
            "keyshoal.import.v1"
        );
    }
    assert_eq!(stage.run(&["instance", "add", "--offline", "--yes", "--name", "home"]).code, 0);
    assert_eq!(schema(&["instance", "remove", "home", "--json"], 2), "keyshoal.instances.v1");
    assert_eq!(
        schema(&["instance", "set", "--name", "desk", "--dry-run", "--json"], 2),
        "keyshoal.instance.v1"
    );
    let set = ["instance", "set", "--delivery", "inline", "--dry-run", "--offline", "--json"];
    let run = stage.run(&set);
    let one: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(one["schema"], "keyshoal.instance_set.v1", "{}{}", run.out, run.err);
}

#[test]
fn an_id_that_openclaw_would_write_otherwise_is_refused_and_a_model_without_a_provider_warned_of() {
    let stage = Stage::drifted(Layout::JsonFile);
    assert_eq!(stage.run(&["vault", "init"]).code, 0);
    assert_eq!(stage.run(&["instance", "add", "--offline", "--yes"]).code, 0);
    let run = stage.run(&["agent", "rename", "stocks", "Bad_Name!", "--yes", "--offline"]);
    assert_eq!(run.code, 64, "{}{}", run.out, run.err);
    assert!(run.err.contains("keyshoal agent rename stocks bad_name"), "{}", run.err);
    let run = stage.run(&["model", "set", "nothing", "--dry-run", "--offline"]);
    assert!(run.err.contains("nothing names no provider"), "{}{}", run.out, run.err);
}
