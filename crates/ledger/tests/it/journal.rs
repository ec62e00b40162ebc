//! The journal: written before anything is done, readable afterwards, and forgetful in time.

use crate::world::{at, copy, keys, open, print, profile, step};
use keyshoal_core::{RunId, Secret, StepState, StoreId};
use keyshoal_ledger::{Adopt, ImageState, Images, JournalStep, Keys, Ledger, LedgerError, OpenMode};
use keyshoal_seal::KeyFile;

fn images(pre: &str, post: &str) -> Images {
    Images { pre: Some(Secret::new(pre)), post: Some(Secret::new(post)) }
}

fn oauth() -> JournalStep {
    JournalStep { pre_image: None, post_image: None, ..step(StoreId::Agent("a".into()), "", "") }
}

#[test]
fn a_run_from_begin_to_rollback_to_expiry() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let steps =
        [step(StoreId::Base, "old-0", "new-0"), step(StoreId::Agent("a".into()), "old-1", "new-1"), oauth()];
    let run = ledger.begin_run("sync", at(0), &steps).unwrap();

    let open_run = ledger.open_run().unwrap().unwrap();
    assert_eq!(open_run.images, [images("old-0", "new-0"), images("old-1", "new-1"), Images::default()]);
    assert_eq!(open_run.run.steps[1].store, StoreId::Agent("a".into()));
    assert_eq!(open_run.run.steps[1].profile, profile("anthropic:default"));
    assert_eq!(open_run.run.steps[1].pre_fingerprint, Some(print(1)));
    assert_eq!(open_run.run.steps[2].pre_image, ImageState::None);

    ledger.step_done(&run, 0, &StepState::Done).unwrap();
    let conflict = StepState::Conflict { found: "another value".to_owned() };
    ledger.steps_done(&run, &[(1, conflict.clone())]).unwrap();
    let known = ledger.knowledge().unwrap().open_run.unwrap();
    assert_eq!(
        (known.id.clone(), known.done, known.total, known.command.as_str()),
        (run.clone(), 1, 3, "sync")
    );
    let second = ledger.begin_run("set", at(1), &[]).unwrap_err();
    assert!(matches!(&second, LedgerError::RunOpen { id, .. } if *id == run), "{second}");

    ledger.finish_run(&run, r#"[{"durable":"done"}]"#, at(2)).unwrap();
    assert_eq!(ledger.open_run().unwrap(), None);
    assert_eq!(ledger.knowledge().unwrap().open_run, None);
    let detail = ledger.run(&run).unwrap();
    assert_eq!(detail.receipts.as_deref(), Some(r#"[{"durable":"done"}]"#));
    assert_eq!(
        (detail.steps[0].pre_image, detail.steps[0].post_image),
        (ImageState::Sealed, ImageState::Gone)
    );
    assert_eq!(detail.steps[1].pre_image, ImageState::Gone, "nothing was written there");
    assert_eq!(detail.steps[1].outcome, Some(conflict));
    assert_eq!(ledger.images(&run).unwrap()[0], Images { pre: Some(Secret::new("old-0")), post: None });
    assert_eq!(detail.summary.restorable, 1);

    let month = 30 * 86_400;
    assert_eq!(ledger.expire(at(month + 1), 30).unwrap().images, 0);
    assert_eq!(ledger.expire(at(month + 3), 30).unwrap().images, 1);
    let detail = ledger.run(&run).unwrap();
    assert_eq!((detail.steps[0].pre_image, detail.summary.restorable), (ImageState::Gone, 0));
    assert_eq!(ledger.images(&run).unwrap()[0], Images::default());
}

#[test]
fn an_open_run_never_expires() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    ledger.begin_run("sync", at(0), &[step(StoreId::Base, "old", "new")]).unwrap();
    ledger.expire(at(400 * 86_400), 30).unwrap();
    assert_eq!(ledger.open_run().unwrap().unwrap().images, [images("old", "new")]);
}

#[test]
fn the_history_is_newest_first_and_found_by_the_beginning_of_an_id() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let mut all: Vec<RunId> = Vec::new();
    for hour in 0..4 {
        let run = ledger.begin_run(&format!("run {hour}"), at(hour * 3600), &[]).unwrap();
        ledger.finish_run(&run, "[]", at(hour * 3600 + 1)).unwrap();
        all.push(run);
    }
    all.reverse();
    let ids = |runs: Vec<keyshoal_ledger::RunSummary>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!(ids(ledger.runs(3).unwrap()), all[..3]);
    assert_eq!(ids(ledger.find_runs(&all[1].as_str()[..13]).unwrap()), [all[1].clone()]);
    assert_eq!(ids(ledger.find_runs("%").unwrap()), []);
}

#[test]
fn a_run_that_is_not_open_takes_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let stranger = RunId::from("nobody");
    assert!(matches!(ledger.run(&stranger), Err(LedgerError::UnknownRun { .. })));
    assert!(matches!(ledger.finish_run(&stranger, "[]", at(0)), Err(LedgerError::UnknownRun { .. })));
    let run = ledger.begin_run("sync", at(0), &[oauth()]).unwrap();
    let unknown = ledger.steps_done(&run, &[(0, StepState::Done), (1, StepState::Done)]);
    assert!(matches!(unknown, Err(LedgerError::UnknownStep { step: 1, .. })));
    assert_eq!(ledger.run(&run).unwrap().steps[0].outcome, None, "all or none");
    ledger.finish_run(&run, "[]", at(1)).unwrap();
    assert!(matches!(ledger.step_done(&run, 0, &StepState::Done), Err(LedgerError::RunFinished { .. })));
    assert!(matches!(ledger.finish_run(&run, "[]", at(1)), Err(LedgerError::RunFinished { .. })));
}

/// Without the key that sealed them, the steps can be read and the values cannot.
#[test]
fn another_seal_key_opens_nothing_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let run = open(dir.path()).begin_run("sync", at(0), &[step(StoreId::Base, "old", "new")]).unwrap();
    let other = Keys { seal: KeyFile::from_bytes([9; 32]), ..keys() };
    let ledger = Ledger::open(dir.path(), &other, OpenMode::ReadWrite).unwrap();
    assert_eq!(ledger.run(&run).unwrap().steps.len(), 1);
    assert_eq!(ledger.unfinished().unwrap().unwrap().summary.id, run);
    assert!(ledger.open_run().is_err());
    let error = ledger.images(&run).unwrap_err();
    assert!(matches!(error, LedgerError::Image { step: 0, which: "before", .. }), "{error}");
    assert!(error.to_string().contains(&other.seal.seal_key().id().to_string()), "{error}");
}

/// An image that is put into another step, another run or on the other side does not open there.
#[test]
fn images_cannot_be_exchanged() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let steps = [step(StoreId::Base, "old-0", "new-0"), step(StoreId::Agent("a".into()), "old-1", "new-1")];
    let run = ledger.begin_run("sync", at(0), &steps).unwrap();
    assert_eq!(ledger.images(&run).unwrap(), [images("old-0", "new-0"), images("old-1", "new-1")]);
    let database = rusqlite::Connection::open(dir.path().join(".keyshoal/ledger.sqlite")).unwrap();
    let exchanges = [
        "UPDATE steps SET before_image = after_image WHERE step = 0",
        "UPDATE steps SET before_image = (SELECT before_image FROM steps AS other WHERE other.step = 1) WHERE step = 0",
        "UPDATE runs SET instance = 'another'",
    ];
    for exchange in exchanges {
        database.execute_batch(&format!("BEGIN; {exchange};")).unwrap();
        database.execute_batch("COMMIT").unwrap();
        let error = ledger.images(&run).unwrap_err();
        assert!(matches!(error, LedgerError::Image { .. }), "{exchange}: {error}");
    }
}

/// A copy that is an instance of its own can still take back what was done before it was copied.
#[test]
fn images_outlive_an_adoption() {
    let home = tempfile::tempdir().unwrap();
    let (here, there) = (home.path().join("here"), home.path().join("there"));
    std::fs::create_dir(&here).unwrap();
    let run = open(&here).begin_run("sync", at(0), &[step(StoreId::Base, "old", "new")]).unwrap();
    copy(&here, &there);
    let ledger = open(&there);
    ledger.adopt(Adopt::AsNew).unwrap();
    assert_eq!(ledger.images(&run).unwrap(), [images("old", "new")]);
}

/// Big installations: one transaction for all of it, and all of it back.
#[test]
fn a_thousand_steps() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let steps: Vec<JournalStep> = (0..1000)
        .map(|number| {
            step(StoreId::Agent(format!("a{number}").as_str().into()), &format!("old-{number}"), "new")
        })
        .collect();
    let begun = std::time::Instant::now();
    let run = ledger.begin_run("sync", at(0), &steps).unwrap();
    let written = begun.elapsed();
    let outcomes: Vec<_> = (0..1000).map(|step| (step, StepState::Done)).collect();
    ledger.steps_done(&run, &outcomes).unwrap();
    ledger.finish_run(&run, "[]", at(1)).unwrap();
    let all = begun.elapsed();
    println!("1000 steps: begun in {written:?}, all in {all:?}");
    assert_eq!(ledger.run(&run).unwrap().summary.restorable, 1000);
    assert_eq!(ledger.images(&run).unwrap()[999].pre, Some(Secret::new("old-999")));
}
