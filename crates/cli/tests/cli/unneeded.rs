//! What is rejected and no model needs.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};

/// A dead key of a provider that no model names.
#[test]
fn what_nobody_needs_is_rejected_and_fails_nobody() {
    let stage = Stage::with(Layout::SharedRow, |sample| {
        let main = json!({ "list": [{ "id": "main", "default": true, "model": "anthropic/claude-test" },
                                    { "id": "ops", "model": "anthropic/claude-test" }] });
        sample
            .api_key(StoreId::Base, PROFILE, NEW)
            .api_key(StoreId::Base, "spare:default", OLD)
            .agent("ops")
            .config(json!({ "agents": main }))
    });
    let config = stage.state_dir().join("openclaw.json");
    let mut edited: Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    edited["models"]["providers"]["spare"] = edited["models"]["providers"]["anthropic"].clone();
    std::fs::write(&config, edited.to_string()).unwrap();

    let run = stage.run(&["verify"]);
    let last = run.out.split("\n\n").last().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    assert!(last.starts_with("✗ 2 of 2 agents accepted") && !last.contains("failing"), "{}", run.out);
    assert!(last.contains("spare:default") && last.contains("no model of main, ops needs it"), "{last}");
    let document = stage.run(&["verify", "--json"]).json();
    assert_eq!(document["summary"]["rejected_unneeded"], 1, "{document:#}");

    let status = stage.run(&["status"]);
    assert_eq!(status.code, 2, "{}", status.out);
    assert!(status.out.contains("✗ 2 agents; the installation needs attention"), "{}", status.out);
    assert!(status.out.contains("no model of theirs needs it"), "{}", status.out);
    let document = stage.run(&["status", "--json"]).json();
    let wrong = document["findings"].as_array().unwrap().iter().filter(|one| one["severity"] == "attention");
    assert_eq!((wrong.count(), &document["summary"]["drifted"]), (1, &json!(0)), "{document:#}");
    let mut sends =
        document["agents"].as_array().unwrap().iter().flat_map(|one| one["sends"].as_array().unwrap());
    assert!(sends.all(|one| one["fails"] == false), "{document:#}");
}
