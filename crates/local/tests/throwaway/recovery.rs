//! A run that broke off, or that is taken back: nothing is judged that cannot be read, nothing is done that is not right any more.

use super::house::{House, P, copied, glance, stocks};
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::{AgentId, Fact, Layout, ProfileId, StepState, StoreId};
use keyshoal_engine::ports::{Change, Observe, Remember};
use keyshoal_ledger::ImageState;
use keyshoal_local::restore::{Direction, Restored};
use serde_json::{Value, json};

const BOTH: [Layout; 2] = [Layout::JsonFile, Layout::SharedRow];

fn states(all: &[Restored]) -> Vec<&StepState> {
    all.iter().map(|one| &one.state).collect()
}

fn assert_conflict(state: &StepState, says: &str) {
    assert!(matches!(state, StepState::Conflict { found } if found.contains(says)), "{says}: {state:?}");
}

#[test]
fn a_store_that_cannot_be_read_is_not_taken_for_one_that_holds_nothing() {
    for layout in BOTH {
        let house = House::new(layout);
        let run = house.broken_after(1);
        let path = house.path(&stocks());
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, "garbage that goes on for a while").unwrap();

        // To finish: nothing is said to be done, and the run waits for the store to be mended.
        let done = house.recover(Direction::Finish);
        assert_eq!(*states(&done)[0], StepState::Done, "{layout}");
        assert!(
            matches!(&done[1].state, StepState::Failed { reason } if reason.contains("cannot be read")),
            "{layout}: {done:#?}"
        );
        assert!(house.open().open_run().unwrap().is_some(), "{layout}: it stays open");

        // To go on without it: its value from before is kept, since nobody can say what the run did.
        let next = house.open();
        next.observe().unwrap();
        next.settle().unwrap().unwrap();
        let settled = next.find_run(run.as_str()).unwrap();
        assert_eq!(settled.steps[0].outcome, Some(StepState::Done), "{layout}");
        assert!(matches!(settled.steps[1].outcome, Some(StepState::Failed { .. })), "{layout}");
        assert_eq!(settled.steps[1].pre_image, ImageState::Sealed, "{layout}");

        std::fs::write(&path, &good).unwrap();
        let house_value = house.value(&stocks());
        assert_eq!(house_value.as_deref(), Some("key-1"), "{layout}");
        let plan = next.rollback_plan(&settled).unwrap();
        assert_eq!(plan.len(), 1, "{layout}: the agent's step turns out not to have been done");
    }
}

#[test]
fn what_a_failed_step_has_written_after_all_can_be_taken_back() {
    for layout in BOTH {
        let house = House::new(layout);
        let run = house.broken_after(2);
        let path = house.path(&stocks());
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, "garbage that goes on for a while").unwrap();
        let next = house.open();
        next.settle().unwrap().unwrap();
        std::fs::write(&path, &good).unwrap();
        assert_ne!(house.value(&stocks()).as_deref(), Some("key-1"), "{layout}: it was written");
        let settled = next.find_run(run.as_str()).unwrap();
        let done = next.rollback(&settled).unwrap();
        assert_eq!(states(&done), [&StepState::Done, &StepState::Done], "{layout}: {done:#?}");
        assert_eq!(house.value(&stocks()).as_deref(), Some("key-1"), "{layout}");
    }
}

#[test]
fn what_holds_another_value_by_now_is_noted_as_a_conflict() {
    for layout in BOTH {
        let house = House::new(layout);
        let run = house.broken_after(1);
        house.type_in(&stocks(), "key-typed");
        let next = house.open();
        next.settle().unwrap().unwrap();
        let settled = next.find_run(run.as_str()).unwrap();
        assert_conflict(settled.steps[1].outcome.as_ref().unwrap(), "never wrote");
    }
}

#[test]
fn a_step_is_finished_only_while_the_base_store_holds_what_it_rests_on() {
    for layout in BOTH {
        let house = House::new(layout);
        house.broken_after(1);
        house.type_in(&StoreId::Base, "key-3");
        let done = house.recover(Direction::Finish);
        assert_conflict(&done[0].state, "never wrote");
        assert_conflict(&done[1].state, "the base store holds");
        assert_eq!(house.value(&stocks()).as_deref(), Some("key-1"), "{layout}");
        assert_eq!(house.value(&StoreId::Base).as_deref(), Some("key-3"), "{layout}");
    }
}

#[test]
fn a_profile_that_was_marked_as_kept_meanwhile_is_left() {
    for layout in BOTH {
        let house = House::new(layout);
        house.broken_after(1);
        let installation = house.open();
        let seen = installation.look().unwrap();
        let fingerprint =
            seen.observed.profile(&stocks(), &P.into()).unwrap().material.fingerprint().unwrap();
        let agent = AgentId::from("stocks");
        let kept = Fact::Kept { agent, profile: P.into(), fingerprint, by: KeptBy::Person };
        installation.learn(&[kept]).unwrap();
        drop(installation);
        let done = house.recover(Direction::Finish);
        assert_eq!(done[0].state, StepState::Done, "{layout}");
        assert_conflict(&done[1].state, "marked as kept");
        assert_eq!(house.value(&stocks()).as_deref(), Some("key-1"), "{layout}");
    }
}

#[test]
fn a_shadow_stays_where_the_agent_would_be_refused_without_it() {
    let house = House::new(Layout::SharedRow);
    house.broken_after(1);
    let leftover = house.path(&stocks()).with_file_name("auth-profiles.json");
    std::fs::write(leftover, "{\"version\":1,\"profiles\":{}}").unwrap();
    let done = house.recover(Direction::Finish);
    assert_conflict(&done[1].state, "earlier layout");
    assert_eq!(house.value(&stocks()).as_deref(), Some("key-1"));

    let house = House::new(Layout::SharedRow);
    house.broken_after(1);
    house.demand_a_token();
    let done = house.recover(Direction::Finish);
    assert_conflict(&done[1].state, "left without");
    assert_eq!(house.value(&stocks()).as_deref(), Some("key-1"));
}

#[test]
fn nothing_is_put_back_into_an_installation_that_is_only_read() {
    for broken in [true, false] {
        let house = House::new(Layout::SharedRow);
        let run = if broken { house.broken_after(2) } else { house.rotated() };
        let db = rusqlite::Connection::open(house.path(&StoreId::Base)).unwrap();
        let claim = "{\"version\":1,\"mode\":\"external\",\"managerId\":\"fleet-7\",\"claimedAt\":1}";
        db.execute("INSERT INTO config_machine_state VALUES ('gateway.supervision', ?1, 1)", [claim])
            .unwrap();
        drop(db);
        let done = match broken {
            true => house.recover(Direction::Undo),
            false => {
                let installation = house.open();
                installation.rollback(&installation.find_run(run.as_str()).unwrap()).unwrap()
            }
        };
        let refused =
            |state: &&StepState| matches!(state, StepState::Failed { reason } if reason.contains("fleet-7"));
        assert!(states(&done).iter().all(refused), "{done:#?}");
        assert_eq!(house.value(&stocks()), None, "the shadow stays removed");
    }
}

#[test]
fn the_cooldown_that_a_value_has_earned_goes_with_it() {
    for layout in BOTH {
        for undo in [true, false] {
            let house = House::new(layout);
            let run = if undo { house.broken_after(2) } else { house.rotated() };
            house.mark(layout, &StoreId::Base);
            house.mark(layout, &stocks());
            let done = match undo {
                true => house.recover(Direction::Undo),
                false => {
                    let installation = house.open();
                    installation.rollback(&installation.find_run(run.as_str()).unwrap()).unwrap()
                }
            };
            assert_eq!(states(&done), [&StepState::Done, &StepState::Done], "{layout} {undo}: {done:#?}");
            house.assert_reset(&StoreId::Base, &format!("{layout}, undo: {undo}, base"));
            house.assert_reset(&stocks(), &format!("{layout}, undo: {undo}, agent"));
        }
    }
}

#[test]
fn finishing_the_removal_of_a_shadow_resets_its_own_mark_and_makes_none() {
    for marked in [true, false] {
        let house = House::new(Layout::SharedRow);
        house.broken_after(1);
        if marked {
            house.mark(Layout::SharedRow, &stocks());
        }
        let done = house.recover(Direction::Finish);
        assert_eq!(states(&done), [&StepState::Done, &StepState::Done], "{done:#?}");
        assert_eq!(house.value(&stocks()), None);
        match marked {
            true => house.assert_reset(&stocks(), "agent"),
            false => assert!(house.contents(&stocks()).usage.is_empty()),
        }
    }
}

#[test]
fn a_whole_entry_comes_back_and_what_changed_beside_it_stays() {
    let reference = json!({ "source": "env", "provider": "default", "id": "ACME" });
    let entry = json!({ "type": "api_key", "provider": "acme", "key": "key-1", "keyRef": reference, "x": 1 });
    for meddle in [false, true] {
        let house = House::holding(&copied(Layout::JsonFile).profile(stocks(), P, entry.clone()));
        let raw = |house: &House| {
            house.contents(&stocks()).profiles[&ProfileId::from(P)].raw.reveal_secret().to_owned()
        };
        let before = raw(&house);
        let run = house.replaced_for_stocks_alone();
        assert_ne!(raw(&house), before);
        if meddle {
            let path = house.path(&stocks());
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, text.replace("\"x\": 1", "\"x\": 2").replace("\"x\":1", "\"x\":2"))
                .unwrap();
        }
        let installation = house.open();
        let done = installation.rollback(&installation.find_run(run.as_str()).unwrap()).unwrap();
        assert!(states(&done).iter().all(|state| **state == StepState::Done), "{done:#?}");
        let after: Value = serde_json::from_str(&raw(&house)).unwrap();
        if meddle {
            assert_eq!((&after["x"], &after["keyRef"]), (&json!(2), &reference));
        } else {
            assert_eq!(raw(&house), before, "byte for byte");
        }
    }
}

#[test]
fn a_changed_type_is_told_from_one_that_was_not() {
    for applied in [true, false] {
        let house = House::new(Layout::JsonFile);
        house.demand_a_token();
        let dying = house.open();
        let plan = glance(&dying).plan();
        assert!(plan.actions.iter().all(|action| matches!(action, keyshoal_core::Action::FixType { .. })));
        let run = dying.begin("sync", &plan).unwrap();
        if applied {
            dying.apply(&run, &plan, &mut |_, _| {});
        }
        drop(dying);
        let next = house.open();
        next.settle().unwrap().unwrap();
        for step in next.find_run(run.as_str()).unwrap().steps {
            match applied {
                true => {
                    assert_eq!((step.outcome, step.pre_image), (Some(StepState::Done), ImageState::Sealed))
                }
                false => assert!(matches!(step.outcome, Some(StepState::Skipped { .. })), "{step:?}"),
            }
        }
    }
}
