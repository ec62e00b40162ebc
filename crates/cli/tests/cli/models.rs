//! What comes after a model.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};

fn config(stage: &Stage) -> Value {
    let text = std::fs::read_to_string(stage.state_dir().join("openclaw.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn another_model_keeps_what_comes_after_it_unless_somebody_says_otherwise() {
    let (of_all, of_ops) = (
        json!({ "primary": "anthropic/a", "fallbacks": ["anthropic/b", "anthropic/c"] }),
        json!({ "primary": "anthropic/x", "fallbacks": ["anthropic/y"] }),
    );
    let stage =
        Stage::with(Layout::JsonFile, |sample| sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW));
    let mut value = config(&stage);
    value["agents"]["defaults"] = json!({ "model": of_all });
    let list = value["agents"]["list"].as_array_mut().unwrap();
    list.iter_mut().find(|one| one["id"] == "ops").unwrap()["model"] = of_ops;
    std::fs::write(stage.state_dir().join("openclaw.json"), value.to_string()).unwrap();
    let fine = |arguments: &[&str]| {
        let run = stage.run(&[arguments, &["--yes"]].concat());
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
        run.out + &run.err
    };
    assert_eq!(stage.run(&["vault", "init"]).code, 0);
    fine(&["instance", "add"]);
    let models = || {
        let config = config(&stage);
        let list = config["agents"]["list"].as_array().unwrap().clone();
        let ops = list.into_iter().find(|one| one["id"] == "ops").unwrap();
        (config["agents"]["defaults"]["model"].clone(), ops["model"].clone())
    };
    let dry = stage.run(&["model", "set", "anthropic/b", "--dry-run"]);
    assert!(dry.err.contains("what came before: anthropic/c"), "{}{}", dry.out, dry.err);
    let said = fine(&["model", "set", "anthropic/b"]);
    assert!(said.contains("what came before: anthropic/c"), "{said}");
    assert_eq!(models().0, json!({ "primary": "anthropic/b", "fallbacks": ["anthropic/c"] }));
    fine(&["model", "set", "--agent", "ops", "anthropic/z"]);
    assert_eq!(models().1, json!({ "primary": "anthropic/z", "fallbacks": ["anthropic/y"] }));
    fine(&["agent", "set", "ops", "--model", "anthropic/w"]);
    assert_eq!(models().1, json!({ "primary": "anthropic/w", "fallbacks": ["anthropic/y"] }));
    fine(&["model", "set", "--agent", "ops", "anthropic/w", "--fallback", "anthropic/v"]);
    assert_eq!(models().1, json!({ "primary": "anthropic/w", "fallbacks": ["anthropic/v"] }));
    fine(&["agent", "set", "ops", "--no-fallback"]);
    fine(&["model", "set", "anthropic/d", "--no-fallback"]);
    assert_eq!(models(), (json!({ "primary": "anthropic/d" }), json!({ "primary": "anthropic/w" })));
}
