//! `explain`: everything that an agent may send, and what the exit code says.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};

/// Two agents with a model of anthropic, whose one profile is main's; ops may have a copy of it.
fn stage(layout: Layout, key: &str, copied: bool) -> Stage {
    let model = |id: &str| json!({ "id": id, "default": id == "main", "model": "anthropic/claude-test" });
    let agents = json!({ "agents": { "list": [model("main"), model("ops")] } });
    Stage::with(layout, |sample| {
        let sample = sample.agent("ops").api_key(StoreId::Base, PROFILE, key).config(agents);
        if copied { sample.api_key(StoreId::Agent("ops".into()), PROFILE, key) } else { sample }
    })
}

fn edit(stage: &Stage, change: impl FnOnce(&mut Value)) {
    let file = stage.state_dir().join("openclaw.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    change(&mut config["models"]["providers"]);
    std::fs::write(&file, config.to_string()).unwrap();
}

fn candidates(document: &Value, provider: &str) -> Vec<Value> {
    let all = document["agent"]["providers"].as_array().unwrap();
    let one = all.iter().find(|one| one["id"] == provider).unwrap_or_else(|| panic!("{document:#}"));
    one["candidates"].as_array().unwrap().clone()
}

#[test]
fn a_key_in_the_config_is_listed_whoever_needs_it() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let stage = stage(layout, NEW, false);
        edit(&stage, |providers| {
            providers["spare"] = providers["anthropic"].clone();
            providers["spare"]["apiKey"] = json!(GIVEN);
            providers["named"] = providers["anthropic"].clone();
            providers["named"]["apiKey"] = json!({ "source": "exec", "provider": "pass", "id": "spare/key" });
            providers["anthropic"]["apiKey"] = json!(OWN);
        });
        let run = stage.run(&["explain", "ops", "--json"]);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        let document = run.json();
        let of_need = candidates(&document, "anthropic");
        assert_eq!((&of_need[0]["profile"], &of_need[0]["standing"]), (&json!(PROFILE), &json!("first")));
        assert!(of_need.iter().any(|one| one["from"] == "key in the config"), "{of_need:#?}");
        for provider in ["spare", "named"] {
            let all = candidates(&document, provider);
            assert_eq!((&all[0]["from"], all.len()), (&json!("key in the config"), 1), "{all:#?}");
            assert_eq!(all[0]["standing"], "first");
        }
        let print = candidates(&document, "spare")[0]["fingerprint"].clone();
        let screen = stage.run(&["explain", "ops"]).out;
        assert!(screen.contains("spare · no model of this agent needs it"), "{screen}");
        assert!(screen.contains(print.as_str().unwrap()) && screen.contains("spare/key"), "{screen}");
        // It is nothing that the agent is asked about, or judged by.
        let verify = stage.run(&["verify", "--json"]);
        assert_eq!(verify.code, 0, "{}", verify.out);
        assert!(!verify.out.contains("\"spare\""), "{}", verify.out);
    }
}

#[test]
fn what_is_sent_first_and_known_to_be_rejected_is_said_by_the_exit_code() {
    // A copy of its own that equals the source: nothing is wrong with the copy, and what it holds is dead.
    let stage = stage(Layout::JsonFile, OLD, true);
    assert_eq!(stage.run(&["explain", "ops"]).code, 0, "nothing is known of it yet");
    assert_eq!(stage.run(&["status", "--check"]).code, 2);
    for arguments in [vec!["explain", "ops"], vec!["explain", "ops", PROFILE]] {
        assert_eq!(stage.run(&arguments).code, 2, "{arguments:?}");
    }
}
