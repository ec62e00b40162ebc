//! Showing what was put back, and making the gateway see it.

use crate::document;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::ui::Ui;
use crate::view::rotations::HalfDone;
use keyshoal_core::{
    ActivationMode, ActivationNeed, ActivationOutcome, Fact, Fingerprint, ProfileId, RunId, StepState,
    VerdictKind, activation, planner,
};
use keyshoal_engine::ports::{Change as _, Observe as _, Remember as _};
use keyshoal_local::Installation;
use keyshoal_local::restore::{FileBack, Restored, RestoredFile, RollbackStep};
use serde::Serialize;

/// `keyshoal.rollback.v1` and `keyshoal.recover.v1`.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    schema: String,
    run: Option<RunId>,
    applied: bool,
    values: Vec<Value>,
    config: Option<StepState>,
    files: Vec<File>,
    activation: Option<&'static str>,
    rotations: Option<Vec<HalfDone>>,
    unfinished_import: Option<bool>,
}

#[derive(Clone, Debug, Serialize)]
struct File {
    path: String,
    impossible: Option<String>,
    outcome: Option<StepState>,
}

#[derive(Clone, Debug, Serialize)]
struct Value {
    store: String,
    profile: ProfileId,
    fingerprint: Option<Fingerprint>,
    verdict: Option<VerdictKind>,
    impossible: Option<String>,
    outcome: Option<StepState>,
    merged_writes: u32,
}

impl Document {
    /// Nothing was to be done.
    pub fn nothing(command: &str) -> Self {
        let schema = format!("keyshoal.{command}.v1");
        let (values, files) = (Vec::new(), Vec::new());
        let (config, activation, rotations, unfinished_import) = (None, None, None, None);
        Self {
            schema,
            run: None,
            applied: false,
            values,
            config,
            files,
            activation,
            rotations,
            unfinished_import,
        }
    }

    /// Adds the rotations that are half done, and whether an import has not ended.
    #[must_use]
    pub fn beside(mut self, rotations: Vec<HalfDone>, unfinished_import: bool) -> Self {
        self.rotations = Some(rotations);
        self.unfinished_import = Some(unfinished_import);
        self
    }

    /// What would be put back.
    pub fn planned(command: &str, run: &RunId, steps: &[RollbackStep]) -> Self {
        let value = |step: &RollbackStep| Value {
            store: step.store.to_string(),
            profile: step.profile.clone(),
            fingerprint: step.then,
            verdict: Some(step.verdict),
            impossible: step.impossible.clone(),
            outcome: None,
            merged_writes: 0,
        };
        let values = steps.iter().map(value).collect();
        Self { run: Some(run.clone()), values, ..Self::nothing(command) }
    }

    /// Which files would be put back.
    pub fn planned_files(run: &RunId, files: &[FileBack]) -> Self {
        let file = |one: &FileBack| File {
            path: one.path.clone(),
            impossible: one.impossible.clone(),
            outcome: None,
        };
        Self { run: Some(run.clone()), files: files.iter().map(file).collect(), ..Self::nothing("rollback") }
    }

    /// Which files were put back.
    pub fn done_files(run: &RunId, files: &[RestoredFile]) -> Self {
        Self { run: Some(run.clone()), applied: true, files: put_back(files), ..Self::nothing("rollback") }
    }

    fn done(what: What<'_>, activation: &ActivationOutcome) -> Self {
        let value = |one: &Restored| Value {
            store: one.store.to_string(),
            profile: one.profile.clone(),
            fingerprint: one.value,
            verdict: None,
            impossible: None,
            outcome: Some(one.state.clone()),
            merged_writes: one.merged_writes,
        };
        Self {
            run: Some(what.run.clone()),
            applied: true,
            values: what.values.iter().map(value).collect(),
            config: what.config.cloned(),
            files: put_back(what.files),
            activation: Some(document::activation_words(activation)),
            ..Self::nothing(what.command)
        }
    }
}

/// What was put back.
#[derive(Clone, Copy, Debug)]
pub struct What<'a> {
    /// By which command.
    pub command: &'a str,
    /// Of which run.
    pub run: &'a RunId,
    /// The values.
    pub values: &'a [Restored],
    /// The config, where the run changed it.
    pub config: Option<&'a StepState>,
    /// Files that are no stores.
    pub files: &'a [RestoredFile],
}

fn put_back(files: &[RestoredFile]) -> Vec<File> {
    let file = |one: &RestoredFile| File {
        path: one.path.clone(),
        impossible: None,
        outcome: Some(one.state.clone()),
    };
    files.iter().map(file).collect()
}

/// Makes the gateway see what was put back, shows it, and returns the command's outcome.
pub fn show(
    ui: &mut Ui,
    installation: &Installation,
    what: What<'_>,
    mode: ActivationMode,
) -> Result<Outcome, CommandError> {
    let all = what.values;
    let observed = installation.observe()?;
    let wrote = all.iter().any(|one| one.state == StepState::Done);
    let need = if wrote { planner::activation_need(&observed) } else { ActivationNeed::None };
    let progress = ui.progress();
    progress.show(&keyshoal_engine::Progress::Activating { may_restart: mode == ActivationMode::Restart });
    let outcome = installation.activate(need, mode);
    drop(progress);
    if matches!(outcome, ActivationOutcome::Done { .. }) {
        installation.learn(&[Fact::Activated { digest: activation::digest(&observed) }])?;
    }
    let unproven = matches!(outcome, ActivationOutcome::NotDone { .. } | ActivationOutcome::Unknown { .. });
    if wrote && unproven && installation.knowledge()?.activated.is_none() {
        installation.learn(&[Fact::Activated { digest: activation::UNKNOWN.to_owned() }])?;
    }
    ui.data(&render::history::restored(all));
    ui.data(&render::scrub::restored(what.files));
    if let Some(state) = what.config {
        ui.data(&[render::receipts::config(state)]);
    }
    if wrote {
        ui.data(&[render::receipts::activation(&outcome)]);
    }
    ui.document(&Document::done(what, &outcome))?;
    let files = what.files.iter().map(|file| &file.state);
    let states = all.iter().map(|one| &one.state).chain(what.config).chain(files);
    let failed = states
        .into_iter()
        .any(|state| matches!(state, StepState::Conflict { .. } | StepState::Failed { .. }));
    Ok(Outcome::attention_if(unproven || failed))
}
