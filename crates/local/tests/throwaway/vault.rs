//! Installations that take their vault's word, in every layout.

use super::house::{House, LAYOUTS, P, agent, glance, stocks};
use keyshoal_core::vault::{
    AgentUid, CredentialUid, Delivery, ModelChoice, VaultAgent, VaultCredential, VaultInstance, VaultVersion,
    VersionState,
};
use keyshoal_core::*;
use keyshoal_engine::decide::Unattended;
use keyshoal_engine::look::LookOptions;
use keyshoal_engine::sync::{Outcome, SyncOptions, SyncReport, sync};
use keyshoal_local::vaulted::{HeldVersion, Holdings};
use keyshoal_local::{ConfigWish, Installation};
use keyshoal_openclaw::config::generate::Wanted;
use keyshoal_openclaw::sample;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A vault, as far as an installation hears of it.
pub struct Hoard(pub Holdings);

fn uid(number: u8) -> uuid::Uuid {
    uuid::Uuid::from_bytes([number; 16])
}

fn member(number: u8, id: &str) -> VaultAgent {
    VaultAgent {
        uid: AgentUid(uid(number)),
        id: id.into(),
        name: None,
        enabled: true,
        default: number == 1,
        models: ModelChoice::default(),
        workspace: None,
    }
}

impl Hoard {
    pub fn new(agents: &[&str]) -> Self {
        let instance = VaultInstance {
            id: InstanceId::new("one"),
            organisation: "default".into(),
            name: "one".into(),
            state_dir: None,
            config: None,
            delivery: Delivery::Inline,
            models: ModelChoice::default(),
            agents: agents.iter().zip(1..).map(|(id, number)| member(number, id)).collect(),
            bindings: Vec::new(),
            credentials: Vec::new(),
            order: Vec::new(),
            channels: Vec::new(),
            revision: 1,
        };
        Self(Holdings {
            instance,
            values: Vec::new(),
            config: None,
            waves: BTreeMap::new(),
            rotating: BTreeSet::new(),
            given: BTreeSet::new(),
            taken_back: BTreeSet::new(),
            proposed: false,
        })
    }

    /// A credential that had these keys, the last of them current. An agent's own, where it names one.
    pub fn having(mut self, number: u8, of: Option<u8>, keys: &[&str]) -> Self {
        let credential = CredentialUid(uid(100 + number));
        let last = keys.len();
        let version = |(at, _): (usize, &&str)| VaultVersion {
            number: u32::try_from(at + 1).unwrap(),
            state: if at + 1 == last { VersionState::Current } else { VersionState::Retired },
            created: Timestamp::UNIX_EPOCH,
            since: Timestamp::UNIX_EPOCH,
            by: "test".into(),
            why: None,
            expires: None,
        };
        self.0.instance.credentials.push(VaultCredential {
            uid: credential,
            profile: P.into(),
            provider: "acme".into(),
            kind: CredentialKind::ApiKey,
            agent: of.map(|number| AgentUid(uid(number))),
            versions: keys.iter().enumerate().map(version).collect(),
        });
        for (at, key) in keys.iter().enumerate() {
            let entry = json!({ "type": "api_key", "provider": "acme", "key": key, "displayName": "Ours" });
            let number = u32::try_from(at + 1).unwrap();
            self.0.values.push(HeldVersion { credential, number, entry: Secret::new(entry.to_string()) });
        }
        self
    }

    pub fn withdrawn(mut self) -> Self {
        for version in self.0.instance.credentials.iter_mut().flat_map(|one| &mut one.versions) {
            version.state = VersionState::Retired;
        }
        self
    }

    pub fn disabled(mut self, id: &str) -> Self {
        let agent = self.0.instance.agents.iter_mut().find(|agent| agent.id.as_str() == id);
        agent.unwrap().enabled = false;
        self
    }

    pub fn with_config(mut self) -> Self {
        let wanted = Wanted::of(&self.0.instance).unwrap();
        let known: BTreeSet<AgentId> = self.0.instance.agents.iter().map(|agent| agent.id.clone()).collect();
        self.0.config = Some(ConfigWish { wanted, known, last: None });
        self
    }

    pub fn by_reference(mut self) -> Self {
        self.0.instance.delivery = Delivery::Refs;
        self
    }

    pub fn sync(&self, installation: &Installation) -> SyncReport {
        installation.hold(&self.0).unwrap();
        let options = SyncOptions { assume_yes: true, ..SyncOptions::default() };
        let report = sync(installation, &options, &mut Unattended, &mut |_| {}).unwrap();
        for receipt in &report.receipts {
            assert_eq!(receipt.durable, StepState::Done, "{receipt:?}");
        }
        report
    }
}

/// The key that an agent sends.
fn sent(house: &House, installation: &Installation, id: &str) -> Option<String> {
    let look = glance(installation);
    let agent = look.observed.agent(&id.into())?.clone();
    let profile: ProfileId = P.into();
    let own = look.observed.profile(&agent.store, &profile).is_some();
    let store = if own { agent.store } else { StoreId::Base };
    let contents = house.contents(&store);
    contents.profiles.get(&profile).map(|stored| {
        let entry: Value = serde_json::from_str(stored.raw.reveal_secret()).unwrap();
        entry["key"].as_str().unwrap().to_owned()
    })
}

pub fn three(layout: Layout) -> sample::Installation {
    sample::Installation::new(layout).agent("stocks").agent("academic").api_key(
        stocks(),
        "acme:mine",
        "key-mine",
    )
}

#[test]
fn a_vault_fills_empty_stores_with_whole_entries_and_leaves_the_rest() {
    for layout in LAYOUTS {
        let house = House::holding(&three(layout).api_key(StoreId::Base, "other:default", "key-other"));
        let installation = house.open();
        let hoard = Hoard::new(&["main", "stocks", "academic"]).having(1, None, &["key-shared"]).having(
            2,
            Some(3),
            &["key-own"],
        );
        hoard.sync(&installation);
        for (id, key) in [("main", "key-shared"), ("stocks", "key-shared"), ("academic", "key-own")] {
            assert_eq!(sent(&house, &installation, id).as_deref(), Some(key), "{layout} {id}");
        }
        let base = house.contents(&StoreId::Base);
        assert!(base.profiles[&P.into()].raw.reveal_secret().contains("displayName"), "{layout}");
        assert!(base.profiles.contains_key(&"other:default".into()), "{layout}");
        assert!(house.contents(&stocks()).profiles.contains_key(&"acme:mine".into()), "{layout}");
        assert_eq!(hoard.sync(&installation).outcome, Outcome::NothingToDo, "{layout}");
    }
}

#[test]
fn a_vault_renews_overrides_and_shared_values_and_takes_them_back() {
    for layout in LAYOUTS {
        let house = House::holding(
            &three(layout).api_key(StoreId::Base, P, "key-1").api_key(stocks(), P, "key-1").api_key(
                agent("academic"),
                P,
                "key-a",
            ),
        );
        let installation = house.open();
        let agents = ["main", "stocks", "academic"];
        let all = |hoard: &Hoard, keys: [Option<&str>; 3]| {
            hoard.sync(&installation);
            for (id, key) in agents.into_iter().zip(keys) {
                assert_eq!(sent(&house, &installation, id).as_deref(), key, "{layout} {id}");
            }
        };
        let shared = |keys: &[&str]| Hoard::new(&agents).having(1, None, keys);
        all(
            &shared(&["key-1", "key-2"]).having(2, Some(3), &["key-a", "key-b"]),
            [Some("key-2"), Some("key-2"), Some("key-b")],
        );
        all(
            &shared(&["key-1", "key-2"]).having(2, Some(3), &["key-a", "key-b"]).withdrawn(),
            [None, None, None],
        );
    }
}

#[test]
fn what_came_without_the_vault_is_left_and_told() {
    for layout in LAYOUTS {
        let house = House::holding(&three(layout).api_key(StoreId::Base, P, "key-pasted"));
        let installation = house.open();
        let hoard = Hoard::new(&["main", "stocks", "academic"]).having(1, None, &["key-1", "key-2"]);
        let report = hoard.sync(&installation);
        assert_eq!(report.outcome, Outcome::Attention, "{layout}");
        assert_eq!(sent(&house, &installation, "main").as_deref(), Some("key-pasted"), "{layout}");
    }
}

#[test]
fn a_disabled_agent_leaves_store_and_roster_and_an_unknown_one_stays() {
    for layout in LAYOUTS {
        let house = House::holding(
            &three(layout).agent("stranger").api_key(StoreId::Base, P, "key-1").api_key(stocks(), P, "key-1"),
        );
        let installation = house.open();
        let hoard = Hoard::new(&["main", "stocks", "academic"])
            .having(1, None, &["key-1"])
            .disabled("stocks")
            .with_config();
        let before = std::fs::read(house.state().join("openclaw.json")).unwrap();
        let report = hoard.sync(&installation);
        assert_eq!(report.config, Some(StepState::Done), "{layout}: {report:#?}");
        let look = glance(&installation);
        let roster: Vec<&str> = look.observed.agents.iter().map(|agent| agent.id.as_str()).collect();
        assert_eq!(roster, ["main", "academic", "stranger"], "{layout}");
        assert!(hoard.sync(&installation).run.is_none(), "{layout}: and then there is nothing to do");
        std::fs::write(house.state().join("openclaw.json"), before).unwrap();
        let left = house.contents(&stocks());
        assert!(!left.profiles.contains_key(&P.into()), "{layout}: nothing of ours is left");
        assert!(left.profiles.contains_key(&"acme:mine".into()), "{layout}: nothing else is lost");
    }
}

#[test]
fn a_renamed_agent_has_what_is_its_own_at_once_and_no_profile_is_declared() {
    for layout in [Layout::JsonFile, Layout::JsonWithState] {
        let house = House::holding(&three(layout).api_key(StoreId::Base, P, "key-1").api_key(
            agent("academic"),
            P,
            "key-own",
        ));
        let installation = house.open();
        let mut hoard = Hoard::new(&["main", "stocks", "professor"])
            .having(1, None, &["key-1"])
            .having(2, Some(3), &["key-own"])
            .with_config();
        let wish = hoard.0.config.as_mut().unwrap();
        wish.wanted.renamed.insert("professor".into(), "academic".into());
        let report = hoard.sync(&installation);
        assert_eq!(report.config, Some(StepState::Done), "{layout}: {report:#?}");
        assert_eq!(sent(&house, &installation, "professor").as_deref(), Some("key-own"), "{layout}");
        let left =
            std::fs::read_to_string(house.state().join("agents/academic/agent/auth-profiles.json")).unwrap();
        assert!(!left.contains("key-own"), "{layout}: it stays behind: {left}");
        let config = std::fs::read_to_string(house.state().join("openclaw.json")).unwrap();
        assert!(!config.contains(P), "{layout}: {config}");
    }
}

#[test]
fn a_run_that_is_limited_leaves_the_config_alone() {
    let house = House::holding(&three(Layout::JsonFile).api_key(StoreId::Base, P, "key-1"));
    let installation = house.open();
    let hoard = Hoard::new(&["main", "academic"])
        .having(1, None, &["key-1", "key-2"])
        .disabled("academic")
        .with_config();
    installation.hold(&hoard.0).unwrap();
    let mut options =
        SyncOptions { assume_yes: true, look: LookOptions::default(), ..SyncOptions::default() };
    options.look.scope.agents.insert("main".into());
    let report = sync(&installation, &options, &mut Unattended, &mut |_| {}).unwrap();
    assert_eq!(report.config, None);
    assert_eq!(sent(&house, &installation, "main").as_deref(), Some("key-2"));
    assert!(glance(&installation).observed.agent(&"academic".into()).is_some());
}
