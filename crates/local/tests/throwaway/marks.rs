//! Marks of authentication failures: a write adds none, except where the base store's would leak into a copy.

use super::house::{House, LAYOUTS, P, done, glance, planned, stocks};
use keyshoal_core::{Layout, ProfileId, StoreId};

/// The base store gets another key, and the copies follow.
fn followed(house: &House) {
    let installation = house.open();
    let plan = planned(&installation);
    assert!(!plan.actions.is_empty());
    done(&installation, &plan);
}

#[test]
fn where_nothing_is_marked_a_write_makes_no_mark() {
    for layout in LAYOUTS {
        let house = House::new(layout);
        glance(&house.open());
        followed(&house);
        for store in [StoreId::Base, stocks()] {
            let usage = house.contents(&store).usage;
            assert!(usage.is_empty(), "{layout}: {store}: {usage:?}");
        }
    }
}

#[test]
fn what_the_base_store_holds_back_does_not_leak_into_a_renewed_copy() {
    let layout = Layout::JsonFile;
    let house = House::new(layout);
    glance(&house.open());
    house.mark(layout, &StoreId::Base);
    followed(&house);
    let usage = house.contents(&stocks()).usage;
    let own = usage.get(&ProfileId::from(P)).unwrap();
    assert!(own.error_count == 0 && !own.auth_block(), "{own:?}");
}
