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
    let (before, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    copy(dir.path(), before.path());
    let mut crashes = 0;
    for (calls, apart) in OPERATIONS {
        for n in (1..).step_by(3 * apart) {
            put_all_back(before.path(), &all);
            if !killed(dir.path(), &first.state(), &words, calls, n) {
                break;
            }
            let place = format!("{calls} {n}");
            all.iter().for_each(|home| drop(home.all_send(&place)));
            empty(crashed.path());
            copy(dir.path(), crashed.path());
            crashes += 1;
            for (at, way) in ways.iter().enumerate() {
                put_all_back(crashed.path(), &all);
                way(&format!("{place}, way {at}"));
            }
        }
    }
    assert!(crashes > 20, "only {crashes} crashes");
    begun.seen("begun when it was killed");
}
