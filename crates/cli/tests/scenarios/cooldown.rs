//! What holds an agent back after its copy was replaced: what the old value did goes, what the account did stays.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_testkit::instance::{PROFILE, Seed};
use keyshoal_testkit::stores::{self, Part, Place};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

fn in_ten_minutes() -> Value {
    let until = SystemTime::now() + Duration::from_secs(600);
    let until = until.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    json!(u64::try_from(until).unwrap())
}

fn an_auth_cooldown_goes_and_a_billing_mark_stays(version: &str, seed: Seed) {
    let stage = Stage::unasked(version, seed);
    stage.rotate();
    stage.have_stale_copies(&["stocks", "research"]);
    let until = in_ten_minutes();
    let part = if stage.instance.release().json_stores() { Part::Profiles } else { Part::State };
    let mark = |agent, mark: Value| {
        stores::edit(&stage.instance, Place::Agent(agent), part, |state| {
            state["usageStats"][PROFILE] = mark;
        })
        .unwrap();
    };
    mark("stocks", json!({ "errorCount": 3, "cooldownUntil": until, "cooldownReason": "auth" }));
    let billing = json!({ "errorCount": 1, "disabledUntil": until, "disabledReason": "billing" });
    mark("research", billing.clone());

    stage.keyshoal_with_rights(&["sync", "--yes"]);
    let usage = |agent| {
        let state = stores::read(&stage.instance, Place::Agent(agent), part).unwrap().unwrap();
        state["usageStats"][PROFILE].clone()
    };
    assert!(usage("stocks")["cooldownUntil"].is_null(), "{}", usage("stocks"));
    // Whether the gateway tries such an account all the same is its own affair: the mark is what it decides by.
    for field in ["disabledUntil", "disabledReason"] {
        assert_eq!(usage("research")[field], billing[field], "{}", usage("research"));
    }
    let seen = stage.ask("stocks", "cooled");
    assert_eq!(seen, [(NEW_KEY.to_owned(), 200)], "what the old value did holds the new one back");
    stage.seen("cooldown", "cooled");
}

#[test]
fn an_auth_cooldown_goes_and_a_billing_mark_stays_on_2026_3_28() {
    an_auth_cooldown_goes_and_a_billing_mark_stays("2026.3.28", Seed::Token);
}

#[test]
fn an_auth_cooldown_goes_and_a_billing_mark_stays_on_2026_6_11() {
    an_auth_cooldown_goes_and_a_billing_mark_stays("2026.6.11", Seed::ApiKey);
}

#[test]
fn an_auth_cooldown_goes_and_a_billing_mark_stays_on_2026_9_6() {
    an_auth_cooldown_goes_and_a_billing_mark_stays("2026.9.6", Seed::ApiKey);
}
