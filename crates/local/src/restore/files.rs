//! Files that are no stores: what a scrub took out of them is put back, or its run is brought to its end.

use super::Direction;
use crate::remember::port_error;
use crate::scrub::changed_since;
use crate::{Installation, clock};
use keyshoal_core::{Fingerprint, RunId, Secret, StepState};
use keyshoal_engine::ports::PortError;
use keyshoal_ledger::{FileDetail, ImageState, Images, JournalFile, LedgerError, RunDetail};
use keyshoal_openclaw::plain_files;
use std::path::Path;

const REWRITE: &str = "rewrite";

/// One file that a rollback would put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileBack {
    /// Its place among the run's files.
    pub index: usize,
    /// The file.
    pub path: String,
    /// The fingerprint of what the run left there; `None`: nothing.
    pub now: Option<Fingerprint>,
    /// The fingerprint of what would stand there again; `None`: nothing.
    pub then: Option<Fingerprint>,
    /// Why it cannot be put back, if so.
    pub impossible: Option<String>,
}

/// What came of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredFile {
    /// The file.
    pub path: String,
    /// How it went.
    pub state: StepState,
}

impl Installation {
    /// Says which files a rollback would put back.
    pub fn files_back(&self, run: &RunDetail) -> Vec<FileBack> {
        let done = run.files.iter().filter(|file| {
            matches!(file.outcome, Some(StepState::Done | StepState::Failed { .. }))
                && (file.action == REWRITE || self.file_now(file).ok() == Some(file.after_fingerprint))
        });
        let impossible = |file: &FileDetail| match (file.action.as_str(), file.before) {
            (REWRITE, _) => Some("it holds the same rows as before; there is nothing to put back"),
            (_, ImageState::Gone) => Some("its text has expired from the journal"),
            _ => None,
        };
        let back = |file: &FileDetail| FileBack {
            index: file.index,
            path: file.path.clone(),
            now: file.after_fingerprint,
            then: file.before_fingerprint,
            impossible: impossible(file).map(str::to_owned),
        };
        done.map(back).collect()
    }

    /// Puts back what a finished run took out of files. One that holds something else by now is left.
    pub fn put_files_back(&self, run: &RunDetail) -> Result<Vec<RestoredFile>, PortError> {
        self.require_memory()?;
        let id = &run.summary.id;
        let lock = self.run_lock("rollback")?;
        let images = self.ledger.file_images(id).map_err(port_error)?;
        let back = self.files_back(run).into_iter().filter(|file| file.impossible.is_none());
        let files: Vec<JournalFile> = back
            .map(|file| {
                let now = plain_files::text(Path::new(&file.path)).ok().flatten();
                JournalFile {
                    action: "restore".to_owned(),
                    before_fingerprint: file.now,
                    after_fingerprint: file.then,
                    before: now.filter(|text| Some(plain_files::print(self.prints(), text)) == file.now),
                    after: images.get(file.index).and_then(|images| images.pre.clone()),
                    path: file.path,
                }
            })
            .collect();
        let command = format!("rollback {id}");
        let own =
            self.ledger.begin_run_with(&command, clock::now(), &[], None, &files).map_err(port_error)?;
        self.begin_writes(lock);
        let put = |file: &JournalFile| match (file.after_fingerprint, &file.after) {
            (Some(_), None) => lost(),
            (_, text) => self.bring(Path::new(&file.path), file.before_fingerprint, text.as_ref()),
        };
        let states: Vec<StepState> = files.iter().map(put).collect();
        let outcomes: Vec<_> = states.iter().cloned().enumerate().collect();
        let result = self
            .note_files(&own, &outcomes)
            .and_then(|()| self.ledger.finish_run(&own, "[]", clock::now()))
            .map_err(port_error);
        self.end_writes();
        result?;
        let all = files.into_iter().zip(states);
        Ok(all.map(|(file, state)| RestoredFile { path: file.path, state }).collect())
    }

    /// Brings a file of an open run to its end.
    pub(super) fn recover_file(&self, file: &FileDetail, images: &Images, direction: Direction) -> StepState {
        if file.action == REWRITE {
            return rewritten(file);
        }
        let (before, after) = (file.before_fingerprint, file.after_fingerprint);
        let (wanted, text, other): (_, Option<&Secret>, _) = match direction {
            Direction::Finish => (after, images.post.as_ref(), before),
            Direction::Undo => (before, images.pre.as_ref(), after),
        };
        match self.file_now(file) {
            Err(reason) => StepState::Failed { reason },
            Ok(now) if now == wanted => StepState::Done,
            Ok(now) if now != other => changed_since(),
            Ok(_) if wanted.is_some() && text.is_none() => lost(),
            Ok(now) => self.bring(Path::new(&file.path), now, text),
        }
    }

    /// Says what a run that broke off had done to a file.
    pub(super) fn settled_file(&self, file: &FileDetail) -> StepState {
        if file.action == REWRITE {
            return rewritten(file);
        }
        match self.file_now(file) {
            Err(reason) => StepState::Failed { reason },
            Ok(now) if now == file.after_fingerprint => StepState::Done,
            Ok(now) if now == file.before_fingerprint => broke_off(),
            Ok(_) => changed_since(),
        }
    }

    /// Notes how files went.
    pub(super) fn note_files(&self, run: &RunId, all: &[(usize, StepState)]) -> Result<(), LedgerError> {
        all.iter().try_for_each(|(place, state)| self.ledger.file_done(run, *place, state))
    }

    /// Removes what a run that broke off had prepared beside its files: it holds what they held.
    pub(super) fn sweep_files(&self, files: &[FileDetail]) {
        for file in files.iter().filter(|file| file.action != REWRITE) {
            // What cannot be removed now is left to the next scrub of that file.
            let _ = plain_files::sweep(Path::new(&file.path));
        }
    }

    fn file_now(&self, file: &FileDetail) -> Result<Option<Fingerprint>, String> {
        let text =
            plain_files::text(Path::new(&file.path)).map_err(|reason| format!("{}: {reason}", file.path))?;
        Ok(text.map(|text| plain_files::print(self.prints(), &text)))
    }
}

/// How writing a database anew ended in a run that broke off: whole or not at all, and nobody can see which.
fn rewritten(file: &FileDetail) -> StepState {
    // What failed before is left to the next scrub, too: nothing of it could be finished here.
    file.outcome.clone().filter(|state| *state == StepState::Done).unwrap_or_else(|| StepState::Skipped {
        reason: "the run broke off; its rows are the same either way, and keyshoal scrub does it again"
            .into(),
    })
}

fn broke_off() -> StepState {
    StepState::Skipped { reason: "the run broke off; the next one went on from what was there".into() }
}

fn lost() -> StepState {
    StepState::Skipped { reason: "its text is in the journal no more".into() }
}
