//! Protections of a run, seen to matter at the real gateway: with them an agent works, without one it does not.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_core::{Judgement, Plan};
use keyshoal_engine::{Decide, Decision, SyncOptions, sync};
use keyshoal_local::{Guards, Installation, OpenOptions};
use keyshoal_openclaw::Environment;
use keyshoal_testkit::instance::{OLD_KEY, PROFILE, Seed};
use keyshoal_testkit::stores::{self, Part, Place};
use serde_json::json;
use std::time::{Duration, SystemTime};

struct Yes;

impl Decide for Yes {
    fn decide(&mut self, _: &Plan, _: &Judgement) -> Decision {
        Decision::yes()
    }
}

/// Syncs inside of this process, with these protections.
fn sync_with(stage: &Stage, guards: Guards) {
    let text = |path: std::path::PathBuf| path.display().to_string();
    let vars = [
        ("HOME", text(stage.instance.home())),
        ("OPENCLAW_STATE_DIR", text(stage.instance.state_dir())),
        ("OPENCLAW_CONFIG_PATH", text(stage.instance.config_path())),
    ];
    let vars = vars.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let installation = Installation::open(OpenOptions {
        env: Environment { vars, home: Some(stage.instance.home()) },
        wait_for_lock: Duration::from_secs(10),
        guards,
        ..OpenOptions::default()
    })
    .unwrap();
    let report = sync(&installation, &SyncOptions::default(), &mut Yes, &mut |_| {}).unwrap();
    assert!(!report.receipts.is_empty(), "nothing was written: {report:?}");
}

/// A stale copy has failed so often that its agent is held back for ten minutes; then the copy is replaced.
fn what_stocks_sends(guards: Guards) -> Vec<(String, u16)> {
    let stage = Stage::open("2026.6.11", Seed::ApiKey);
    stage.rotate();
    let drifted = stage.ask_everyone("drifted");
    assert!(drifted["stocks"].contains(&(OLD_KEY.to_owned(), 401)), "{drifted:?}");
    let until = SystemTime::now() + Duration::from_secs(600);
    let until = until.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    stores::edit(&stage.instance, Place::Agent("stocks"), Part::State, |state| {
        let usage = &mut state["usageStats"][PROFILE];
        usage["cooldownUntil"] = json!(u64::try_from(until).unwrap());
        usage["cooldownReason"] = json!("auth");
        usage["errorCount"] = json!(3);
    })
    .unwrap();
    sync_with(&stage, guards);
    stage.ask_everyone("synced")["stocks"].clone()
}

#[test]
fn a_cooldown_that_stays_holds_the_new_key_back() {
    assert_eq!(what_stocks_sends(Guards::default()), [(NEW_KEY.to_owned(), 200)]);
    let without = what_stocks_sends(Guards { reset_cooldowns: false, ..Guards::default() });
    assert_eq!(without, [], "resetting the cooldown does not matter");
}

/// A stale copy is replaced, and the agent is asked at once.
fn what_stocks_sends_next(guards: Guards) -> Vec<(String, u16)> {
    let stage = Stage::open("2026.6.11", Seed::ApiKey);
    stage.rotate();
    let drifted = stage.ask_everyone("drifted");
    assert!(drifted["stocks"].contains(&(OLD_KEY.to_owned(), 401)), "{drifted:?}");
    sync_with(&stage, guards);
    stage.ask_everyone("synced")["stocks"].clone()
}

#[test]
fn a_gateway_that_is_not_told_does_not_send_the_new_key() {
    assert_eq!(what_stocks_sends_next(Guards::default()), [(NEW_KEY.to_owned(), 200)]);
    let without = what_stocks_sends_next(Guards { reload: false, ..Guards::default() });
    assert!(without.iter().all(|(_, status)| *status != 200), "the reload does not matter: {without:?}");
}
