//! Scrubbing: what `keyshoal_engine::scrub` plans is journaled, compared once more, done, and noted.

use crate::remember::port_error;
use crate::{Installation, clock};
use keyshoal_core::{Fingerprint, RunId, Secret, StepState};
use keyshoal_engine::ports::PortError;
use keyshoal_engine::scrub::{Deed, ScrubStep};
use keyshoal_ledger::JournalFile;
use keyshoal_openclaw::plain_files::{self, Brought};
use keyshoal_openclaw::{models_file, store};
use std::path::Path;

/// What came of a scrub.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scrubbed {
    /// The run; `None` where nothing was to be done any more.
    pub run: Option<RunId>,
    /// How each step went, in the plan's order.
    pub states: Vec<StepState>,
}

/// A step with the texts before and after, ready to be journaled.
struct Ready {
    at: usize,
    file: JournalFile,
}

impl Installation {
    /// Does what a scrub's plan says. A file that holds something else than was seen is left. What a run of ours needs to take it back is
    /// sealed before anything is touched.
    pub fn scrub(&self, command: &str, steps: &[ScrubStep]) -> Result<Scrubbed, PortError> {
        self.require_memory()?;
        let lock = self.run_lock(command)?;
        let mut states = vec![StepState::NotAsked; steps.len()];
        let mut ready = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            match self.ready(step) {
                Ok(file) => ready.push(Ready { at, file }),
                Err(state) => states[at] = state,
            }
        }
        if ready.is_empty() {
            return Ok(Scrubbed { run: None, states });
        }
        let files: Vec<JournalFile> = ready.iter().map(|one| one.file.clone()).collect();
        let run = self.ledger.begin_run_with(command, clock::now(), &[], None, &files).map_err(port_error)?;
        self.begin_writes(lock);
        for (place, one) in ready.iter().enumerate() {
            let state = self.do_file(&one.file);
            // The files are the truth: a journal that lags is what recovery is for.
            let _ = self.ledger.file_done(&run, place, &state);
            states[one.at] = state;
        }
        let result = self.ledger.finish_run(&run, "[]", clock::now()).map_err(port_error);
        self.end_writes();
        result?;
        Ok(Scrubbed { run: Some(run), states })
    }

    /// Reads what a step is about; an error says how it ends before it begins.
    fn ready(&self, step: &ScrubStep) -> Result<JournalFile, StepState> {
        let mut file = JournalFile {
            path: step.path.clone(),
            action: step.deed.as_str().to_owned(),
            before_fingerprint: None,
            after_fingerprint: None,
            before: None,
            after: None,
        };
        if step.deed == Deed::Rewrite {
            return Ok(file);
        }
        let before =
            plain_files::text(Path::new(&step.path)).map_err(|reason| StepState::Failed { reason })?;
        let Some(before) = before else {
            return Err(StepState::Conflict { found: "it is there no more".into() });
        };
        let print = plain_files::print(self.prints(), &before);
        if step.expect != Some(print) {
            return Err(changed_since());
        }
        if step.deed == Deed::Clean {
            let gone = step.values.iter().map(|value| value.fingerprint).collect();
            let after = models_file::without(&before, &gone, self.prints()).ok_or_else(changed_since)?;
            file.after_fingerprint = Some(plain_files::print(self.prints(), &after));
            file.after = Some(after);
        }
        file.before_fingerprint = Some(print);
        file.before = Some(before);
        Ok(file)
    }

    fn do_file(&self, file: &JournalFile) -> StepState {
        if file.action == Deed::Rewrite.as_str() {
            return self.rewrite(Path::new(&file.path));
        }
        self.bring(Path::new(&file.path), file.before_fingerprint, file.after.as_ref())
    }

    /// Makes a file hold this text (`None`: makes it go), where it still holds what it is expected to.
    pub(crate) fn bring(&self, path: &Path, expect: Option<Fingerprint>, text: Option<&Secret>) -> StepState {
        let expected =
            |found: Option<&Secret>| found.map(|text| plain_files::print(self.prints(), text)) == expect;
        match plain_files::bring(path, &expected, text) {
            Ok(Brought::Done) => StepState::Done,
            Ok(Brought::Meanwhile) => changed_since(),
            Err(error) => StepState::Failed { reason: error.to_string() },
        }
    }

    /// Writes a database anew, unless a gateway has begun since the look.
    fn rewrite(&self, path: &Path) -> StepState {
        if self.rules().gateway_running {
            let reason = "a gateway may run by now; stop it, and run keyshoal scrub again".to_owned();
            return StepState::Failed { reason };
        }
        match store::rewrite_database(path, self.state_dir()) {
            Ok(()) => StepState::Done,
            Err(error) => StepState::Failed { reason: error.to_string() },
        }
    }
}

/// How a step ends whose file holds something else.
pub(crate) fn changed_since() -> StepState {
    StepState::Conflict { found: "it has been changed since, and is left as it is".into() }
}
