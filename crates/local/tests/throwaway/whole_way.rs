//! The whole way on throwaway installations of every layout: look, sync, override kept, rollback, crash recovery.

use keyshoal_core::{AgentId, Capabilities, FindingKind, Layout, ProfileId, Severity, StepState, StoreId};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_engine::decide::{Decide, Decision, Unattended};
use keyshoal_engine::look::{AskPolicy, Look, LookOptions, look};
use keyshoal_engine::sync::{Outcome, SyncOptions, SyncReport, sync};
use keyshoal_local::{Installation, OpenOptions};
use keyshoal_openclaw::{Environment, sample};
use serde_json::json;
use std::path::Path;

const LAYOUTS: [Layout; 5] =
    [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow];
const P: &str = "acme:default";

struct Bench {
    dir: tempfile::TempDir,
    emulator: Emulator,
}

fn agent(id: &str) -> StoreId {
    StoreId::Agent(AgentId::from(id))
}

/// Five agents: `fresh` inherits, `stocks` and `research` have old copies, `academic` has a key of its own that works.
fn drifted(layout: Layout) -> Bench {
    let emulator = Emulator::start(Config::default()).unwrap();
    emulator.only_accept(&["key-new", "key-own"]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("state")).unwrap();
    sample::Installation::new(layout)
        .agent("fresh")
        .agent("stocks")
        .agent("research")
        .agent("academic")
        .config(json!({
            "models": { "providers": { "acme": {
                "baseUrl": format!("{}/v1", emulator.base_url()), "api": "openai-completions",
                "models": [{ "id": "acme-1", "name": "Acme 1" }],
            } } },
        }))
        .api_key(StoreId::Base, P, "key-new")
        .api_key(StoreId::Base, "other:default", "key-other")
        .profile(
            agent("stocks"),
            P,
            json!({ "type": "api_key", "provider": "acme", "key": "key-old", "displayName": "Mine", "x": 1 }),
        )
        .api_key(agent("research"), P, "key-old")
        .api_key(agent("academic"), P, "key-own")
        .write(&dir.path().join("state"))
        .unwrap();
    Bench { dir, emulator }
}

impl Bench {
    fn open(&self) -> Installation {
        Installation::open(self.options()).unwrap()
    }

    fn options(&self) -> OpenOptions {
        OpenOptions {
            state_dir: Some(self.dir.path().join("state")),
            keys_dir: Some(self.dir.path().join("keys")),
            env: Environment { home: Some(self.dir.path().join("home")), ..Environment::default() },
            ..OpenOptions::default()
        }
    }
}

fn now() -> SyncOptions {
    SyncOptions {
        look: LookOptions { ask: AskPolicy::Now, ..LookOptions::default() },
        assume_yes: true,
        ..SyncOptions::default()
    }
}

fn run(installation: &Installation) -> SyncReport {
    sync(installation, &now(), &mut Unattended, &mut |_| {}).unwrap()
}

fn glance(installation: &Installation) -> Look {
    look(installation, &LookOptions::default(), &mut |_| {}).unwrap()
}

fn finding(look: &Look, agent: &str) -> FindingKind {
    look.judgement.of(&agent.into(), &ProfileId::from(P)).unwrap().finding
}

#[test]
fn a_dead_copy_is_mended_and_a_working_override_is_kept_in_every_layout() {
    for layout in LAYOUTS {
        let bench = drifted(layout);
        let installation = bench.open();
        let before = glance(&installation);
        assert_eq!(before.observed.instance.layout, layout);
        assert_eq!(finding(&before, "stocks"), FindingKind::Foreign, "{layout}: nothing is known yet");

        let report = run(&installation);
        let states: Vec<_> = report.receipts.iter().map(|receipt| &receipt.durable).collect();
        assert_eq!(states, [&StepState::Done, &StepState::Done], "{layout}: {:#?}", report.receipts);
        for one in ["fresh", "stocks", "research"] {
            assert!(
                matches!(finding(&report.after, one), FindingKind::InSync | FindingKind::Inherited),
                "{layout}: {one} is {:?}",
                finding(&report.after, one)
            );
        }
        assert_eq!(finding(&report.after, "academic"), FindingKind::Kept, "{layout}");
        assert_eq!(
            run(&installation).outcome,
            Outcome::NothingToDo,
            "{layout}: a second run has nothing to do"
        );
        let asked: Vec<_> = bench.emulator.log().iter().filter_map(|one| one.key.clone()).collect();
        assert!(asked.contains(&"key-own".to_owned()), "{layout}: {asked:?}");
    }
}

#[test]
fn a_known_earlier_generation_is_mended_without_asking_anybody() {
    for layout in LAYOUTS {
        let bench = drifted(layout);
        bench.emulator.only_accept(&["key-old"]);
        // The source still has the old key when it is first seen.
        set_base(&bench, "key-old");
        glance(&bench.open());
        set_base(&bench, "key-new");
        bench.emulator.clear_log();
        let installation = bench.open();
        let look = glance(&installation);
        assert_eq!(finding(&look, "stocks"), FindingKind::Stale, "{layout}");
        let mut options = now();
        options.look.ask = AskPolicy::Offline;
        let report = sync(&installation, &options, &mut Unattended, &mut |_| {}).unwrap();
        assert!(
            report.receipts.iter().all(|one| one.durable == StepState::Done),
            "{layout}: {:#?}",
            report.receipts
        );
        assert_eq!(report.receipts.len(), 2, "{layout}");
        assert!(bench.emulator.log().is_empty(), "{layout}: nobody was asked");
        assert_eq!(
            finding(&report.after, "academic"),
            FindingKind::Foreign,
            "{layout}: an unknown value is left alone"
        );
    }
}

#[test]
fn a_run_can_be_taken_back_and_the_file_is_as_it_was() {
    for layout in LAYOUTS {
        let bench = drifted(layout);
        let installation = bench.open();
        let before = prints(&glance(&installation));
        let report = run(&installation);
        assert_ne!(prints(&report.after), before, "{layout}");
        let run = installation.find_run(report.run.as_ref().unwrap().as_str()).unwrap();
        let restored = installation.rollback(&run).unwrap();
        assert!(restored.iter().all(|one| one.state == StepState::Done), "{layout}: {restored:#?}");
        assert_eq!(prints(&glance(&installation)), before, "{layout}");
    }
}

#[test]
fn an_agent_that_changed_meanwhile_is_a_conflict_and_is_left() {
    struct Meddle<'a>(&'a Bench);
    impl Decide for Meddle<'_> {
        fn decide(&mut self, _: &keyshoal_core::Plan, _: &keyshoal_core::Judgement) -> Decision {
            set(self.0, &agent("stocks"), "key-just-typed");
            Decision::yes()
        }
    }
    for layout in LAYOUTS {
        let bench = drifted(layout);
        let installation = bench.open();
        let report = sync(
            &installation,
            &SyncOptions { assume_yes: false, ..now() },
            &mut Meddle(&bench),
            &mut |_| {},
        )
        .unwrap();
        let of =
            |name: &str| report.receipts.iter().find(|one| one.action.agent() == Some(&name.into())).unwrap();
        assert!(matches!(of("stocks").durable, StepState::Conflict { .. }), "{layout}: {:#?}", of("stocks"));
        assert_eq!(of("research").durable, StepState::Done, "{layout}");
        assert_eq!(report.outcome, Outcome::Attention, "{layout}");
    }
}

#[test]
fn the_observation_and_the_report_hold_no_secret() {
    for layout in LAYOUTS {
        let bench = drifted(layout);
        let report = run(&bench.open());
        let text = format!("{report:?}");
        for secret in ["key-new", "key-old", "key-own", "key-other"] {
            assert!(!text.contains(secret), "{layout}: {secret} leaked");
        }
        assert_no_secret(&bench.dir.path().join("state/.keyshoal"), layout);
    }
}

#[test]
fn every_agent_sends_something_and_says_why() {
    for layout in LAYOUTS {
        let bench = drifted(layout);
        let look = glance(&bench.open());
        let Capabilities { read_only, .. } = &look.observed.capabilities;
        assert_eq!(*read_only, None, "{layout}");
        for one in &look.observed.agents {
            let first = one.first(&"acme".into());
            assert!(first.is_some_and(|first| !first.because.is_empty()), "{layout}: {one:#?}");
        }
        assert!(look.judgement.findings.iter().any(|one| one.severity == Severity::Attention));
    }
}

fn prints(look: &Look) -> Vec<String> {
    let stores = look.observed.stores.iter();
    stores
        .flat_map(|(store, view)| {
            view.profiles.iter().map(move |(id, one)| format!("{store} {id} {:?}", one.material))
        })
        .collect()
}

fn assert_no_secret(dir: &Path, layout: Layout) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for secret in ["key-new", "key-old", "key-own", "key-other"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{layout}: {secret} stands in {}", path.display());
        }
    }
}

fn set_base(bench: &Bench, key: &str) {
    set(bench, &StoreId::Base, key);
}

/// Writes as another program would, through the store's own lock.
fn set(bench: &Bench, store: &StoreId, key: &str) {
    use keyshoal_core::{CredentialKind, Secret};
    use keyshoal_openclaw::store::{Edit, StoredSecret, WriteRules};
    let installation = bench.open();
    let seen = installation.look().unwrap();
    let rules = WriteRules::new(std::time::SystemTime::now(), false);
    seen.stores[store]
        .file
        .update(&rules, &mut |_| {
            Ok(vec![Edit::SetSecret {
                profile: P.into(),
                kind: CredentialKind::ApiKey,
                secret: StoredSecret::Inline(Secret::new(key)),
                expires: None,
            }])
        })
        .unwrap();
}
