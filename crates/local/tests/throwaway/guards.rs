//! Protections of a run, seen to matter in every layout: with one nothing is lost, without it alone the same run loses something.

use keyshoal_core::{AgentId, Fingerprint, Judgement, Layout, Plan, ProfileId, Secret, StepState, StoreId};
use keyshoal_engine::decide::{Decide, Decision};
use keyshoal_engine::look::{LookOptions, look};
use keyshoal_engine::ports::Observe;
use keyshoal_engine::sync::{SyncOptions, SyncReport, sync};
use keyshoal_local::{Guards, Installation, OpenOptions};
use keyshoal_openclaw::store::{Edit, StoredSecret, WriteRules};
use keyshoal_openclaw::{Environment, sample};
use serde_json::json;
use std::path::Path;
use std::time::SystemTime;

const LAYOUTS: [Layout; 5] =
    [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow];
const P: &str = "acme:default";

fn stocks() -> StoreId {
    StoreId::Agent(AgentId::from("stocks"))
}

fn sample_with(layout: Layout, base: &str) -> sample::Installation {
    let until = 4_102_444_800_000_i64;
    sample::Installation::new(layout)
        .agent("stocks")
        .config(json!({ "gateway": { "port": 1 } }))
        .api_key(StoreId::Base, P, base)
        .api_key(stocks(), P, "key-old")
        .state(
            stocks(),
            json!({ "usageStats": { P: { "errorCount": 3, "cooldownUntil": until, "cooldownReason": "auth" } } }),
        )
}

fn opened(dir: &Path, guards: Guards) -> Installation {
    Installation::open(OpenOptions {
        state_dir: Some(dir.join("state")),
        keys_dir: Some(dir.join("keys")),
        env: Environment { home: Some(dir.join("home")), ..Environment::default() },
        guards,
        ..OpenOptions::default()
    })
    .unwrap()
}

/// The key was rotated in the base store; `stocks` has the generation before.
fn rotated(layout: Layout, dir: &Path, guards: Guards) -> Installation {
    let state = dir.join("state");
    std::fs::create_dir_all(&state).unwrap();
    sample_with(layout, "key-old").write(&state).unwrap();
    look(&opened(dir, Guards::default()), &LookOptions::default(), &mut |_| {}).unwrap();
    for name in ["agents", "state"] {
        let _ = std::fs::remove_dir_all(state.join(name));
    }
    sample_with(layout, "key-new").write(&state).unwrap();
    opened(dir, guards)
}

/// Says yes, and while the question stood somebody gave the agent a key of its own.
struct Meanwhile<'a>(&'a Installation);

impl Decide for Meanwhile<'_> {
    fn decide(&mut self, _: &Plan, _: &Judgement) -> Decision {
        let theirs = Edit::SetSecret {
            profile: ProfileId::from(P),
            kind: keyshoal_core::CredentialKind::ApiKey,
            secret: StoredSecret::Inline(Secret::new("key-theirs")),
            expires: None,
        };
        let store = self.0.look().unwrap().stores[&stocks()].file.clone();
        let rules = WriteRules::new(SystemTime::now(), false);
        store.update(&rules, &mut |_| Ok(vec![theirs.clone()])).unwrap();
        Decision::yes()
    }
}

struct Yes;

impl Decide for Yes {
    fn decide(&mut self, _: &Plan, _: &Judgement) -> Decision {
        Decision::yes()
    }
}

fn synced(installation: &Installation, decide: &mut dyn Decide) -> SyncReport {
    sync(installation, &SyncOptions::default(), decide, &mut |_| {}).unwrap()
}

fn value_of(installation: &Installation, secret: &str) -> (Option<Fingerprint>, Fingerprint) {
    let observed = installation.observe().unwrap();
    let store = &observed.stores[&stocks()];
    let wanted = installation.enter(Secret::new(secret), None);
    (store.profiles.get(&ProfileId::from(P)).and_then(|one| one.material.fingerprint()), wanted)
}

#[test]
fn what_somebody_wrote_while_the_question_stood_is_only_safe_with_the_compare() {
    for layout in LAYOUTS {
        let safe = |guards| {
            let dir = tempfile::tempdir().unwrap();
            let installation = rotated(layout, dir.path(), guards);
            let report = synced(&installation, &mut Meanwhile(&installation));
            let (stands, theirs) = value_of(&installation, "key-theirs");
            let said = report.receipts.iter().any(|one| matches!(one.durable, StepState::Conflict { .. }));
            let safe = stands == Some(theirs);
            assert_eq!(safe, said, "{layout}: {report:#?}");
            safe
        };
        assert!(safe(Guards::default()), "{layout}");
        let without = safe(Guards { compare: false, ..Guards::default() });
        assert!(!without, "{layout}: the compare does not matter");
    }
}

#[test]
fn a_cooldown_of_the_replaced_value_is_only_gone_with_the_reset() {
    for layout in LAYOUTS {
        let held_back = |guards| {
            let dir = tempfile::tempdir().unwrap();
            let installation = rotated(layout, dir.path(), guards);
            let report = synced(&installation, &mut Yes);
            assert!(!report.receipts.is_empty(), "{layout}: nothing was written");
            let after = installation.look().unwrap();
            let usage = after.stores[&stocks()].read.contents.usage.get(&ProfileId::from(P)).cloned();
            usage.is_some_and(|usage| usage.auth_block())
        };
        assert!(!held_back(Guards::default()), "{layout}");
        let without = held_back(Guards { reset_cooldowns: false, ..Guards::default() });
        assert!(without, "{layout}: the reset does not matter");
    }
}
