//! A profile of an agent that is there and holds nothing hides the base store's: it gets that value, and nothing else changes.

use crate::house::*;
use keyshoal_core::{Action, Layout, StepState, StoreId};
use keyshoal_openclaw::sample;
use serde_json::{Value, json};

fn with_entry(layout: Layout, entry: Value) -> House {
    let made = sample::Installation::new(layout).agent("stocks").api_key(StoreId::Base, P, "key-1");
    House::holding(&made.profile(stocks(), P, entry))
}

#[test]
fn it_gets_the_sources_value_keeps_the_rest_and_can_be_taken_back() {
    let entry =
        json!({ "type": "api_key", "provider": "acme", "key": "", "keyRef": null, "displayName": "Ours" });
    for layout in LAYOUTS {
        let house = with_entry(layout, entry.clone());
        let installation = house.open();
        let plan = glance(&installation).plan();
        assert!(matches!(plan.actions.as_slice(), [Action::Insert { .. }]), "{layout}: {plan:#?}");
        let (run, receipts) = done(&installation, &plan);
        assert_eq!(receipts[0].durable, StepState::Done, "{layout}: {receipts:#?}");
        assert_eq!(house.value(&stocks()).as_deref(), Some("key-1"), "{layout}");
        let raw = house.contents(&stocks()).profiles[&P.into()].raw.reveal_secret().to_owned();
        assert_eq!(serde_json::from_str::<Value>(&raw).unwrap()["displayName"], "Ours", "{layout}");
        assert!(glance(&installation).plan().actions.is_empty(), "{layout}: nothing is left to be done");
        installation.rollback(&installation.find_run(run.as_str()).unwrap()).unwrap();
        assert_eq!(house.value(&stocks()), None, "{layout}");
    }
}

#[test]
fn a_reference_whose_form_is_not_known_is_not_nothing() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let entry =
            json!({ "type": "api_key", "provider": "acme", "keyRef": { "source": "cloud", "id": 7 } });
        let house = with_entry(layout, entry);
        let installation = house.open();
        let plan = glance(&installation).plan();
        let (_, receipts) = done(&installation, &plan);
        let left = receipts.iter().all(|one| matches!(one.durable, StepState::Conflict { .. }));
        assert!(left, "{layout}: {receipts:#?}");
        assert_eq!(house.value(&stocks()), None, "{layout}");
    }
}
