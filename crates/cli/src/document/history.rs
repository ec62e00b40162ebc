//! `keyshoal.history.v1` and `keyshoal.run.v1`.

use keyshoal_core::{Fingerprint, ProfileId, RunId, StepState, Timestamp};
use keyshoal_ledger::{FileDetail, ImageState, RunDetail, RunSummary, StepDetail};
use serde::Serialize;

/// What `history --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryDocument {
    schema: &'static str,
    runs: Vec<RunLine>,
}

/// What `history RUN --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct RunDetailDocument {
    schema: &'static str,
    run: RunLine,
    steps: Vec<Step>,
    files: Vec<File>,
}

#[derive(Clone, Debug, Serialize)]
struct File {
    path: String,
    action: String,
    before: Option<Fingerprint>,
    after: Option<Fingerprint>,
    restorable: bool,
    outcome: Option<StepState>,
}

#[derive(Clone, Debug, Serialize)]
struct RunLine {
    id: RunId,
    command: String,
    begun: Timestamp,
    finished: Option<Timestamp>,
    steps: usize,
    done: usize,
    conflicts: usize,
    failed: usize,
    pending: usize,
    restorable: usize,
}

#[derive(Clone, Debug, Serialize)]
struct Step {
    store: String,
    profile: ProfileId,
    action: String,
    before: Option<Fingerprint>,
    after: Option<Fingerprint>,
    restorable: bool,
    outcome: Option<StepState>,
}

impl HistoryDocument {
    /// Makes it.
    pub fn of(runs: &[RunSummary]) -> Self {
        Self { schema: "keyshoal.history.v1", runs: runs.iter().map(line).collect() }
    }
}

impl RunDetailDocument {
    /// Makes it.
    pub fn of(run: &RunDetail) -> Self {
        Self {
            schema: "keyshoal.run.v1",
            run: line(&run.summary),
            steps: run.steps.iter().map(step).collect(),
            files: run.files.iter().map(file).collect(),
        }
    }
}

fn line(run: &RunSummary) -> RunLine {
    RunLine {
        id: run.id.clone(),
        command: run.command.clone(),
        begun: run.begun,
        finished: run.finished,
        steps: run.steps,
        done: run.done,
        conflicts: run.conflicts,
        failed: run.failed,
        pending: run.pending,
        restorable: run.restorable,
    }
}

fn step(step: &StepDetail) -> Step {
    Step {
        store: step.store.to_string(),
        profile: step.profile.clone(),
        action: step.action.clone(),
        before: step.pre_fingerprint,
        after: step.post_fingerprint,
        restorable: step.pre_image == ImageState::Sealed,
        outcome: step.outcome.clone(),
    }
}

fn file(file: &FileDetail) -> File {
    File {
        path: file.path.clone(),
        action: file.action.clone(),
        before: file.before_fingerprint,
        after: file.after_fingerprint,
        restorable: file.before == ImageState::Sealed,
        outcome: file.outcome.clone(),
    }
}
