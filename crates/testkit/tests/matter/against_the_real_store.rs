//! 300 updates of ours against the store module of the real 2026.3.28, which writes as fast as it can.

use crate::marker;
use keyshoal_openclaw::store::{Safety, StoreFile, WriteRules};
use keyshoal_testkit::Instance;
use keyshoal_testkit::instance::{PROFILE, Seed};
use keyshoal_testkit::real_store::RealWriter;
use keyshoal_testkit::stores::{self, Part, Place};
use std::time::{Duration, SystemTime};

const AGENT: &str = "stocks";
const UPDATES: u64 = 300;
/// It is no race before the real store module has written so often, too.
const THEIR_UPDATES: u64 = 100;
/// Where a loss is expected, the race goes on until there is one; in any case it ends here.
const PATIENCE: u64 = 6_000;

/// When we write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// As fast as we can.
    Free,
    /// Right after each write of theirs, with the modification time that it has: the worst that a run can ask for, because the
    /// program's cache knows that time.
    OnTheirHeels,
}

/// What was lost.
#[derive(Debug, PartialEq, Eq)]
struct Lost {
    ours: u64,
    theirs: u64,
}

fn race(safety: Safety, pace: Pace) -> Lost {
    let instance = Instance::new("2026.3.28", Seed::ApiKey, 9).unwrap();
    let store = StoreFile::json(instance.agent_dir(AGENT), false);
    let writer = RealWriter::start(&instance, AGENT, PROFILE).unwrap();
    let mut lost = 0;
    let mut last = String::new();
    let all_on = safety == Safety::default();
    let mut number = 0;
    while number < UPDATES
        || (number < PATIENCE && (written_by_them(&last) < THEIR_UPDATES || (!all_on && lost == 0)))
    {
        number += 1;
        let known = match pace {
            Pace::Free => SystemTime::now(),
            Pace::OnTheirHeels => modified_by_them(&store, &last),
        };
        let rules = WriteRules { mtime: Some(known), gateway_running: true, safety };
        match marker::put(&store, &rules, number) {
            Ok((found, _)) => lost += u64::from(found != number - 1),
            Err(error) if all_on => panic!("update {number}: {error}"),
            // Without a protection an update may also fail: it is lost then.
            Err(_) => lost += 1,
        }
        last = std::fs::read_to_string(store.path()).unwrap_or_default();
    }
    let theirs = writer.stop().unwrap();
    let end = stores::read(&instance, Place::Agent(AGENT), Part::Profiles).unwrap().unwrap();
    lost += u64::from(end["profiles"][marker::MARKER]["key"] != format!("marker-{number}"));
    let kept = count_in(&end);
    println!("{safety:?}, {pace:?}: of our {number} {lost} lost; of theirs {kept} of {theirs} kept");
    assert!(theirs >= THEIR_UPDATES, "the real store module hardly wrote: {theirs}");
    Lost { ours: lost, theirs: theirs.saturating_sub(kept) }
}

/// Returns how often the real store module has written, as far as the store's text shows.
fn written_by_them(text: &str) -> u64 {
    serde_json::from_str(text).map_or(0, |store| count_in(&store))
}

fn count_in(store: &serde_json::Value) -> u64 {
    store["usageStats"][PROFILE]["n"].as_u64().unwrap_or(0)
}

/// Waits until the file is no longer as we left it, and returns the time that it then has.
fn modified_by_them(store: &StoreFile, as_we_left_it: &str) -> SystemTime {
    let patience = std::time::Instant::now() + Duration::from_secs(2);
    loop {
        let text = std::fs::read_to_string(store.path()).unwrap_or_default();
        if (text != as_we_left_it && text.ends_with("}\n")) || std::time::Instant::now() > patience {
            return std::fs::metadata(store.path())
                .and_then(|meta| meta.modified())
                .unwrap_or(SystemTime::UNIX_EPOCH);
        }
        std::thread::yield_now();
    }
}

#[test]
fn no_update_is_lost_on_either_side_with_the_lock_and_some_are_without() {
    assert_eq!(race(Safety::default(), Pace::Free), Lost { ours: 0, theirs: 0 });
    let lost = race(Safety { lock: false, ..Safety::default() }, Pace::Free);
    assert!(lost.ours + lost.theirs > 0, "the lock does not matter");
}

#[test]
fn no_update_is_lost_on_either_side_with_a_distinct_time_and_some_are_without() {
    assert_eq!(race(Safety::default(), Pace::OnTheirHeels), Lost { ours: 0, theirs: 0 });
    let lost = race(Safety { distinct_time: false, ..Safety::default() }, Pace::OnTheirHeels);
    assert!(lost.ours > 0, "the modification time does not matter");
}
