//! A change of delivery that was killed, and an instance that is released before anybody has brought it to its end.
//!
//! While the vault opens, the release is refused. Where its key is lost, the run is finished or undone by its journal, and then no
//! reference leads nowhere, and the config names no file that is gone.

use crate::referred::home::Home;
use crate::referred::{INLINE, OLD, REFS, at_every_crash};
use keyshoal_core::Layout;
use serde_json::Value;

const RELEASE: [&str; 3] = ["instance", "release", "--yes"];

fn by_journal(layout: Layout, before: [&str; 6], words: [&str; 6]) {
    let home = Home::new(layout, before);
    let refused = |home: &Home, open: bool, place: &str| {
        let output = home.run(&RELEASE);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(i32::from(open)), "{place}: {output:?}");
        assert!(!open || said.contains("keyshoal recover"), "{place}: {said}");
        assert_eq!(home.has_open_run(), open, "{place}");
    };
    let recovered = |way: &'static str, home: &Home, open: bool, place: &str| {
        std::fs::remove_file(home.dir.path().join(".config/keyshoal/vault.key")).unwrap();
        home.well(&RELEASE);
        if open {
            let output = home.run(&["recover", way]);
            assert!([Some(0), Some(2)].contains(&output.status.code()), "{place}: {output:?}");
        }
        assert!(!home.has_open_run(), "{place}");
        assert_eq!(home.all_send(place), [OLD; 3], "{place}");
        let config = std::fs::read(home.state().join("openclaw.json")).unwrap();
        let config: Value = serde_json::from_slice(&config).unwrap();
        let named = !config["secrets"]["providers"]["keyshoal"].is_null();
        assert!(!named || home.file().exists(), "{place}: the config names a file that is gone");
        let status = home.document(&["status", "--json"]);
        let missing = |one: &Value| one["finding"] == "missing";
        assert!(!status["findings"].as_array().unwrap().iter().any(missing), "{place}: {status}");
    };
    let crashes = at_every_crash(
        &home,
        &words,
        &[&refused, &|home, open, place| recovered("--undo", home, open, place), &|home, open, place| {
            recovered("--finish", home, open, place)
        }],
    );
    assert!(crashes[0] > 10 && crashes[1] > 3, "{layout}: only {crashes:?} crashes");
}

#[test]
fn a_release_amid_going_over_to_references_ends_well_in_json_files() {
    by_journal(Layout::JsonFile, INLINE, REFS);
}

#[test]
fn a_release_amid_going_over_to_references_ends_well_beside_a_shared_row() {
    by_journal(Layout::SharedRow, INLINE, REFS);
}

#[test]
fn a_release_amid_leaving_references_ends_well_in_json_files() {
    by_journal(Layout::JsonFile, REFS, INLINE);
}

#[test]
fn a_release_amid_leaving_references_ends_well_beside_a_shared_row() {
    by_journal(Layout::SharedRow, REFS, INLINE);
}
