//! What other programs do between our look and our write.

use super::house::{House, P, UNTIL, agent, planned};
use keyshoal_core::{Layout, ProfileId, StepState, StoreId};
use keyshoal_engine::ports::Change;
use keyshoal_openclaw::sample;
use serde_json::{Value, json};

/// The agent inherits its key, fails with it once more, and notes that in its own file; only then the new key is written.
#[test]
fn a_mark_that_an_inheriting_agent_earns_after_the_look_does_not_hold_the_new_value_back() {
    for layout in [Layout::JsonFile, Layout::JsonWithState] {
        let sample = sample::Installation::new(layout)
            .agent("fresh")
            .agent("own")
            .agent("linked")
            .api_key(StoreId::Base, P, "key-1")
            .api_key(agent("fresh"), "other:default", "o")
            .api_key(agent("own"), P, "key-own");
        let house = House::holding(&sample);
        // A link to main's file, as people make it so that a rotation reaches the agent. Its state is its own all the same.
        let agents = house.state().join("agents");
        std::fs::create_dir_all(agents.join("linked/agent")).unwrap();
        let link = agents.join("linked/agent/auth-profiles.json");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(agents.join("main/agent/auth-profiles.json"), link).unwrap();
        let installation = house.open();
        let plan = planned(&installation);
        let run = installation.begin("set", &plan).unwrap();

        let mark = json!({ P: { "cooldownUntil": UNTIL, "cooldownReason": "auth", "errorCount": 1 },
            "other:default": { "cooldownUntil": UNTIL, "cooldownReason": "auth", "errorCount": 1 } });
        for id in ["fresh", "own"] {
            let path = installation.look().unwrap().stores[&agent(id)].file.path().to_owned();
            let path = match layout {
                Layout::JsonFile => path,
                _ => path.with_file_name("auth-state.json"),
            };
            let mut text: Value = match std::fs::read(&path) {
                Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
                Err(_) => json!({ "version": 1 }),
            };
            text["usageStats"] = mark.clone();
            std::fs::write(&path, text.to_string()).unwrap();
        }

        let linked_state = agents.join("linked/agent/auth-state.json");
        if layout == Layout::JsonWithState {
            std::fs::write(&linked_state, json!({ "version": 1, "usageStats": mark }).to_string()).unwrap();
        }

        let receipts = installation.apply(&run, &plan, &mut |_, _| {});
        assert!(receipts.iter().all(|one| one.durable == StepState::Done), "{layout}: {receipts:#?}");
        installation.finish(&run, &receipts).unwrap();
        let after = installation.look().unwrap();
        let held_back = |id: &str, profile: &str| {
            let usage = &after.stores[&agent(id)].read.contents.usage;
            usage[&ProfileId::from(profile)].auth_block()
        };
        assert!(!held_back("fresh", P), "{layout}: it was earned with the value that is gone");
        assert!(held_back("fresh", "other:default"), "{layout}: another profile's mark stays");
        if layout == Layout::JsonWithState {
            let state: Value = serde_json::from_slice(&std::fs::read(&linked_state).unwrap()).unwrap();
            let usage = &state["usageStats"];
            assert_eq!((&usage[P]["cooldownReason"], &usage[P]["errorCount"]), (&Value::Null, &json!(0)));
            assert_eq!(usage["other:default"]["cooldownReason"], "auth");
        }
        assert!(held_back("own", P), "{layout}: and so does that of a value that stays");
    }
}
