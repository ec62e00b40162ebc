//! Writers that take no lock: the program's own command line, an editor, a restored backup. Each comes at its worst moment.

use crate::marker;
use keyshoal_openclaw::store::{Safety, StoreContents, StoreFile, WriteRules};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const BEFORE: &str = r#"{"version":1,"profiles":{"a:b":{"type":"api_key","provider":"a","key":"k1"}}}"#;
const THEIRS: &str = r#"{"version":1,"profiles":{"a:b":{"type":"api_key","provider":"a","key":"theirs"}}}"#;

struct Place {
    _dir: tempfile::TempDir,
    store: StoreFile,
    path: PathBuf,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let store = StoreFile::json(dir.path(), false);
    let path = store.path().to_owned();
    std::fs::write(&path, BEFORE).unwrap();
    Place { _dir: dir, store, path }
}

fn rules(safety: Safety) -> WriteRules {
    WriteRules { mtime: Some(SystemTime::now()), gateway_running: true, safety }
}

fn both_survived(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap();
    text.contains("theirs") && text.contains("marker-1")
}

/// Somebody replaces the file between our reading and our writing.
fn replaced_meanwhile(safety: Safety) -> bool {
    let place = place();
    let mut asked = 0;
    let mut decide = |contents: &StoreContents| {
        asked += 1;
        // The first time is the preparation before the lock; the second is what counts.
        if asked == 2 {
            let beside = place.path.with_extension("theirs");
            std::fs::write(&beside, THEIRS).unwrap();
            std::fs::rename(&beside, &place.path).unwrap();
        }
        Ok(marker::edits(contents, 1))
    };
    place.store.update(&rules(safety), &mut decide).unwrap();
    both_survived(&place.path)
}

#[test]
fn a_file_replaced_meanwhile_is_noticed() {
    assert!(replaced_meanwhile(Safety::default()));
    // The look at what was displaced would save it, too: this is about the compare.
    let on = Safety { late_write_check: false, ..Safety::default() };
    assert!(replaced_meanwhile(on));
    assert!(!replaced_meanwhile(Safety { compare: false, ..on }), "the compare does not matter");
}

/// Somebody who takes no lock writes into the file itself after it was compared, and before it is replaced: what he wrote stands in a
/// file that has no name any more. Without the compare, that moment is the decision under the lock.
fn written_into_the_replaced_file(safety: Safety) -> bool {
    let place = place();
    let mut asked = 0;
    let mut decide = |contents: &StoreContents| {
        asked += 1;
        if asked == 2 {
            // As `writeFileSync` does: emptied and written, the file stays the same one.
            std::fs::write(&place.path, THEIRS).unwrap();
        }
        Ok(marker::edits(contents, 1))
    };
    place.store.update(&rules(Safety { compare: false, ..safety }), &mut decide).unwrap();
    both_survived(&place.path)
}

#[test]
fn a_write_into_the_replaced_file_is_noticed() {
    assert!(written_into_the_replaced_file(Safety::default()));
    let off = Safety { late_write_check: false, ..Safety::default() };
    assert!(!written_into_the_replaced_file(off), "the late look does not matter");
}

/// Somebody has emptied the file and is about to write it.
fn torn(safety: Safety) -> bool {
    let place = place();
    std::fs::write(&place.path, "").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(40));
            std::fs::write(&place.path, THEIRS).unwrap();
        });
        let written = marker::put(&place.store, &rules(safety), 1);
        written.is_ok()
    }) && both_survived(&place.path)
}

#[test]
fn a_half_written_file_is_waited_for() {
    assert!(torn(Safety::default()));
    assert!(!torn(Safety { torn_read_retry: false, ..Safety::default() }), "the second look does not matter");
}
