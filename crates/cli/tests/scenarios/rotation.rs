//! The fault that Keyshoal exists for, and its end: a key was rotated, one agent knows.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_testkit::instance::{KEPT_AGENT, OLD_KEY, PROFILE, Seed};
use keyshoal_testkit::stores::{self, Part, Place};
use serde_json::{Value, json};

/// Leaves things in the stores that Keyshoal knows nothing about, before it looks.
fn leave_strange_things(stage: &Stage) {
    let strange = |value: &mut Value| {
        value["profiles"][PROFILE]["aFieldOfTomorrow"] = json!({ "nested": [1, 2.50, "ü"] });
        value["profiles"]["elsewhere:work"] = json!({ "type": "api_key", "provider": "elsewhere", "key": "sk-elsewhere", "displayName": "work" });
        value["profiles"]["future:kind"] = json!({ "type": "passkey", "provider": "future", "handle": "h" });
        value["aTableOfTomorrow"] = json!({ "x": 1 });
    };
    for place in [Place::Agent("stocks"), Place::Agent(KEPT_AGENT), Place::Inherited] {
        stores::edit(&stage.instance, place, Part::Profiles, strange).unwrap();
    }
}

/// Takes out of a document what a sync of this profile may change: its secret and its type, and its cooldown.
fn apart_from_the_secret(document: &Value) -> Value {
    let mut document = document.clone();
    for field in ["key", "token", "type"] {
        if let Some(profile) =
            document.pointer_mut(&format!("/profiles/{PROFILE}")).and_then(Value::as_object_mut)
        {
            profile.shift_remove(field);
        }
    }
    if let Some(usage) = document.get_mut("usageStats").and_then(Value::as_object_mut) {
        usage.shift_remove(PROFILE);
        if usage.is_empty()
            && let Some(whole) = document.as_object_mut()
        {
            whole.shift_remove("usageStats");
        }
    }
    document
}

fn rotation(version: &str, seed: Seed) {
    let mut stage = Stage::open(version, seed);
    stage.rotate();

    // The fault, as the provider sees it: copies of the old key go on being sent, the deliberate one works.
    let drifted = stage.ask_everyone("drifted");
    for agent in ["stocks", "research"] {
        assert!(
            drifted[agent].contains(&(OLD_KEY.to_owned(), 401)),
            "{agent} has no stale copy: {drifted:?}"
        );
    }

    leave_strange_things(&stage);
    let status = stage.keyshoal(&["status", "--json"]);
    assert_eq!(status.code, Some(2), "agents fail, and status says that all is well");

    let before = stage.documents();
    let life = stage.instance.gateway_life().unwrap();
    let sync = stage.keyshoal_with_rights(&["sync", "--yes"]);
    // Read at once: at its next success the gateway itself drops what it does not know.
    let after = stage.documents();

    stage.everyone_sends("synced", NEW_KEY);
    assert_eq!(stage.instance.gateway_life(), Some(life), "the gateway was restarted");
    assert_eq!(sync.code, Some(0), "sync did what it should, and says otherwise");

    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "a store came or went");
    for (name, document) in &before {
        let removed = after[name].pointer(&format!("/profiles/{PROFILE}")).is_none();
        let mut expected = apart_from_the_secret(document);
        if removed && let Some(profiles) = expected.get_mut("profiles").and_then(Value::as_object_mut) {
            // A shadow that was removed: the agent inherits now.
            profiles.shift_remove(PROFILE);
        }
        let ours = apart_from_the_secret(&after[name]);
        assert_eq!(expected.to_string(), ours.to_string(), "{name}: something else changed");
    }

    let status = stage.keyshoal(&["status", "--json"]);
    assert_eq!(status.code, Some(0), "everything is right, and status says otherwise");
    stage.seen("rotation", "synced");
}

#[test]
fn a_rotation_reaches_every_agent_of_2026_3_28() {
    rotation("2026.3.28", Seed::Token);
}

#[test]
fn a_rotation_reaches_every_agent_of_2026_5_28() {
    rotation("2026.5.28", Seed::ApiKey);
}

#[test]
fn a_rotation_reaches_every_agent_of_2026_6_11() {
    rotation("2026.6.11", Seed::ApiKey);
}

#[test]
fn a_rotation_reaches_every_agent_of_2026_8_2() {
    rotation("2026.8.2", Seed::ApiKey);
}

#[test]
fn a_rotation_reaches_every_agent_of_2026_9_6() {
    rotation("2026.9.6", Seed::ApiKey);
}
