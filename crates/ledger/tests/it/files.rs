//! Files that are no stores in the journal of a run.

use crate::world::{at, open, print, step};
use keyshoal_core::{Secret, StepState, StoreId};
use keyshoal_ledger::{ImageState, Images, JournalFile};

const OLD: &str = "sk-old-MARKER";

fn file(path: &str, after: Option<&str>) -> JournalFile {
    JournalFile {
        path: path.to_owned(),
        action: if after.is_some() { "clean" } else { "remove" }.to_owned(),
        before_fingerprint: Some(print(1)),
        after_fingerprint: after.map(|_| print(2)),
        before: Some(Secret::new(OLD)),
        after: after.map(Secret::new),
    }
}

fn rewrite(path: &str) -> JournalFile {
    JournalFile { action: "rewrite".to_owned(), before_fingerprint: None, before: None, ..file(path, None) }
}

#[test]
fn files_are_journaled_sealed_and_forgotten_like_steps() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let files = [file("/a", None), file("/b", Some("new")), rewrite("/c"), file("/d", None)];
    let steps = [step(StoreId::Base, "before", "after")];
    let run = ledger.begin_run_with("scrub", at(0), &steps, None, &files).unwrap();

    let opened = ledger.open_run().unwrap().unwrap();
    let images = |pre: Option<&str>, post: Option<&str>| Images {
        pre: pre.map(Secret::new),
        post: post.map(Secret::new),
    };
    let all = [images(Some(OLD), None), images(Some(OLD), Some("new")), images(None, None)];
    assert_eq!(opened.file_images[..3], all);
    assert_eq!(opened.images, [images(Some("before"), Some("after"))], "a file's place is no step's");
    let paths: Vec<_> =
        opened.run.files.iter().map(|file| (file.path.as_str(), file.action.as_str())).collect();
    assert_eq!(paths, [("/a", "remove"), ("/b", "clean"), ("/c", "rewrite"), ("/d", "remove")]);
    assert_eq!(opened.run.files[2].before, ImageState::None);
    assert_eq!((opened.run.summary.steps, opened.run.summary.pending), (5, 5));

    let conflict = StepState::Conflict { found: "changed since".to_owned() };
    for (place, outcome) in [(0, &StepState::Done), (2, &StepState::Done), (3, &conflict)] {
        ledger.file_done(&run, place, outcome).unwrap();
    }
    ledger.file_done(&run, 4, &conflict).unwrap_err();
    assert_eq!(ledger.rewritten().unwrap(), [("/c".to_owned(), at(0))].into());
    ledger.finish_run(&run, "[]", at(1)).unwrap();
    ledger.file_done(&run, 0, &conflict).unwrap_err();

    let detail = ledger.run(&run).unwrap();
    let left: Vec<_> = detail.files.iter().map(|file| file.before).collect();
    use ImageState::{Gone, None as Never, Sealed};
    assert_eq!(left, [Sealed, Sealed, Never, Gone], "where nothing was done nothing is kept");
    assert_eq!(ledger.file_images(&run).unwrap()[1], images(Some(OLD), None));
    assert_eq!((detail.summary.done, detail.summary.conflicts, detail.summary.restorable), (2, 1, 3));
    let bytes = std::fs::read(dir.path().join(".keyshoal/ledger.sqlite")).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"MARKER"));

    assert_eq!(ledger.expire(at(31 * 86_400), 30).unwrap().images, 3);
    assert_eq!(ledger.file_images(&run).unwrap()[0], Images::default());
}
