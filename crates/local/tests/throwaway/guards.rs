//! Protections of a run, seen to matter in every layout: with one nothing is lost, without it alone the same run loses something.

use super::house::{House, LAYOUTS, P, UNTIL, glance, stocks};
use keyshoal_core::{Fingerprint, Judgement, Layout, Plan, ProfileId, Secret, StepState, StoreId};
use keyshoal_engine::decide::{Decide, Decision};
use keyshoal_engine::ports::Observe;
use keyshoal_engine::sync::{SyncOptions, SyncReport, sync};
use keyshoal_local::{Guards, Installation};
use keyshoal_openclaw::sample;
use serde_json::json;

fn sample_with(layout: Layout, base: &str) -> sample::Installation {
    sample::Installation::new(layout)
        .agent("stocks")
        .config(json!({ "gateway": { "port": 1 } }))
        .api_key(StoreId::Base, P, base)
        .api_key(stocks(), P, "key-old")
        .state(
            stocks(),
            json!({ "usageStats": { P: { "errorCount": 3, "cooldownUntil": UNTIL, "cooldownReason": "auth" } } }),
        )
}

/// The key was rotated in the base store; `stocks` has the generation before.
fn rotated(layout: Layout, guards: Guards) -> House {
    let mut house = House::holding(&sample_with(layout, "key-old"));
    glance(&house.open());
    let state = house.state();
    for name in ["agents", "state"] {
        let _ = std::fs::remove_dir_all(state.join(name));
    }
    sample_with(layout, "key-new").write(&state).unwrap();
    house.options.guards = guards;
    house
}

/// Says yes, and while the question stood somebody gave the agent a key of its own.
struct Meanwhile<'a>(&'a House);

impl Decide for Meanwhile<'_> {
    fn decide(&mut self, _: &Plan, _: &Judgement) -> Decision {
        self.0.type_in(&stocks(), "key-theirs");
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
            let house = rotated(layout, guards);
            let installation = house.open();
            let report = synced(&installation, &mut Meanwhile(&house));
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
            let house = rotated(layout, guards);
            let installation = house.open();
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
