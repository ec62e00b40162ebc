//! An agent that is no more: its credentials are moved aside and back, and nobody else's.

use crate::house::*;
use keyshoal_core::{ActivationMode, FindingKind};
use keyshoal_core::{Layout, StoreId};
use keyshoal_engine::carry::carry;
use keyshoal_engine::ports::Observe as _;
use keyshoal_openclaw::sample;

/// Agent `retired` holds a key and is in no roster.
fn retired(layout: Layout) -> House {
    let made = sample::Installation::new(layout).agent("stocks").api_key(StoreId::Base, P, "key-1");
    House::holding(&made.api_key(agent("retired"), P, "key-0"))
}

#[test]
fn an_orphan_is_moved_aside_and_back() {
    for layout in LAYOUTS {
        let house = retired(layout);
        let installation = house.open();
        assert_eq!(installation.observe().unwrap().orphans.len(), 1, "{layout}");
        let moved = installation.set_aside("retired").unwrap();
        assert!(installation.observe().unwrap().orphans.is_empty(), "{layout}: the program sees it no more");
        assert_eq!(installation.aside().unwrap(), std::slice::from_ref(&moved), "{layout}");
        assert_eq!(installation.put_back_aside("retired").unwrap(), moved, "{layout}");
        assert_eq!(installation.observe().unwrap().orphans.len(), 1, "{layout}: everything is as it was");
        assert!(installation.put_back_aside("retired").is_err(), "{layout}");
    }
}

#[test]
fn whoever_is_no_orphan_is_never_moved() {
    let house = retired(Layout::SharedRow);
    let installation = house.open();
    for (name, words) in [
        ("main", "never moved"),
        ("openclaw", "never moved"),
        ("stocks", "is in the roster"),
        ("nobody", "is no orphan"),
        ("../agents/retired", "is no orphan"),
    ] {
        let refused = installation.set_aside(name).unwrap_err();
        assert!(refused.message.contains(words), "{name}: {refused}");
    }
    assert!(installation.set_aside("nobody").unwrap_err().hint.unwrap().contains("retired"));
}

#[test]
fn what_was_its_own_is_carried_to_its_new_id() {
    for layout in LAYOUTS {
        let house = retired(layout);
        let installation = house.open();
        let values = installation.values_of_orphan("retired").unwrap();
        let report = carry(&installation, &"stocks".into(), &values, ActivationMode::Auto).unwrap();
        assert!(report.is_done() && report.receipts.len() == 1, "{layout}: {report:#?}");
        assert_eq!(house.value(&stocks()).as_deref(), Some("key-0"), "{layout}");
        let look = glance(&installation);
        let found = look.judgement.of(&"stocks".into(), &P.into()).unwrap();
        assert_eq!(found.finding, FindingKind::Kept, "{layout}: {found:#?}");
        assert!(look.plan().actions.is_empty(), "{layout}: and nothing takes it away again");
        let again = carry(&installation, &"stocks".into(), &values, ActivationMode::Auto).unwrap();
        assert!(again.run.is_none() && again.left[0].1.contains("one of its own"), "{layout}: {again:#?}");
        let run = installation.find_run(report.run.unwrap().as_str()).unwrap();
        installation.rollback(&run).unwrap();
        assert_eq!(house.value(&stocks()), None, "{layout}: it can be taken back");
    }
}

#[test]
fn neither_what_is_inherited_nor_what_was_is_carried() {
    let made = sample::Installation::new(Layout::SharedRow).agent("stocks");
    let made = made.api_key(StoreId::Base, P, "key-1").api_key(agent("retired"), P, "key-1");
    let installation = House::holding(&made);
    let installation = installation.open();
    let values = installation.values_of_orphan("retired").unwrap();
    let report = carry(&installation, &"stocks".into(), &values, ActivationMode::Auto).unwrap();
    assert!(report.run.is_none() && report.left[0].1.contains("inherit"), "{report:#?}");
    assert!(carry(&installation, &"nobody".into(), &values, ActivationMode::Auto).is_err());
}
