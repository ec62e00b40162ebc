//! The power goes before and after each durable operation of a run, and takes with it what was not synced.
//!
//! The real binary runs once under `strace`. Its calls are replayed on a model of a disk, and wherever one changes something, what a
//! power cut would leave there is laid down and recovered from. The model's own proof: in the end it holds what really stands there.

use crate::disk::{CUTS, Disk, Image};
use crate::house::{AGENTS, House};
use crate::replay::Replay;
use crate::trace;
use keyshoal_core::Layout;
use std::collections::BTreeMap;

/// What can be there after a power cut, each with the first point at which it can, and how many points there are.
fn outages(house: &House) -> (BTreeMap<Image, String>, usize) {
    let before = Image::of(house.root());
    let mut replay = Replay::on(Disk::of(house.root()));
    let aside = tempfile::tempdir().unwrap();
    let record = aside.path().join("record");
    let output = house.sync_traced(&trace::recording(&record));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let calls = trace::read(&std::fs::read_to_string(record).unwrap());

    let mut left = BTreeMap::from([(before, "before the first operation".to_owned())]);
    let mut operations = 0;
    for call in &calls {
        if !replay.apply(call) {
            continue;
        }
        operations += 1;
        for cut in CUTS {
            let place = || format!("{}, after operation {operations} ({}), {cut:?}", house.layout, call.name);
            left.entry(replay.disk.after(cut)).or_insert_with(place);
        }
    }
    let (modelled, real) = (replay.disk.after(crate::disk::Cut::AllKept), Image::of(house.root()));
    assert_eq!(modelled.unlike(&real), Vec::<std::path::PathBuf>::new(), "the model is not what happened");
    (left, operations)
}

/// Holds of everything that a power cut can leave: no mix, nothing of the user's lost, and both ways out lead to their end.
fn every_outage_is_recovered_from(layout: Layout) {
    let house = House::rotated(layout);
    let (left, operations) = outages(&house);
    let (mut open_runs, mut mixes) = (0, 0);
    for (image, place) in &left {
        image.lay_down(house.root());
        let generations = house.generations();
        house.assert_nothing_lost(place);
        let open = house.has_open_run();
        let mixed = generations.windows(2).any(|two| two[0] != two[1]);
        assert!(open || !mixed, "{place}: {generations:?}, and nobody says so");
        open_runs += usize::from(open);
        mixes += usize::from(mixed);
        if open {
            house.run_well(&["recover", "--finish"], place);
            assert_eq!(house.generations(), ["new"; AGENTS.len()], "{place}");
        }
        house.run_well(&["sync", "--yes", "--offline"], place);
        assert_eq!(house.generations(), ["new"; AGENTS.len()], "{place}");
        house.assert_nothing_lost(place);
        house.assert_no_cooldown(place);
        house.assert_nothing_to_do(place);
        if open {
            image.lay_down(house.root());
            house.run_well(&["recover", "--undo"], place);
            assert_eq!(house.generations(), ["old"; AGENTS.len()], "{place}");
            house.assert_nothing_lost(place);
            assert!(!house.has_open_run(), "{place}");
        }
    }
    println!(
        "{layout}: {operations} operations, {} different outages, {open_runs} with an open run, {mixes} in the middle of the stores",
        left.len(),
    );
    assert!(operations > 20 && open_runs > 5 && mixes > 0, "was anything written at all?");
}

#[test]
fn the_power_may_go_at_any_time_in_json_files() {
    every_outage_is_recovered_from(Layout::JsonFile);
}

#[test]
fn the_power_may_go_at_any_time_in_json_with_state() {
    every_outage_is_recovered_from(Layout::JsonWithState);
}

#[test]
fn the_power_may_go_at_any_time_in_agent_databases() {
    every_outage_is_recovered_from(Layout::AgentSqlite);
}

#[test]
fn the_power_may_go_at_any_time_beside_a_shared_row() {
    every_outage_is_recovered_from(Layout::SharedRow);
}
