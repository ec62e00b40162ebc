//! Writing the journal.

use super::images::{Binding, Side};
use super::read::open_summary;
use super::{JournalConfig, JournalFile, JournalStep};
use crate::database::Durability;
use crate::stored::{At, Json, Print, Store};
use crate::{Ledger, LedgerError};
use keyshoal_core::{RunId, StepState, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::atomic::Ordering::Relaxed;

impl Ledger {
    /// Writes down what a run is about to do, and returns its id when that would outlive a power cut. Only then may anything be
    /// written to a store.
    ///
    /// # Errors
    ///
    /// [`LedgerError::RunOpen`] while another run is not finished, and [`LedgerError::Unanswered`] while it is not certain
    /// whose ledger this is.
    pub fn begin_run(
        &self,
        command: &str,
        now: Timestamp,
        steps: &[JournalStep],
    ) -> Result<RunId, LedgerError> {
        self.begin_run_with(command, now, steps, None, &[])
    }

    /// The same for a run that changes the config, or files that are no stores, too.
    pub fn begin_run_with(
        &self,
        command: &str,
        now: Timestamp,
        steps: &[JournalStep],
        config: Option<&JournalConfig>,
        files: &[JournalFile],
    ) -> Result<RunId, LedgerError> {
        self.inner.require_certain()?;
        let id = new_run(now);
        let instance = self.instance();
        let binding = Binding { instance: instance.as_str(), run: &id };
        // Seal before the transaction: others may go on while this takes its time.
        let mut sealed = Vec::with_capacity(steps.len());
        for (index, step) in steps.iter().enumerate() {
            let seal = |side, image| binding.seal(&self.inner.seal, index, side, image);
            sealed.push((
                seal(Side::Before, step.pre_image.as_ref())?,
                seal(Side::After, step.post_image.as_ref())?,
            ));
        }
        let texts = config
            .map(|config| {
                let seal =
                    |side, text| binding.seal(&self.inner.seal, super::config::PLACE, side, Some(text));
                Ok::<_, LedgerError>((seal(Side::Before, &config.before)?, seal(Side::After, &config.after)?))
            })
            .transpose()?;
        let sealed_files = super::files::seal(&binding, &self.inner.seal, files)?;
        let database = &self.inner.database;
        let at = |error| database.error(error);
        database.write(Durability::PowerCut, |db| {
            if let Some(open) = open_summary(db).map_err(at)? {
                return Err(LedgerError::RunOpen { id: open.id, command: open.command, begun: open.begun });
            }
            db.execute(
                "INSERT INTO runs (id, instance, command, begun) VALUES (?1, ?2, ?3, ?4)",
                params![id.as_str(), instance.as_str(), command, At(now)],
            )
            .map_err(at)?;
            if let (Some(config), Some((before, after))) = (config, &texts) {
                db.execute(
                    "UPDATE runs SET config_before_print = ?2, config_after_print = ?3, config_before = ?4, config_after = ?5
                     WHERE id = ?1",
                    params![
                        id.as_str(),
                        Print(config.before_fingerprint),
                        Print(config.after_fingerprint),
                        before,
                        after
                    ],
                )
                .map_err(at)?;
            }
            for (index, (step, (before, after))) in steps.iter().zip(&sealed).enumerate() {
                insert(db, &id, index, step, before.as_deref(), after.as_deref()).map_err(at)?;
            }
            super::files::insert(db, &id, files, &sealed_files).map_err(at)?;
            Ok(())
        })?;
        self.inner.in_run.store(true, Relaxed);
        Ok(id)
    }

    /// Notes how a step went.
    pub fn step_done(&self, run: &RunId, step: usize, outcome: &StepState) -> Result<(), LedgerError> {
        self.steps_done(run, &[(step, outcome.clone())])
    }

    /// Notes how several steps went, at once.
    ///
    /// A power cut may lose this; recovery then finds out by looking at the stores.
    pub fn steps_done(&self, run: &RunId, outcomes: &[(usize, StepState)]) -> Result<(), LedgerError> {
        let database = &self.inner.database;
        let at = |error| database.error(error);
        database.write(Durability::Crash, |db| {
            require_open(db, run, at)?;
            let mut update = db
                .prepare_cached("UPDATE steps SET state = ?3, outcome = ?4 WHERE run = ?1 AND step = ?2")
                .map_err(at)?;
            for (step, outcome) in outcomes {
                let rows = update
                    .execute(params![run.as_str(), *step as i64, state_word(outcome), Json(outcome)])
                    .map_err(at)?;
                if rows == 0 {
                    return Err(LedgerError::UnknownStep { id: run.clone(), step: *step });
                }
            }
            Ok(())
        })
    }

    /// Closes a run with its receipts (JSON text). The values that were written are forgotten: the stores have them. Those from
    /// before stay where something was or may have been written, for a rollback.
    pub fn finish_run(&self, run: &RunId, receipts: &str, now: Timestamp) -> Result<(), LedgerError> {
        let database = &self.inner.database;
        let at = |error| database.error(error);
        database.write(Durability::PowerCut, |db| {
            require_open(db, run, at)?;
            db.execute(
                "UPDATE runs SET finished = ?2, receipts = ?3, config_after = NULL,
                     config_before = CASE WHEN config_state IN ('conflict', 'skipped', 'not_asked') THEN NULL
                         ELSE config_before END
                 WHERE id = ?1",
                params![run.as_str(), At(now), receipts],
            )
            .map_err(at)?;
            db.execute("UPDATE steps SET after_image = NULL WHERE run = ?1", [run.as_str()]).map_err(at)?;
            db.execute(
                "UPDATE steps SET before_image = NULL
                 WHERE run = ?1 AND state IN ('conflict', 'skipped', 'not_asked')",
                [run.as_str()],
            )
            .map_err(at)?;
            super::files::finish(db, run).map_err(at)?;
            Ok(())
        })?;
        self.inner.in_run.store(false, Relaxed);
        Ok(())
    }
}

fn insert(
    db: &Connection,
    run: &RunId,
    index: usize,
    step: &JournalStep,
    before: Option<&[u8]>,
    after: Option<&[u8]>,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO steps (run, step, store, profile, action, before_print, after_print,
             before_had_image, after_had_image, before_image, after_image, rests_on)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        run.as_str(),
        index as i64,
        Store(step.store.clone()),
        step.profile.as_str(),
        step.action,
        step.pre_fingerprint.map(Print),
        step.post_fingerprint.map(Print),
        before.is_some(),
        after.is_some(),
        before,
        after,
        step.rests_on.map(Print),
    ])?;
    Ok(())
}

pub(super) fn require_open(
    db: &Connection,
    run: &RunId,
    at: impl Fn(rusqlite::Error) -> LedgerError,
) -> Result<(), LedgerError> {
    let finished: Option<Option<At>> = db
        .query_row("SELECT finished FROM runs WHERE id = ?1", [run.as_str()], |row| row.get(0))
        .optional()
        .map_err(at)?;
    match finished {
        Some(None) => Ok(()),
        Some(Some(_)) => Err(LedgerError::RunFinished { id: run.clone() }),
        None => Err(LedgerError::UnknownRun { id: run.clone() }),
    }
}

pub(super) fn state_word(outcome: &StepState) -> &'static str {
    match outcome {
        StepState::Done => "done",
        StepState::Conflict { .. } => "conflict",
        StepState::Failed { .. } => "failed",
        StepState::Skipped { .. } => "skipped",
        StepState::NotAsked => "not_asked",
    }
}

/// Makes a time-ordered id.
fn new_run(now: Timestamp) -> RunId {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos);
    RunId::new(uuid::Uuid::new_v7(time).to_string())
}
