//! Writers that take no lock: the program's own command line, an editor, a restored backup. Each comes at its worst moment.

use crate::marker;
use keyshoal_openclaw::store::{Safety, StoreContents, StoreFile, WriteRules};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
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

/// What became of a writer who had opened and emptied the file before we replaced it, and wrote after.
#[derive(Debug, PartialEq, Eq)]
enum Late {
    /// It came before or after, not in between.
    Missed,
    /// It wrote into a file without a name, and what it wrote stands in the store all the same.
    Kept,
    /// It wrote into a file without a name.
    Lost,
}

/// Writes in place as `writeFileSync` does, `delay` after we began.
fn written_late(safety: Safety, delay: Duration) -> Late {
    let place = place();
    let begin = std::sync::Barrier::new(2);
    let in_between = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| {
            begin.wait();
            spin(delay);
            let mut file = std::fs::OpenOptions::new().write(true).truncate(true).open(&place.path).unwrap();
            let opened = file.metadata().unwrap().ino();
            spin(Duration::from_micros(150));
            let in_between = std::fs::metadata(&place.path).unwrap().ino() != opened;
            file.write_all(THEIRS.as_bytes()).unwrap();
            in_between
        });
        begin.wait();
        // It may give up on a file that stays empty; then nothing was replaced.
        let _ = marker::put(&place.store, &rules(safety), 1);
        theirs.join().unwrap()
    });
    match (in_between, std::fs::read_to_string(&place.path).unwrap().contains("theirs")) {
        (false, _) => Late::Missed,
        (true, true) => Late::Kept,
        (true, false) => Late::Lost,
    }
}

fn spin(duration: Duration) {
    let begun = std::time::Instant::now();
    while begun.elapsed() < duration {
        std::hint::spin_loop();
    }
}

/// Tries different moments until a writer came in between `wanted` times.
fn late_writers(safety: Safety, wanted: usize) -> Vec<Late> {
    let moments = (0_u64..20_000).map(|step| Duration::from_micros(step * 7 % 2_000));
    let came = moments.map(|moment| written_late(safety, moment)).filter(|late| *late != Late::Missed);
    came.take(wanted).collect()
}

#[test]
fn a_write_into_the_replaced_file_is_noticed() {
    let on = Safety { durable: false, ..Safety::default() };
    assert_eq!(late_writers(on, 3), [Late::Kept, Late::Kept, Late::Kept]);
    let off = late_writers(Safety { late_write_check: false, ..on }, 3);
    assert!(off.contains(&Late::Lost), "the late look does not matter: {off:?}");
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
