//! What comes after the values are there, under references: that a rotation is proven, and that it retires the value before; and one
//! rotation of several instances. Killed likewise, with each way out walked.

use crate::moved::{copy, empty, killed};
use crate::referred::home::{Home, provider, put_all_back};
use crate::referred::{BACK, NEW, OLD, OPERATIONS, PROFILE, REFS, SYNC, at_every_crash};
use keyshoal_core::Layout;
use keyshoal_emulator::{Config, Emulator};
use serde_json::json;
use std::cell::Cell;
use std::sync::Arc;

const PROVE: [&str; 4] = ["rotate", PROFILE, "--resume", "--yes"];
const FINISH: [&str; 5] = ["rotate", PROFILE, "--finish", "--yes", "--offline"];
const RESUME_ALL: [&str; 6] = ["rotate", PROFILE, "--instances", "all", "--resume", "--yes"];
const FINISH_ALL: [&str; 6] = ["rotate", PROFILE, "--instances", "all", "--finish", "--yes"];
const BACK_ALL: [&str; 6] = ["rotate", PROFILE, "--instances", "all", "--rollback", "--yes"];

/// Runs a command that may find that everything is over. Tells whether it did something.
fn does(home: &Home, words: &[&str], place: &str) -> bool {
    let output = home.run(words);
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => true,
        Some(1) if said.contains("no rotation of") || said.contains("no version to go back to") => false,
        _ => panic!("{place}, {words:?}: {output:?}"),
    }
}

/// How often something was not so, and was so: a test that only ever sees one of them kills beside the step that it is about.
#[derive(Default)]
struct Both([Cell<usize>; 2]);

impl Both {
    fn see(&self, so: bool) -> bool {
        let count = &self.0[usize::from(so)];
        count.set(count.get() + 1);
        so
    }

    fn seen(&self, what: &str) {
        let counts = self.0.each_ref().map(Cell::get);
        assert!(counts.iter().all(|count| *count > 0), "{what}: {counts:?}");
    }
}

/// Holds that a rotation is over, or only waits for its grace time, with this value everywhere.
fn well(home: &Home, value: &str, place: &str) {
    home.of_one_mind(value, place);
    assert_eq!(home.document(&["status", "--json"])["rotations"], json!([]), "{place}");
}

fn proven_and_retired(layout: Layout) {
    let emulator = Emulator::start(Config::default()).unwrap();
    let home = Home::asking(layout, &emulator);
    home.rotate();
    let (proven, retired) = (Both::default(), Both::default());
    let proving = at_every_crash(
        &home,
        &PROVE,
        &[
            &|home, _, place| {
                proven.see(home.document(&["status", "--json"])["rotations"] == json!([]));
                home.run(&SYNC);
                home.of_one_mind(NEW, place);
            },
            &|home, _, place| {
                assert!(does(home, &PROVE, place), "{place}: it is under way");
                well(home, NEW, place);
            },
            &|home, _, place| {
                assert!(does(home, &BACK, place), "{place}: the value before is at hand");
                well(home, OLD, place);
            },
        ],
    );
    assert!(proving[0] > 10, "{layout}: only {proving:?} crashes");
    proven.seen("proven when it was killed");

    home.well(&PROVE);
    well(&home, NEW, "proven");
    let retiring = at_every_crash(
        &home,
        &FINISH,
        &[
            &|home, _, place| {
                home.well(&SYNC);
                well(home, NEW, place);
            },
            &|home, _, place| {
                does(home, &FINISH, place);
                well(home, NEW, place);
                assert!(!does(home, &BACK, place), "{place}: what is retired is no way back");
                well(home, NEW, place);
            },
            &|home, _, place| {
                let value = if retired.see(!does(home, &BACK, place)) { NEW } else { OLD };
                well(home, value, place);
            },
        ],
    );
    assert!(retiring[0] > 3, "{layout}: only {retiring:?} crashes");
    retired.seen("retired when it was killed");
}

#[test]
fn a_proof_and_a_retirement_under_references_that_were_killed_go_on_or_back_in_json_files() {
    proven_and_retired(Layout::JsonFile);
}

#[test]
fn a_proof_and_a_retirement_under_references_that_were_killed_go_on_or_back_beside_a_shared_row() {
    proven_and_retired(Layout::SharedRow);
}

#[test]
fn one_rotation_of_several_instances_under_references_that_was_killed_goes_on_or_back_for_all() {
    let emulator = Emulator::start(Config::default()).unwrap();
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let made = |name, layout| Home::beside(dir.clone(), name, layout, provider(&emulator));
    let homes = [made("files", Layout::JsonFile), made("row", Layout::SharedRow)];
    homes[0].well(&["vault", "init"]);
    homes.iter().for_each(|home| home.take_in(REFS));
    let [first, second] = &homes;
    let all = [first, second];
    let file = dir.path().join("new.txt").to_str().unwrap().to_owned();
    let words = ["rotate", PROFILE, "--instances", "all", "--yes", "--from-file", &file];
    let all_well = |value: &str, place: &str| all.iter().for_each(|home| well(home, value, place));
    let begun = Both::default();
    let ways: [&dyn Fn(&str); 3] = [
        &|place| {
            let value = if begun.see(does(first, &RESUME_ALL, place)) { NEW } else { OLD };
            all_well(value, place);
            assert_eq!(does(second, &FINISH_ALL, place), value == NEW, "{place}");
            all_well(value, place);
        },
        &|place| {
            does(second, &BACK_ALL, place);
            all_well(OLD, place);
        },
        // Each alone is brought to what the vault says of it, and then all go back.
        &|place| {
            for home in all {
                home.run(&SYNC);
                home.of_one_mind(&home.sent("main", place), place);
            }
            does(first, &BACK_ALL, place);
            all_well(OLD, place);
        },
    ];
    let crashes = all_killed(&all, &words, 3, &ways);
    assert!(crashes > 20, "only {crashes} crashes");
    begun.seen("begun when it was killed");
}

#[test]
fn the_way_back_and_the_end_of_one_rotation_of_several_instances_that_were_killed_go_on_for_all() {
    let emulator = Emulator::start(Config::default()).unwrap();
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let made = |name, layout| Home::beside(dir.clone(), name, layout, provider(&emulator));
    let homes = [made("files", Layout::JsonFile), made("row", Layout::SharedRow)];
    homes[0].well(&["vault", "init"]);
    homes.iter().for_each(|home| home.take_in(REFS));
    let [first, second] = &homes;
    let all = [first, second];
    let file = dir.path().join("new.txt").to_str().unwrap().to_owned();
    first.well(&["rotate", PROFILE, "--instances", "all", "--yes", "--from-file", &file]);
    let all_well = |value: &str, place: &str| all.iter().for_each(|home| well(home, value, place));
    all_well(NEW, "proven");
    let proven = tempfile::tempdir().unwrap();
    copy(dir.path(), proven.path());

    let (turned, retired) = (Both::default(), Both::default());
    let crashes = all_killed(
        &all,
        &BACK_ALL,
        6,
        &[
            &|place| {
                does(second, &BACK_ALL, place);
                all_well(OLD, place);
            },
            // Whoever only goes on goes on with the way back, once that has begun.
            &|place| {
                does(second, &RESUME_ALL, place);
                let value = second.sent("main", place);
                turned.see(value == OLD);
                all_well(&value, place);
            },
        ],
    );
    assert!(crashes > 10, "only {crashes} crashes");
    turned.seen("turned back when it was killed");

    put_all_back(proven.path(), &all);
    let crashes = all_killed(
        &all,
        &FINISH_ALL,
        2,
        &[
            &|place| {
                does(second, &FINISH_ALL, place);
                all_well(NEW, place);
                assert!(!does(first, &BACK_ALL, place), "{place}: what is retired is no way back");
            },
            &|place| {
                let value = if retired.see(!does(second, &BACK_ALL, place)) { NEW } else { OLD };
                all_well(value, place);
            },
        ],
    );
    assert!(crashes > 3, "only {crashes} crashes");
    retired.seen("retired when it was killed");
}

/// Kills a command of the first here and there on its way, and goes every way out from there. Returns how many crashes there were.
fn all_killed(all: &[&Home; 2], words: &[&str], thinner: usize, ways: &[&dyn Fn(&str)]) -> usize {
    let [first, _] = all;
    let (before, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = first.dir.path();
    copy(root, before.path());
    let mut crashes = 0;
    for (calls, apart) in OPERATIONS {
        for n in (1..).step_by(thinner * apart) {
            put_all_back(before.path(), all);
            if !killed(root, &first.state(), words, calls, n) {
                break;
            }
            let place = format!("{words:?}, {calls} {n}");
            all.iter().for_each(|home| drop(home.all_send(&place)));
            empty(crashed.path());
            copy(root, crashed.path());
            crashes += 1;
            for (at, way) in ways.iter().enumerate() {
                put_all_back(crashed.path(), all);
                way(&format!("{place}, way {at}"));
            }
        }
    }
    crashes
}
