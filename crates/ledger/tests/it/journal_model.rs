//! The journal against a model: whatever runs begin, fail, end and grow old, each image is there exactly as long as it may be.

use crate::world::{at, keys, step};
use keyshoal_core::{RunId, Secret, StepState, StoreId, Timestamp};
use keyshoal_ledger::{ImageState, JournalStep, Ledger, LedgerError};
use proptest::prelude::*;

const DAY: i64 = 86_400;

#[derive(Clone, Debug)]
enum Move {
    /// With one step for each; true: an OAuth login, of which nothing is stored.
    Begin(Vec<bool>),
    Outcome(usize, StepState),
    Finish,
    /// So many days pass, then what is older than 30 is forgotten.
    Wait(i64),
}

fn a_move() -> impl Strategy<Value = Move> {
    let reason = || "…".to_owned();
    let state = prop::sample::select(vec![
        StepState::Done,
        StepState::Conflict { found: reason() },
        StepState::Failed { reason: reason() },
        StepState::Skipped { reason: reason() },
        StepState::NotAsked,
    ]);
    prop_oneof![
        3 => prop::collection::vec(prop::bool::weighted(0.2), 0..4).prop_map(Move::Begin),
        4 => (0..4_usize, state).prop_map(|(step, state)| Move::Outcome(step, state)),
        2 => Just(Move::Finish),
        2 => (1..40_i64).prop_map(Move::Wait),
    ]
}

struct Run {
    id: RunId,
    finished: Option<Timestamp>,
    steps: Vec<Step>,
}

struct Step {
    oauth: bool,
    outcome: Option<StepState>,
    before: bool,
    after: bool,
}

fn begun(number: usize, oauth: &[bool]) -> Vec<JournalStep> {
    oauth
        .iter()
        .enumerate()
        .map(|(at, oauth)| {
            let whole =
                step(StoreId::Base, &format!("before {number}.{at}"), &format!("after {number}.{at}"));
            if *oauth { JournalStep { pre_image: None, post_image: None, ..whole } } else { whole }
        })
        .collect()
}

fn state(oauth: bool, there: bool) -> ImageState {
    match (oauth, there) {
        (true, _) => ImageState::None,
        (false, true) => ImageState::Sealed,
        (false, false) => ImageState::Gone,
    }
}

fn check(ledger: &Ledger, runs: &[Run]) -> Result<(), TestCaseError> {
    let open = runs.iter().find(|run| run.finished.is_none()).map(|run| run.id.clone());
    prop_assert_eq!(ledger.unfinished().unwrap().map(|run| run.summary.id), open.clone());
    let known = ledger.knowledge().unwrap().open_run;
    prop_assert_eq!(known.map(|run| run.id), open);
    prop_assert_eq!(ledger.runs(99).unwrap().len(), runs.len());
    for (number, run) in runs.iter().enumerate() {
        let detail = ledger.run(&run.id).unwrap();
        let images = ledger.images(&run.id).unwrap();
        prop_assert_eq!(detail.summary.finished, run.finished);
        prop_assert_eq!(detail.steps.len(), run.steps.len());
        let done = |state: &Option<StepState>| *state == Some(StepState::Done);
        prop_assert_eq!(detail.summary.done, run.steps.iter().filter(|step| done(&step.outcome)).count());
        for (at, step) in run.steps.iter().enumerate() {
            prop_assert_eq!(&detail.steps[at].outcome, &step.outcome);
            prop_assert_eq!(detail.steps[at].pre_image, state(step.oauth, step.before));
            prop_assert_eq!(detail.steps[at].post_image, state(step.oauth, step.after));
            let secret = |side: &str, there| {
                (there && !step.oauth).then(|| Secret::new(format!("{side} {number}.{at}")))
            };
            prop_assert_eq!(&images[at].pre, &secret("before", step.before));
            prop_assert_eq!(&images[at].post, &secret("after", step.after));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn images_live_as_long_as_they_may(moves in prop::collection::vec(a_move(), 1..24)) {
        let ledger = Ledger::ephemeral(&keys()).unwrap();
        let mut runs: Vec<Run> = Vec::new();
        let mut second = 0;
        for one in moves {
            second += 1;
            let open = runs.iter().position(|run| run.finished.is_none());
            match (one, open) {
                (Move::Begin(oauth), None) => {
                    let id = ledger.begin_run("sync", at(second), &begun(runs.len(), &oauth)).unwrap();
                    let step = |oauth| Step { oauth, outcome: None, before: true, after: true };
                    runs.push(Run { id, finished: None, steps: oauth.into_iter().map(step).collect() });
                }
                (Move::Begin(_), Some(_)) => {
                    let refused = ledger.begin_run("sync", at(second), &[]);
                    prop_assert!(matches!(refused, Err(LedgerError::RunOpen { .. })), "{:?}", refused);
                }
                (Move::Outcome(step, outcome), Some(open)) => {
                    let said = ledger.step_done(&runs[open].id, step, &outcome);
                    prop_assert_eq!(said.is_ok(), step < runs[open].steps.len());
                    if let Some(step) = runs[open].steps.get_mut(step) {
                        step.outcome = Some(outcome);
                    }
                }
                (Move::Finish, Some(open)) => {
                    ledger.finish_run(&runs[open].id, "[]", at(second)).unwrap();
                    runs[open].finished = Some(at(second));
                    for step in &mut runs[open].steps {
                        step.after = false;
                        // Something was written, or may have been.
                        step.before =
                            matches!(step.outcome, None | Some(StepState::Done | StepState::Failed { .. }));
                    }
                }
                (Move::Outcome(..) | Move::Finish, None) => {}
                (Move::Wait(days), _) => {
                    second += days * DAY;
                    ledger.expire(at(second), 30).unwrap();
                    let old = |run: &&mut Run| run.finished.is_some_and(|finished| finished < at(second - 30 * DAY));
                    for step in runs.iter_mut().filter(old).flat_map(|run| &mut run.steps) {
                        step.before = false;
                    }
                }
            }
            check(&ledger, &runs)?;
        }
    }
}
