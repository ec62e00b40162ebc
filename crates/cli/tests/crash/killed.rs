//! The process is killed on entry of the n-th write, fsync, rename, link or unlink that concerns the ledger or one agent's store.
//!
//! `strace` kills the real binary, so nothing in the program knows of the test. After every crash: each profile holds the old or the new
//! whole value, nothing else of any store changed, an open run is reported, and `recover` brings it to either end.

use crate::house::{AGENTS, House};
use keyshoal_core::Layout;
use std::path::PathBuf;

/// What is counted, and how far apart the crashes are: of the many writes to a log only some.
const OPERATIONS: [(&str, usize); 10] = [
    ("pwrite64", 9),
    ("write", 1),
    ("fsync", 1),
    ("fdatasync", 1),
    ("rename", 1),
    ("renameat", 1),
    ("renameat2", 1),
    ("linkat", 1),
    ("unlink", 1),
    ("unlinkat", 1),
];

impl House {
    /// The files of the ledger, and those of the first agent's store. What several threads write is counted by each, so of the
    /// agents' only one.
    fn groups(&self) -> [Vec<PathBuf>; 2] {
        let ledger = self.state().join(".keyshoal/ledger.sqlite");
        let agent = self.state().join("agents").join(AGENTS[0]).join("agent");
        let with_log = |database: PathBuf| {
            let log = database.with_extension("sqlite-wal");
            vec![database, log]
        };
        let store = if self.layout.is_sqlite() {
            with_log(agent.join("openclaw-agent.sqlite"))
        } else {
            vec![agent.clone(), agent.join("auth-profiles.json"), agent.join("auth-profiles.json.lock")]
        };
        [with_log(ledger), store]
    }

    /// Runs a command and kills it on entry of the n-th such operation on one of the files. False when it came to its end instead.
    pub fn killed_at(&self, args: &[&str], files: &[PathBuf], operation: &str, n: usize) -> bool {
        let traced = format!("trace={operation}");
        let inject = format!("inject={operation}:signal=SIGKILL:when={n}");
        let mut options = vec!["-o", "/dev/null", "-e", &traced, "-e", &inject];
        for file in files {
            options.extend(["-P", file.to_str().unwrap()]);
        }
        self.traced(&options, args).status.code().is_none_or(|code| code > 64)
    }
}
/// Crashes a run at every point and hands what is left to `then`. Returns how many crashes there were on the ledger, and on a store.
fn at_every_crash(layout: Layout, then: impl Fn(&House, &str)) -> [usize; 2] {
    [0, 1].map(|group| {
        let mut crashes = 0;
        for (operation, apart) in OPERATIONS {
            for n in (1..).step_by(apart) {
                let house = House::rotated(layout);
                if !house.killed_at(house.sync, &house.groups()[group], operation, n) {
                    break;
                }
                crashes += 1;
                let place = format!("{layout}, {operation} {n} of group {group}");
                let generations = house.generations();
                assert!(generations.iter().all(|one| ["old", "new"].contains(one)), "{place}");
                house.assert_nothing_lost(&place);
                then(&house, &place);
                house.assert_nothing_lost(&place);
            }
        }
        crashes
    })
}

fn assert_enough(layout: Layout, crashes: [usize; 2]) {
    assert!(
        crashes[0] >= 4 && crashes[1] >= 3,
        "{layout}: only {crashes:?} crashes: was anything written at all?"
    );
}

fn finish(layout: Layout) {
    let crashes = at_every_crash(layout, |house, place| {
        if house.has_open_run() {
            let output = house.run(&["recover", "--finish"]);
            assert_eq!(output.status.code(), Some(0), "{place}: {output:?}");
        }
        let output = house.run(&["sync", "--yes", "--offline"]);
        assert_eq!(output.status.code(), Some(0), "{place}: {output:?}");
        assert_eq!(house.generations(), ["new"; 3], "{place}");
        assert!(!house.has_open_run(), "{place}");
    });
    assert_enough(layout, crashes);
}

fn undo(layout: Layout) {
    let crashes = at_every_crash(layout, |house, place| {
        if !house.has_open_run() {
            // Killed before the journal or after the end: all or nothing, and nothing to undo.
            assert!(house.generations().windows(2).all(|two| two[0] == two[1]), "{place}");
            return;
        }
        let output = house.run(&["recover", "--undo"]);
        assert_eq!(output.status.code(), Some(0), "{place}: {output:?}");
        assert_eq!(house.generations(), ["old"; 3], "{place}");
        assert!(!house.has_open_run(), "{place}");
    });
    assert_enough(layout, crashes);
}

#[test]
fn a_killed_run_can_be_finished_in_json_files() {
    finish(Layout::JsonFile);
}

#[test]
fn a_killed_run_can_be_finished_in_json_with_state() {
    finish(Layout::JsonWithState);
}

#[test]
fn a_killed_run_can_be_finished_in_agent_databases() {
    finish(Layout::AgentSqlite);
}

#[test]
fn a_killed_run_can_be_finished_beside_a_shared_row() {
    finish(Layout::SharedRow);
}

#[test]
fn a_killed_run_can_be_undone_in_json_files() {
    undo(Layout::JsonFile);
}

#[test]
fn a_killed_run_can_be_undone_beside_a_shared_row() {
    undo(Layout::SharedRow);
}
