//! A rotation under references, and a change of delivery both ways, killed on entry of every call that makes something durable.
//!
//! Whatever the moment: every reference leads somewhere, nobody sends a mix, and each way out ends with vault, stores and file of one
//! mind, with the value that it promised.

pub mod home;

use crate::moved::{copy, empty, killed};
use home::{Home, put_back};
use keyshoal_core::Layout;

/// The calls, and how far apart the crashes are: of the many writes to logs only some.
pub const OPERATIONS: [(&str, usize); 8] = [
    ("mkdir,mkdirat", 1),
    ("pwrite64", 31),
    ("write", 2),
    ("fsync,fdatasync", 2),
    ("rename,renameat,renameat2", 1),
    ("linkat", 1),
    ("unlink,unlinkat", 1),
    ("ftruncate", 1),
];
pub const OLD: &str = "acme-key-before-01";
pub const NEW: &str = "acme-key-after-002";
pub const OWN: &str = "acme-key-of-own-03";
pub const PROFILE: &str = "acme:default";
pub const REFS: [&str; 6] = ["instance", "set", "--delivery", "refs", "--yes", "--offline"];
pub const INLINE: [&str; 6] = ["instance", "set", "--delivery", "inline", "--yes", "--offline"];
pub const BACK: [&str; 5] = ["rotate", PROFILE, "--rollback", "--yes", "--offline"];
const RESUME: [&str; 5] = ["rotate", PROFILE, "--resume", "--yes", "--offline"];
pub const SYNC: [&str; 3] = ["sync", "--yes", "--offline"];
const FINISH: [&str; 2] = ["recover", "--finish"];
const UNDO: [&str; 2] = ["recover", "--undo"];

/// A way out of a crash: of which installation, whether a run is open there, and where it crashed.
pub type Way<'a> = &'a dyn Fn(&Home, bool, &str);

/// Kills a command everywhere, and goes every way out from there. Returns how many crashes there were, and how many left a run open.
pub fn at_every_crash(home: &Home, words: &[&str], ways: &[Way<'_>]) -> [usize; 2] {
    let (before, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = home.dir.path();
    copy(root, before.path());
    let mut crashes = [0, 0];
    for (calls, apart) in OPERATIONS {
        for n in (1..).step_by(apart) {
            put_back(before.path(), home);
            if !killed(root, &home.state(), words, calls, n) {
                break;
            }
            let place = format!("{}, {words:?}, {calls} {n}", home.layout);
            home.all_send(&place);
            empty(crashed.path());
            copy(root, crashed.path());
            home.says_the_way_out(&place);
            let open = home.has_open_run();
            crashes[0] += 1;
            crashes[1] += usize::from(open);
            for (at, way) in ways.iter().enumerate() {
                put_back(crashed.path(), home);
                way(home, open, &format!("{place}, way {at}"));
            }
        }
    }
    crashes
}

fn rotated(layout: Layout) {
    let home = Home::new(layout, REFS);
    let rotate = home.rotation();
    let on = |words: &'static [&'static str], home: &Home, place: &str| {
        let output = home.run(words);
        assert!([Some(0), Some(2)].contains(&output.status.code()), "{place}: {output:?}");
        // As far as the vault is: its word is all or nothing.
        let value = home.sent("main", place);
        home.of_one_mind(&value, place);
        // Whoever makes the stores right says of the rotation what status says.
        assert_eq!(output.status.code(), home.run(&["status"]).status.code(), "{place}: {output:?}");
    };
    /// Goes on, or back, with the rotation where one is under way; else nothing has changed yet.
    fn going(home: &Home, words: &[&str], value: &str, place: &str) {
        let output = home.run(words);
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(1) if said.contains("no rotation of") || said.contains("no version to go back to") => {
                home.of_one_mind(OLD, place);
            }
            Some(0 | 2) => home.of_one_mind(value, place),
            _ => panic!("{place}: {output:?}"),
        }
    }
    let crashes = at_every_crash(
        &home,
        &rotate.each_ref().map(String::as_str),
        &[
            &|home, _, place| on(&SYNC, home, place),
            &|home, open, place| {
                if open {
                    on(&FINISH, home, place);
                    home.of_one_mind(NEW, place);
                }
            },
            &|home, open, place| {
                if open {
                    home.refuses_undo("keyshoal rotate acme:default --rollback", place);
                    going(home, &BACK, OLD, place);
                }
            },
            &|home, _, place| going(home, &RESUME, NEW, place),
            &|home, _, place| going(home, &BACK, OLD, place),
        ],
    );
    assert!(crashes[0] > 10 && crashes[1] > 3, "{layout}: only {crashes:?} crashes");
}

/// The way back, killed in its turn.
fn rotated_back(layout: Layout) {
    let home = Home::new(layout, REFS);
    home.rotate();
    let ended = |words: &[&str], home: &Home, value: Option<&str>, place: &str| {
        let output = home.run(words);
        // Right after the end there is no rotation any more, and nothing to go back to.
        assert!([Some(0), Some(1), Some(2)].contains(&output.status.code()), "{place}: {output:?}");
        let sent = home.sent("main", place);
        home.of_one_mind(value.unwrap_or(&sent), place);
    };
    let crashes = at_every_crash(
        &home,
        &BACK,
        &[
            &|home, _, place| ended(&SYNC, home, None, place),
            &|home, open, place| {
                if open {
                    ended(&FINISH, home, Some(OLD), place);
                    ended(&BACK, home, Some(OLD), place);
                }
            },
            &|home, open, place| {
                if open {
                    home.refuses_undo("keyshoal rotate acme:default --rollback", place);
                }
            },
            &|home, _, place| ended(&RESUME, home, None, place),
            &|home, _, place| ended(&BACK, home, Some(OLD), place),
        ],
    );
    assert!(crashes[0] > 10 && crashes[1] > 3, "{layout}: only {crashes:?} crashes");
}

fn delivered(layout: Layout, before: [&str; 6], words: [&str; 6]) {
    let home = Home::new(layout, before);
    let way_back = format!("keyshoal instance set --delivery {}", before[3]);
    let go = |words: &[&str], home: &Home, place: &str| {
        let output = home.run(words);
        assert_eq!(output.status.code(), Some(0), "{place}, {words:?}: {output:?}");
        home.of_one_mind(OLD, place);
    };
    let set = |words: &[&str], home: &Home, place: &str| {
        go(words, home, place);
        assert_eq!(home.delivery(), words[3], "{place}");
    };
    let crashes = at_every_crash(
        &home,
        &words,
        &[
            &|home, _, place| go(&SYNC, home, place),
            &|home, open, place| {
                if open {
                    go(&FINISH, home, place);
                    assert_eq!(home.delivery(), words[3], "{place}");
                }
            },
            &|home, open, place| {
                if open {
                    home.refuses_undo(&way_back, place);
                }
                set(&before, home, place);
            },
            &|home, _, place| set(&words, home, place),
        ],
    );
    assert!(crashes[0] > 10 && crashes[1] > 3, "{layout}: only {crashes:?} crashes");
}

#[test]
fn a_rotation_under_references_that_was_killed_goes_on_or_back_in_json_files() {
    rotated(Layout::JsonFile);
}

#[test]
fn a_rotation_under_references_that_was_killed_goes_on_or_back_beside_a_shared_row() {
    rotated(Layout::SharedRow);
}

#[test]
fn going_back_under_references_that_was_killed_goes_on_in_json_files() {
    rotated_back(Layout::JsonFile);
}

#[test]
fn going_back_under_references_that_was_killed_goes_on_beside_a_shared_row() {
    rotated_back(Layout::SharedRow);
}

#[test]
fn going_over_to_references_that_was_killed_goes_on_or_back_in_json_files() {
    delivered(Layout::JsonFile, INLINE, REFS);
}

#[test]
fn going_over_to_references_that_was_killed_goes_on_or_back_beside_a_shared_row() {
    delivered(Layout::SharedRow, INLINE, REFS);
}

#[test]
fn leaving_references_that_was_killed_goes_on_or_back_in_json_files() {
    delivered(Layout::JsonFile, REFS, INLINE);
}

#[test]
fn leaving_references_that_was_killed_goes_on_or_back_beside_a_shared_row() {
    delivered(Layout::SharedRow, REFS, INLINE);
}
