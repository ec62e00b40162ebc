//! Reading the journal.

use super::images::{Binding, Side};
use super::{ImageState, Images, OpenRunDetail, RunDetail, RunSummary, StepDetail};
use crate::stored::{At, Json, Print, Store};
use crate::{Ledger, LedgerError};
use keyshoal_core::knowledge::OpenRun;
use keyshoal_core::{ProfileId, RunId, StepState};
use rusqlite::{Connection, OptionalExtension, Row, params};

const SUMMARY: &str = "SELECT id, command, begun, finished,
        (SELECT count(*) FROM steps WHERE run = id)
            + (SELECT count(*) FROM files WHERE run = id),
        (SELECT count(*) FROM steps WHERE run = id AND state = 'done')
            + (SELECT count(*) FROM files WHERE run = id AND state = 'done'),
        (SELECT count(*) FROM steps WHERE run = id AND state = 'conflict')
            + (SELECT count(*) FROM files WHERE run = id AND state = 'conflict'),
        (SELECT count(*) FROM steps WHERE run = id AND state = 'failed')
            + (SELECT count(*) FROM files WHERE run = id AND state = 'failed'),
        (SELECT count(*) FROM steps WHERE run = id AND state IS NULL)
            + (SELECT count(*) FROM files WHERE run = id AND state IS NULL),
        (SELECT count(*) FROM steps WHERE run = id AND before_image IS NOT NULL)
            + (SELECT count(*) FROM files WHERE run = id AND before_image IS NOT NULL)
    FROM runs";

impl Ledger {
    /// Returns the newest runs, newest first.
    pub fn runs(&self, limit: usize) -> Result<Vec<RunSummary>, LedgerError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.summaries("ORDER BY begun DESC, id DESC LIMIT ?1", params![limit])
    }

    /// Returns the runs whose ids begin with `prefix`, newest first. A person types no more of an id than is needed.
    pub fn find_runs(&self, prefix: &str) -> Result<Vec<RunSummary>, LedgerError> {
        self.summaries("WHERE substr(id, 1, length(?1)) = ?1 ORDER BY begun DESC, id DESC", params![prefix])
    }

    /// Returns one run. Its images stay sealed: see [`Ledger::images`].
    pub fn run(&self, id: &RunId) -> Result<RunDetail, LedgerError> {
        let database = &self.inner.database;
        let found = database.read(|db| detail(db, id).map_err(|error| database.error(error)))?;
        found.ok_or_else(|| LedgerError::UnknownRun { id: id.clone() })
    }

    /// Opens the images of a run, one entry for each step.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Image`] when the seal key is another one than the run was written with, or an image was changed.
    pub fn images(&self, id: &RunId) -> Result<Vec<Images>, LedgerError> {
        let database = &self.inner.database;
        let at = |error| database.error(error);
        let (instance, sealed) = database
            .read(|db| Ok((instance_of(db, id).map_err(at)??, sealed_images(db, id).map_err(at)?)))?;
        let binding = Binding { instance: &instance, run: id };
        let open = |step, side, stored: &Option<Vec<u8>>| {
            binding.open(&self.inner.seal, step, side, stored.as_deref())
        };
        sealed
            .iter()
            .enumerate()
            .map(|(step, (before, after))| {
                Ok(Images { pre: open(step, Side::Before, before)?, post: open(step, Side::After, after)? })
            })
            .collect()
    }

    /// Returns the run that was begun and not finished. Its images stay sealed, so this works without the key, too.
    ///
    /// It may be another process's that is at work right now: ask [`crate::RunLock::holder`].
    pub fn unfinished(&self) -> Result<Option<RunDetail>, LedgerError> {
        let database = &self.inner.database;
        database.read(|db| {
            let work = || match open_summary(db)? {
                Some(open) => detail(db, &open.id),
                None => Ok(None),
            };
            work().map_err(|error: rusqlite::Error| database.error(error))
        })
    }

    /// Returns the run that was begun and not finished, with its images opened.
    ///
    /// It may be another process's that is at work right now: ask [`crate::RunLock::holder`].
    pub fn open_run(&self) -> Result<Option<OpenRunDetail>, LedgerError> {
        let database = &self.inner.database;
        let open = database.read(|db| open_summary(db).map_err(|error| database.error(error)))?;
        let Some(open) = open else { return Ok(None) };
        Ok(Some(OpenRunDetail {
            run: self.run(&open.id)?,
            images: self.images(&open.id)?,
            config_images: self.config_images(&open.id)?,
            file_images: self.file_images(&open.id)?,
        }))
    }

    fn summaries(&self, rest: &str, params: impl rusqlite::Params) -> Result<Vec<RunSummary>, LedgerError> {
        let database = &self.inner.database;
        database.read(|db| {
            let work = || -> rusqlite::Result<Vec<RunSummary>> {
                db.prepare_cached(&format!("{SUMMARY} {rest}"))?.query_map(params, summary)?.collect()
            };
            work().map_err(|error| database.error(error))
        })
    }
}

/// Returns the open run in short.
pub(crate) fn open_summary(db: &Connection) -> rusqlite::Result<Option<OpenRun>> {
    let mut query = db.prepare_cached(&format!("{SUMMARY} WHERE finished IS NULL"))?;
    let Some(run) = query.query_row([], summary).optional()? else { return Ok(None) };
    // Files that are no stores are nothing that a vault knows of.
    let by_vault = db.query_row(
        "SELECT (SELECT vault FROM ledger) IS NOT NULL AND NOT EXISTS (SELECT 1 FROM files WHERE run = ?1)",
        [run.id.as_str()],
        |row| row.get(0),
    )?;
    Ok(Some(OpenRun {
        id: run.id,
        begun: run.begun,
        command: run.command,
        done: run.done,
        total: run.steps,
        by_vault,
    }))
}

fn summary(row: &Row<'_>) -> rusqlite::Result<RunSummary> {
    let count = |column| row.get::<_, i64>(column).map(|count| usize::try_from(count).unwrap_or_default());
    let (begun, finished): (At, Option<At>) = (row.get(2)?, row.get(3)?);
    Ok(RunSummary {
        id: RunId::new(row.get::<_, String>(0)?),
        command: row.get(1)?,
        begun: begun.0,
        finished: finished.map(|at| at.0),
        steps: count(4)?,
        done: count(5)?,
        conflicts: count(6)?,
        failed: count(7)?,
        pending: count(8)?,
        restorable: count(9)?,
    })
}

fn detail(db: &Connection, id: &RunId) -> rusqlite::Result<Option<RunDetail>> {
    let mut query = db.prepare_cached(&format!("{SUMMARY} WHERE id = ?1"))?;
    let Some(summary) = query.query_row([id.as_str()], summary).optional()? else { return Ok(None) };
    let receipts =
        db.query_row("SELECT receipts FROM runs WHERE id = ?1", [id.as_str()], |row| row.get(0))?;
    let steps = db
        .prepare_cached(
            "SELECT step, store, profile, action, before_print, after_print, before_had_image,
                 before_image IS NOT NULL, after_had_image, after_image IS NOT NULL, outcome, rests_on
             FROM steps WHERE run = ?1 ORDER BY step",
        )?
        .query_map([id.as_str()], step)?
        .collect::<Result<_, _>>()?;
    let config = super::config::detail(db, id)?;
    let files = super::files::details(db, id)?;
    Ok(Some(RunDetail { summary, receipts, steps, config, files }))
}

fn step(row: &Row<'_>) -> rusqlite::Result<StepDetail> {
    let (store, before, after): (Store, Option<Print>, Option<Print>) =
        (row.get(1)?, row.get(4)?, row.get(5)?);
    let outcome: Option<Json<StepState>> = row.get(10)?;
    let rests_on: Option<Print> = row.get(11)?;
    let image = |had, has| match (had, has) {
        (_, true) => ImageState::Sealed,
        (true, false) => ImageState::Gone,
        (false, false) => ImageState::None,
    };
    Ok(StepDetail {
        index: usize::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
        store: store.0,
        profile: ProfileId::new(row.get::<_, String>(2)?),
        action: row.get(3)?,
        pre_fingerprint: before.map(|print| print.0),
        post_fingerprint: after.map(|print| print.0),
        rests_on: rests_on.map(|print| print.0),
        pre_image: image(row.get(6)?, row.get(7)?),
        post_image: image(row.get(8)?, row.get(9)?),
        outcome: outcome.map(|outcome| outcome.0),
    })
}

type Sealed = (Option<Vec<u8>>, Option<Vec<u8>>);

fn sealed_images(db: &Connection, id: &RunId) -> rusqlite::Result<Vec<Sealed>> {
    db.prepare_cached("SELECT before_image, after_image FROM steps WHERE run = ?1 ORDER BY step")?
        .query_map([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Returns the instance whose run it is: its values are sealed for both.
pub(super) fn instance_of(db: &Connection, id: &RunId) -> rusqlite::Result<Result<String, LedgerError>> {
    let found: Option<String> = db
        .query_row("SELECT instance FROM runs WHERE id = ?1", [id.as_str()], |row| row.get(0))
        .optional()?;
    Ok(found.ok_or_else(|| LedgerError::UnknownRun { id: id.clone() }))
}
