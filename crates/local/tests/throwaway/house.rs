//! A throwaway installation, and what most tests do with one: look, plan, write, break off, take back.

use keyshoal_core::plan::Why;
use keyshoal_core::{
    Action, CredentialKind, Layout, Plan, ProfileId, Receipt, RunId, Secret, StepState, StoreId,
};
use keyshoal_engine::decide::Unattended;
use keyshoal_engine::look::{Look, LookOptions, look};
use keyshoal_engine::ports::{Change, Observe};
use keyshoal_engine::set::{SetRequest, set};
use keyshoal_engine::sync::{SyncOptions, SyncReport};
use keyshoal_local::restore::{Direction, Restored};
use keyshoal_local::{Installation, OpenOptions};
use keyshoal_openclaw::store::{Edit, StoreContents, StoredSecret, WriteRules};
use keyshoal_openclaw::{Environment, sample};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Every layout that may be written.
pub const LAYOUTS: [Layout; 5] =
    [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow];

/// The profile that most tests are about.
pub const P: &str = "acme:default";

/// A time that does not come, in milliseconds.
pub const UNTIL: i64 = 4_102_444_800_000;

pub fn agent(id: &str) -> StoreId {
    StoreId::Agent(id.into())
}

pub fn stocks() -> StoreId {
    agent("stocks")
}

/// Main and agent `stocks` hold the same key.
pub fn copied(layout: Layout) -> sample::Installation {
    let made = sample::Installation::new(layout).agent("stocks");
    made.api_key(StoreId::Base, P, "key-1").api_key(stocks(), P, "key-1")
}

/// An authentication mark, and one that is not ours to reset.
fn marks() -> Value {
    let mark = json!({ "cooldownUntil": UNTIL, "cooldownReason": "auth", "errorCount": 2,
        "disabledUntil": UNTIL, "disabledReason": "billing" });
    json!({ "usageStats": { P: mark } })
}

/// An installation with its own keys and home, gone when it is dropped.
pub struct House {
    dir: tempfile::TempDir,
    pub options: OpenOptions,
}

impl House {
    /// Main and agent `stocks` hold the same key.
    pub fn new(layout: Layout) -> Self {
        Self::holding(&copied(layout))
    }

    /// Writes a sample into a directory of its own.
    pub fn holding(sample: &sample::Installation) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = OpenOptions {
            state_dir: Some(dir.path().join("state")),
            keys_dir: Some(dir.path().join("keys")),
            env: Environment { home: Some(dir.path().join("home")), ..Environment::default() },
            ..OpenOptions::default()
        };
        let house = Self { dir, options };
        sample.write(&house.state()).unwrap();
        house
    }

    /// Returns the directory that holds everything.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Returns the state directory.
    pub fn state(&self) -> PathBuf {
        self.dir().join("state")
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
        done(&installation, &planned(&installation)).0
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
        let (run, receipts) = done(&installation, &plan);
        assert_eq!(receipts[0].durable, StepState::Done);
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

    /// Writes a key as another program would, through the store's own lock.
    pub fn type_in(&self, store: &StoreId, key: &str) {
        let edit = Edit::SetSecret {
            profile: P.into(),
            kind: CredentialKind::ApiKey,
            secret: StoredSecret::Inline(Secret::new(key)),
            expires: None,
        };
        let rules = WriteRules::new(SystemTime::now(), false);
        let seen = self.open().look().unwrap();
        seen.stores[store].file.update(&rules, &mut |_| Ok(vec![edit.clone()])).unwrap();
    }

    /// Lets the config demand that the profile is a token.
    pub fn demand_a_token(&self) {
        let config = self.state().join("openclaw.json");
        let mut text: Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
        text["auth"] = json!({ "profiles": { P: { "provider": "acme", "mode": "token" } } });
        std::fs::write(&config, text.to_string()).unwrap();
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
        self.open().recover(direction).unwrap().unwrap().values
    }
}

/// Looks, without asking anybody.
pub fn glance(installation: &Installation) -> Look {
    look(installation, &LookOptions::default(), &mut |_| {}).unwrap()
}

/// Gives the profile a new key, as far as the options go.
pub fn given(installation: &Installation, key: &str, sync: SyncOptions) -> SyncReport {
    let request = SetRequest {
        target: P.to_owned(),
        fingerprint: installation.enter(Secret::new(key), None),
        kind: None,
        expires: None,
        sync,
    };
    set(installation, &request, &mut Unattended, &mut |_| {}).unwrap().sync
}

/// Looks, and plans how the profile is given its next key.
pub fn planned(installation: &Installation) -> Plan {
    glance(installation);
    given(installation, "key-2", SyncOptions { dry_run: true, ..SyncOptions::default() }).plan
}

/// Does the whole of a plan.
pub fn done(installation: &Installation, plan: &Plan) -> (RunId, Vec<Receipt>) {
    let run = installation.begin("test", plan).unwrap();
    let receipts = installation.apply(&run, plan, &mut |_, _| {});
    installation.finish(&run, &receipts).unwrap();
    (run, receipts)
}
