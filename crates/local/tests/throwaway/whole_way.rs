//! The whole way on throwaway installations of every layout: look, sync, override kept, rollback, crash recovery.

use super::house::{House, LAYOUTS, P, agent, glance, stocks};
use keyshoal_core::{Capabilities, FindingKind, Layout, ProfileId, Severity, StepState, StoreId};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_engine::decide::{Decide, Decision, Unattended};
use keyshoal_engine::look::{AskPolicy, Look, LookOptions};
use keyshoal_engine::sync::{Outcome, SyncOptions, SyncReport, sync};
use keyshoal_local::Installation;
use keyshoal_openclaw::sample;
use serde_json::json;
use std::path::Path;

struct Bench {
    house: House,
    emulator: Emulator,
}

/// Five agents: `fresh` inherits, `stocks` and `research` have old copies, `academic` has a key of its own that works.
fn drifted(layout: Layout) -> Bench {
    let emulator = Emulator::start(Config::default()).unwrap();
    emulator.only_accept(&["key-new", "key-own"]);
    let sample = sample::Installation::new(layout)
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
            stocks(),
            P,
            json!({ "type": "api_key", "provider": "acme", "key": "key-old", "displayName": "Mine", "x": 1 }),
        )
        .api_key(agent("research"), P, "key-old")
        .api_key(agent("academic"), P, "key-own");
    Bench { house: House::holding(&sample), emulator }
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

fn finding(look: &Look, agent: &str) -> FindingKind {
    look.judgement.of(&agent.into(), &ProfileId::from(P)).unwrap().finding
}

#[test]
fn a_dead_copy_is_mended_and_a_working_override_is_kept_in_every_layout() {
    for layout in LAYOUTS {
        let bench = drifted(layout);
        let installation = bench.house.open();
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
fn providers_are_asked_with_the_headers_of_the_config_or_not_at_all() {
    for (header, asked) in [(json!("${TENANT}"), true), (json!("Bearer ${NOT_SET}"), false)] {
        let emulator = Emulator::start(Config::default()).unwrap();
        emulator.only_accept(&["key-new", "key-own"]);
        let sample = sample::Installation::new(Layout::SharedRow)
            .agent("academic")
            .config(json!({
                "env": { "TENANT": "tenant-blue" },
                "models": { "providers": { "acme": {
                    "baseUrl": format!("{}/v1", emulator.base_url()), "api": "openai-completions",
                    "headers": { "User-Agent": header }, "models": [{ "id": "acme-1", "name": "Acme 1" }],
                } } },
            }))
            .api_key(StoreId::Base, P, "key-new")
            .api_key(agent("academic"), P, "key-own");
        let house = House::holding(&sample);
        let report = run(&house.open());
        let agents: Vec<_> = emulator.log().into_iter().filter_map(|row| row.user_agent).collect();
        assert_eq!(!agents.is_empty(), asked, "{agents:?}");
        assert!(agents.iter().all(|agent| agent == "tenant-blue"), "{agents:?}");
        let kept = finding(&report.after, "academic") == FindingKind::Kept;
        assert_eq!(kept, asked, "what was not asked is known of nobody");
    }
}

#[test]
fn a_known_earlier_generation_is_mended_without_asking_anybody() {
    for layout in LAYOUTS {
        let bench = drifted(layout);
        bench.emulator.only_accept(&["key-old"]);
        // The source still has the old key when it is first seen.
        bench.house.type_in(&StoreId::Base, "key-old");
        glance(&bench.house.open());
        bench.house.type_in(&StoreId::Base, "key-new");
        bench.emulator.clear_log();
        let installation = bench.house.open();
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
        let installation = bench.house.open();
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
    struct Meddle<'a>(&'a House);
    impl Decide for Meddle<'_> {
        fn decide(&mut self, _: &keyshoal_core::Plan, _: &keyshoal_core::Judgement) -> Decision {
            self.0.type_in(&stocks(), "key-just-typed");
            Decision::yes()
        }
    }
    for layout in LAYOUTS {
        let bench = drifted(layout);
        let installation = bench.house.open();
        let report = sync(
            &installation,
            &SyncOptions { assume_yes: false, ..now() },
            &mut Meddle(&bench.house),
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
        let report = run(&bench.house.open());
        let text = format!("{report:?}");
        for secret in ["key-new", "key-old", "key-own", "key-other"] {
            assert!(!text.contains(secret), "{layout}: {secret} leaked");
        }
        assert_no_secret(&bench.house.state().join(".keyshoal"), layout);
    }
}

#[test]
fn every_agent_sends_something_and_says_why() {
    for layout in LAYOUTS {
        let bench = drifted(layout);
        let look = glance(&bench.house.open());
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
