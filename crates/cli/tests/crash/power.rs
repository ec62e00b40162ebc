//! The power goes before and after each durable operation of a run, and takes with it what was not synced.
//!
//! The real binary runs once under `strace`. Its calls are replayed on a model of a disk, and wherever one changes something, what a
//! power cut would leave there is laid down and recovered from. The model's own proof: in the end it holds what really stands there.

use crate::disk::{CUTS, Cut, Disk, Image};
use crate::house::{AGENTS, House};
use crate::replay::{Replay, Without};
use crate::trace::{self, Call};
use keyshoal_core::Layout;
use std::collections::BTreeMap;

/// A run under `strace` that came to its end, and what stood there before.
struct Recorded {
    before: Disk,
    calls: Vec<Call>,
}

impl Recorded {
    fn of(house: &House) -> Self {
        let before = Disk::of(house.root());
        let aside = tempfile::tempdir().unwrap();
        let record = aside.path().join("record");
        let output = house.sync_traced(&trace::recording(&record));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let calls = trace::read(&std::fs::read_to_string(record).unwrap());
        let recorded = Self { before, calls };
        let modelled = recorded.replayed(Without::Nothing).after(Cut::AllKept);
        let unlike = modelled.unlike(&Image::of(house.root()));
        assert!(unlike.is_empty(), "the model is not what happened: {unlike:?}");
        recorded
    }

    /// Returns the disk at the end of the run.
    fn replayed(&self, without: Without) -> Disk {
        let mut replay = Replay::on(self.before.clone(), without);
        for call in &self.calls {
            replay.apply(call);
        }
        replay.disk
    }

    /// Returns what can be there after a power cut, each with the first point at which it can, and how many points there are.
    fn outages(&self, layout: Layout) -> (BTreeMap<Image, String>, usize) {
        let mut replay = Replay::on(self.before.clone(), Without::Nothing);
        let begin = (self.before.after(Cut::AllKept), format!("{layout}, before the first operation"));
        let mut left = BTreeMap::from([begin]);
        let mut operations = 0;
        for call in &self.calls {
            if !replay.apply(call) {
                continue;
            }
            operations += 1;
            for cut in CUTS {
                let place = || format!("{layout}, after operation {operations} ({}), {cut:?}", call.name);
                left.entry(replay.disk.after(cut)).or_insert_with(place);
            }
        }
        (left, operations)
    }
}

/// Holds of everything that a power cut can leave: no mix, nothing of the user's lost, and both ways out lead to their end.
fn every_outage_is_recovered_from(house: &House) {
    let layout = house.layout;
    let (left, operations) = Recorded::of(house).outages(layout);
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
        house.sync_well(place);
        assert_eq!(house.generations(), ["new"; AGENTS.len()], "{place}");
        house.assert_nothing_lost(place);
        house.assert_no_cooldown(place);
        house.assert_no_litter(place);
        house.assert_nothing_to_do(place);
        if open {
            image.lay_down(house.root());
            house.run_well(&["recover", "--undo"], place);
            assert_eq!(house.generations(), ["old"; AGENTS.len()], "{place}");
            house.assert_nothing_lost(place);
            assert!(!house.has_open_run(), "{place}");
            house.assert_no_litter(place);
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
    every_outage_is_recovered_from(&House::rotated(Layout::JsonFile));
}

#[test]
fn the_power_may_go_at_any_time_in_json_with_state() {
    every_outage_is_recovered_from(&House::rotated(Layout::JsonWithState));
}

#[test]
fn the_power_may_go_at_any_time_in_agent_databases() {
    every_outage_is_recovered_from(&House::rotated(Layout::AgentSqlite));
}

#[test]
fn the_power_may_go_at_any_time_beside_a_shared_row() {
    every_outage_is_recovered_from(&House::rotated(Layout::SharedRow));
}

#[test]
fn the_power_may_go_at_any_time_of_the_very_first_run_in_json_files() {
    every_outage_is_recovered_from(&House::never_seen(Layout::JsonFile));
}

#[test]
fn the_power_may_go_at_any_time_of_the_very_first_run_beside_a_shared_row() {
    every_outage_is_recovered_from(&House::never_seen(Layout::SharedRow));
}

/// Right after a run has said that all is done, no cut takes anything of the stores with it: because of its syncs.
#[test]
fn what_is_said_to_be_durable_is() {
    for layout in [Layout::JsonFile, Layout::JsonWithState] {
        let house = House::rotated(layout);
        let recorded = Recorded::of(&house);
        let lost = |without, cut| {
            let disk = recorded.replayed(without);
            let unlike = disk.after(cut).unlike(&disk.after(Cut::AllKept));
            unlike.iter().filter(|path| path.ends_with("auth-profiles.json")).count()
        };
        for cut in CUTS {
            assert_eq!(lost(Without::Nothing, cut), 0, "{layout}: {cut:?}");
        }
        assert_eq!(lost(Without::Files, Cut::NamesKept), AGENTS.len(), "syncing the files does not matter");
        assert_eq!(
            lost(Without::Directories, Cut::BytesKept),
            AGENTS.len(),
            "syncing the directories does not matter"
        );
    }
}
