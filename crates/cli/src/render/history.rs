//! Runs: what was written, and what can be put back.

use super::{age, words};
use crate::ui::{Grid, Text, Tone};
use keyshoal_core::{Fingerprint, StepState, Timestamp};
use keyshoal_ledger::{ImageState, RunDetail, RunSummary};
use keyshoal_local::restore::{Restored, RollbackStep};

/// Returns the beginning of a run's id that names it.
pub fn short_id(id: &keyshoal_core::RunId) -> String {
    id.as_str().chars().take(13).collect()
}

/// Returns the list of runs.
pub fn list(runs: &[RunSummary], now: Timestamp) -> Vec<Text> {
    if runs.is_empty() {
        return vec![Text::of("No run has written anything yet.")];
    }
    let mut grid = Grid::new(
        ["run", "when", "command", "steps", "outcome", "can be taken back"].map(String::from).to_vec(),
    );
    for run in runs {
        grid.row(vec![
            Text::of(short_id(&run.id)),
            Text::of(age::moment(run.begun)).and(Tone::Dim, format!(" {}", age::ago(run.begun, now))),
            Text::of(&run.command),
            Text::of(run.steps.to_string()),
            outcome(run),
            Text::of(words::count(run.restorable, "value")),
        ]);
    }
    grid.lines(usize::MAX, 0)
}

fn outcome(run: &RunSummary) -> Text {
    if run.finished.is_none() {
        return Text::toned(Tone::Bad, "! open").plain(format!(", {} of {} done", run.done, run.steps));
    }
    let mut parts = Vec::new();
    if run.conflicts > 0 {
        parts.push(words::count(run.conflicts, "conflict"));
    }
    if run.failed > 0 {
        parts.push(format!("{} failed", run.failed));
    }
    if run.pending > 0 {
        parts.push(format!("{} unknown", run.pending));
    }
    if parts.is_empty() {
        return Text::toned(Tone::Good, "✓ done");
    }
    Text::toned(Tone::Bad, "✗ ").plain(format!("{} done, {}", run.done, parts.join(", ")))
}

/// Returns one run with its steps.
pub fn run(run: &RunDetail) -> Vec<Text> {
    let head = &run.summary;
    let ended = match head.finished {
        Some(finished) => format!("finished {}", age::moment(finished)),
        None => "not finished".to_owned(),
    };
    let mut lines = vec![Text::toned(Tone::Strong, head.id.as_str()).plain(format!(
        " · {} · begun {} · {ended}",
        head.command,
        age::moment(head.begun)
    ))];
    let mut grid = Grid::bare();
    for step in &run.steps {
        let back = match step.pre_image {
            ImageState::Sealed => "can be taken back",
            ImageState::None if step.pre_fingerprint.is_none() => "nothing was there before",
            ImageState::None => "cannot be taken back",
            ImageState::Gone => "its value before has expired",
        };
        grid.row(vec![
            Text::of(step.store.to_string()),
            Text::of(step.profile.as_str()),
            Text::of(step.action.replace('_', " ")),
            Text::of(format!("{} → {}", value(step.pre_fingerprint), value(step.post_fingerprint))),
            step.outcome.as_ref().map_or_else(|| Text::toned(Tone::Doubt, "? unknown"), state),
            Text::toned(Tone::Dim, back),
        ]);
    }
    for file in &run.files {
        let back = match file.before {
            ImageState::Sealed => "can be taken back",
            ImageState::None => "nothing to take back",
            ImageState::Gone => "its text before has expired",
        };
        grid.row(vec![
            Text::of(&file.path),
            Text::new(),
            Text::of(&file.action),
            Text::of(format!("{} → {}", value(file.before_fingerprint), value(file.after_fingerprint))),
            file.outcome.as_ref().map_or_else(|| Text::toned(Tone::Doubt, "? unknown"), state),
            Text::toned(Tone::Dim, back),
        ]);
    }
    lines.extend(grid.lines(usize::MAX, 2));
    lines
}

/// Returns what a rollback would put back.
pub fn rollback(steps: &[RollbackStep]) -> Vec<Text> {
    if steps.is_empty() {
        return vec![Text::of("This run wrote nothing that could be put back.")];
    }
    let mut grid = Grid::bare();
    for step in steps {
        let (deed, said) = match &step.impossible {
            Some(reason) => (Text::toned(Tone::Doubt, "· stays"), Text::of(reason)),
            None => (Text::toned(Tone::Strong, "put back"), words::verdict(step.verdict)),
        };
        grid.row(vec![
            Text::of(step.store.to_string()),
            Text::of(step.profile.as_str()),
            deed,
            Text::of(format!("{} → {}", value(step.now), value(step.then))),
            said,
        ]);
    }
    grid.lines(usize::MAX, 0)
}

/// Returns what was put back.
pub fn restored(all: &[Restored]) -> Vec<Text> {
    let mut grid = Grid::bare();
    for one in all {
        grid.row(vec![
            Text::of(one.store.to_string()),
            Text::of(one.profile.as_str()),
            Text::of(value(one.value)),
            state(&one.state).plain(words::merged(one.merged_writes)),
        ]);
    }
    grid.lines(usize::MAX, 0)
}

fn value(print: Option<Fingerprint>) -> String {
    print.map_or_else(|| "nothing".to_owned(), |print| print.short())
}

/// Returns how a step went, in words.
pub fn state(state: &StepState) -> Text {
    match state {
        StepState::Done => Text::toned(Tone::Good, "✓ done"),
        StepState::Conflict { found } => Text::toned(Tone::Bad, "✗ conflict").plain(format!(": {found}")),
        StepState::Failed { reason } => Text::toned(Tone::Bad, "✗ failed").plain(format!(": {reason}")),
        StepState::Skipped { reason } => Text::toned(Tone::Doubt, "· skipped").plain(format!(": {reason}")),
        StepState::NotAsked => Text::toned(Tone::Dim, "not done"),
    }
}
