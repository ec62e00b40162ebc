//! A throwaway installation whose runs break off, or are done by hand.

use keyshoal_core::plan::Why;
use keyshoal_core::{Action, CredentialKind, Layout, Plan, ProfileId, RunId, Secret, StepState, StoreId};
use keyshoal_engine::decide::Unattended;
use keyshoal_engine::look::{LookOptions, look};
use keyshoal_engine::ports::{Change, Observe};
use keyshoal_engine::set::{SetRequest, set};
use keyshoal_engine::sync::SyncOptions;
use keyshoal_local::restore::{Direction, Restored};
use keyshoal_local::{Installation, OpenOptions};
use keyshoal_openclaw::store::{Edit, StoreContents, StoredSecret, WriteRules};
use keyshoal_openclaw::{Environment, sample};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::SystemTime;

pub const P: &str = "acme:default";
const UNTIL: i64 = 4_102_444_800_000;

pub fn stocks() -> StoreId {
    StoreId::Agent("stocks".into())
}

pub fn key(value: &str) -> Value {
    json!({ "type": "api_key", "provider": "acme", "key": value })
}

/// An authentication mark, and one that is not ours to reset.
pub fn marks() -> Value {
    let mark = json!({ "cooldownUntil": UNTIL, "cooldownReason": "auth", "errorCount": 2,
        "disabledUntil": UNTIL, "disabledReason": "billing" });
    json!({ "usageStats": { P: mark } })
}

pub struct House {
    _dir: tempfile::TempDir,
    pub options: OpenOptions,
}

impl House {
    /// Main and agent `stocks` hold the same key; `stocks` has this entry.
    pub fn new(layout: Layout, entry: Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        std::fs::create_dir_all(&state).unwrap();
        sample::Installation::new(layout)
            .agent("stocks")
            .api_key(StoreId::Base, P, "key-1")
            .profile(stocks(), P, entry)
            .write(&state)
            .unwrap();
        let options = OpenOptions {
            state_dir: Some(state),
            keys_dir: Some(dir.path().join("keys")),
            env: Environment { home: Some(dir.path().join("home")), ..Environment::default() },
            ..OpenOptions::default()
        };
        Self { _dir: dir, options }
    }

    pub fn open(&self) -> Installation {
        Installation::open(self.options.clone()).unwrap()
    }

    /// Breaks a rotation off after this many of its two steps: the base store's and the agent's.
    pub fn broken_after(&self, steps: usize) -> RunId {
        let dying = self.open();
        let plan = planned(&dying);
        assert_eq!(plan.actions.len(), 2, "{plan:#?}");
        let part = Plan { actions: plan.actions[..steps].to_vec(), ..plan.clone() };
        let run = dying.begin("set", &plan).unwrap();
        let receipts = dying.apply(&run, &part, &mut |_, _| {});
        assert!(receipts.iter().all(|one| one.durable == StepState::Done), "{receipts:#?}");
        run
    }

    /// Does a whole rotation.
    pub fn rotated(&self) -> RunId {
        let installation = self.open();
        let plan = planned(&installation);
        let run = installation.begin("set", &plan).unwrap();
        let receipts = installation.apply(&run, &plan, &mut |_, _| {});
        installation.finish(&run, &receipts).unwrap();
        run
    }

    /// Gives agent `stocks` another value, whatever it holds.
    pub fn replaced_for_stocks_alone(&self) -> RunId {
        let installation = self.open();
        let seen = installation.observe().unwrap();
        let action = Action::Replace {
            store: stocks(),
            agent: Some("stocks".into()),
            profile: P.into(),
            provider: "acme".into(),
            expect: seen.profile(&stocks(), &P.into()).unwrap().material.fingerprint().unwrap(),
            value: installation.enter(Secret::new("key-2"), None),
            kind: CredentialKind::ApiKey,
            reset_cooldown: true,
            why: Why::Given,
        };
        let plan = Plan { actions: vec![action], ..Plan::default() };
        let run = installation.begin("set", &plan).unwrap();
        let receipts = installation.apply(&run, &plan, &mut |_, _| {});
        assert_eq!(receipts[0].durable, StepState::Done);
        installation.finish(&run, &receipts).unwrap();
        run
    }

    pub fn contents(&self, store: &StoreId) -> StoreContents {
        self.open().look().unwrap().stores[store].read.contents.clone()
    }

    pub fn value(&self, store: &StoreId) -> Option<String> {
        match &self.contents(store).profiles.get(&ProfileId::from(P))?.secret {
            StoredSecret::Inline(secret) => Some(secret.reveal_secret().to_owned()),
            _ => None,
        }
    }

    pub fn path(&self, store: &StoreId) -> PathBuf {
        self.open().look().unwrap().stores[store].file.path().to_owned()
    }

    /// Writes as another program would.
    pub fn edit(&self, store: &StoreId, edits: &[Edit]) {
        let rules = WriteRules::new(SystemTime::now(), false);
        self.open().look().unwrap().stores[store].file.update(&rules, &mut |_| Ok(edits.to_vec())).unwrap();
    }

    pub fn put(&self, store: &StoreId, entry: &Value) {
        self.edit(store, &[Edit::PutRaw { profile: P.into(), json: Secret::new(entry.to_string()) }]);
    }

    /// What a gateway would note after an authentication failure.
    pub fn mark(&self, layout: Layout, store: &StoreId) {
        let path = self.path(store);
        if layout == Layout::JsonFile {
            let mut text: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            text["usageStats"] = marks()["usageStats"].clone();
            std::fs::write(&path, text.to_string()).unwrap();
            return;
        }
        let db = rusqlite::Connection::open(&path).unwrap();
        let sql = match store {
            StoreId::Base => {
                "INSERT OR REPLACE INTO config_machine_state VALUES ('authProfiles.state', ?1, 1)"
            }
            StoreId::Agent(_) => "INSERT OR REPLACE INTO auth_profile_state VALUES ('primary', ?1, 1)",
        };
        db.execute(sql, [marks().to_string()]).unwrap();
    }

    pub fn assert_reset(&self, store: &StoreId, words: &str) {
        let usage = self.contents(store).usage.remove(&ProfileId::from(P)).unwrap();
        assert!(!usage.auth_block(), "{words}: {usage:?}");
        assert!(usage.disabled.is_some_and(|(_, reason)| reason == "billing"), "{words}");
    }

    pub fn recover(&self, direction: Direction) -> Vec<Restored> {
        self.open().recover(direction).unwrap().unwrap()
    }
}

fn planned(installation: &Installation) -> Plan {
    look(installation, &LookOptions::default(), &mut |_| {}).unwrap();
    let request = SetRequest {
        target: P.to_owned(),
        fingerprint: installation.enter(Secret::new("key-2"), None),
        kind: None,
        expires: None,
        sync: SyncOptions { dry_run: true, ..SyncOptions::default() },
    };
    set(installation, &request, &mut Unattended, &mut |_| {}).unwrap().sync.plan
}
