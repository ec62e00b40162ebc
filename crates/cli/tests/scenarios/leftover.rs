//! A file of an earlier layout lies beside an agent's database: without a profile of its own the agent would be refused, so its stale copy
//! is replaced and not removed.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_testkit::instance::{OLD_KEY, PROFILE, PROVIDER, Seed};
use serde_json::json;

fn a_shadow_beside_a_leftover_is_replaced(version: &str) {
    let stage = Stage::unasked(version, Seed::ApiKey);
    let leftover = stage.instance.agent_dir("stocks").join("auth-profiles.json");
    let old = json!({ "version": 1, "profiles": { PROFILE: { "type": "api_key", "provider": PROVIDER, "key": OLD_KEY } } });
    std::fs::write(&leftover, old.to_string()).unwrap();
    stage.rotate();
    stage.have_stale_copies(&["stocks"]);

    stage.keyshoal_with_rights(&["sync", "--yes"]);
    stage.everyone_sends("beside", NEW_KEY);
    let documents = stage.documents();
    assert_eq!(documents["stocks Profiles"]["profiles"][PROFILE]["key"], NEW_KEY, "beside the leftover");
    let research = documents.get("research Profiles").map(|document| &document["profiles"][PROFILE]);
    assert!(research.is_none_or(serde_json::Value::is_null), "it inherits where nothing lies: {research:?}");
    assert_eq!(std::fs::read_to_string(&leftover).unwrap(), old.to_string(), "the leftover was written");
    stage.seen("leftover", "beside");
}

#[test]
fn a_shadow_beside_a_leftover_is_replaced_on_2026_8_2() {
    a_shadow_beside_a_leftover_is_replaced("2026.8.2");
}

#[test]
fn a_shadow_beside_a_leftover_is_replaced_on_2026_9_6() {
    a_shadow_beside_a_leftover_is_replaced("2026.9.6");
}
