//! Files that are no stores in the journal: a scrub removes them, takes values out of them, or has a database written anew.

use super::images::{Binding, Side};
use super::write::{require_open, state_word};
use super::{FileDetail, ImageState, Images, JournalFile};
use crate::database::Durability;
use crate::stored::{At, Json, Print};
use crate::{Ledger, LedgerError};
use keyshoal_core::{RunId, StepState, Timestamp};
use keyshoal_seal::SealKey;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// The place of the first file among the steps that images are bound to: far behind them.
const FIRST: usize = 1 << 32;

/// The two texts of a file, sealed.
pub(super) type Sealed = (Option<Vec<u8>>, Option<Vec<u8>>);

impl Ledger {
    /// Notes how a file of a run went.
    ///
    /// A power cut may lose this; recovery then finds out by looking at the file.
    pub fn file_done(&self, run: &RunId, file: usize, outcome: &StepState) -> Result<(), LedgerError> {
        let database = &self.inner.database;
        let at = |error| database.error(error);
        database.write(Durability::Crash, |db| {
            require_open(db, run, at)?;
            let sql = "UPDATE files SET state = ?3, outcome = ?4 WHERE run = ?1 AND place = ?2";
            let row = params![run.as_str(), file as i64, state_word(outcome), Json(outcome)];
            match db.execute(sql, row).map_err(at)? {
                0 => Err(LedgerError::UnknownStep { id: run.clone(), step: file }),
                _ => Ok(()),
            }
        })
    }

    /// Opens the texts of a run's files, one entry for each.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Image`] when the seal key is another one than the run was written with, or a text was changed.
    pub fn file_images(&self, id: &RunId) -> Result<Vec<Images>, LedgerError> {
        let database = &self.inner.database;
        let at = |error| database.error(error);
        let (instance, sealed) = database.read(|db| {
            let instance = super::read::instance_of(db, id).map_err(at)??;
            let read = || -> rusqlite::Result<Vec<Sealed>> {
                db.prepare_cached(
                    "SELECT before_image, after_image FROM files WHERE run = ?1 ORDER BY place",
                )?
                .query_map([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
            };
            Ok((instance, read().map_err(at)?))
        })?;
        let binding = Binding { instance: &instance, run: id };
        let open = |place, side, stored: &Option<Vec<u8>>| {
            binding.open(&self.inner.seal, FIRST + place, side, stored.as_deref())
        };
        let images = sealed.iter().enumerate().map(|(place, (before, after))| {
            Ok(Images { pre: open(place, Side::Before, before)?, post: open(place, Side::After, after)? })
        });
        images.collect()
    }

    /// Returns when each database was last written anew by a scrub that went well.
    pub fn rewritten(&self) -> Result<BTreeMap<String, Timestamp>, LedgerError> {
        let database = &self.inner.database;
        database.read(|db| {
            let read = || -> rusqlite::Result<BTreeMap<String, Timestamp>> {
                db.prepare_cached(
                    "SELECT path, max(begun) FROM files JOIN runs ON runs.id = files.run
                     WHERE action = 'rewrite' AND state = 'done' GROUP BY path",
                )?
                .query_map([], |row| Ok((row.get(0)?, row.get::<_, At>(1)?.0)))?
                .collect()
            };
            read().map_err(|error| database.error(error))
        })
    }
}

/// Seals the texts of files.
pub(super) fn seal(
    binding: &Binding<'_>,
    key: &SealKey,
    files: &[JournalFile],
) -> Result<Vec<Sealed>, LedgerError> {
    let seal = |place, side, text| binding.seal(key, FIRST + place, side, text);
    let sealed = files.iter().enumerate().map(|(place, file)| {
        Ok((seal(place, Side::Before, file.before.as_ref())?, seal(place, Side::After, file.after.as_ref())?))
    });
    sealed.collect()
}

/// Writes down what is about to be done to files.
pub(super) fn insert(
    db: &Connection,
    run: &RunId,
    files: &[JournalFile],
    sealed: &[Sealed],
) -> rusqlite::Result<()> {
    for (place, (file, (before, after))) in files.iter().zip(sealed).enumerate() {
        db.prepare_cached(
            "INSERT INTO files (run, place, path, action, before_print, after_print, before_had_image, before_image, after_image)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            run.as_str(),
            place as i64,
            file.path,
            file.action,
            file.before_fingerprint.map(Print),
            file.after_fingerprint.map(Print),
            before.is_some(),
            before,
            after,
        ])?;
    }
    Ok(())
}

/// Forgets what a finished run needs no more. The texts from before stay where something was or may have been done.
pub(super) fn finish(db: &Connection, run: &RunId) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE files SET after_image = NULL,
             before_image = CASE WHEN state IN ('conflict', 'skipped', 'not_asked') THEN NULL ELSE before_image END
         WHERE run = ?1",
        [run.as_str()],
    )
    .map(drop)
}

/// Reads what a run does to files.
pub(super) fn details(db: &Connection, run: &RunId) -> rusqlite::Result<Vec<FileDetail>> {
    db.prepare_cached(
        "SELECT place, path, action, before_print, after_print, before_had_image, before_image IS NOT NULL, outcome
         FROM files WHERE run = ?1 ORDER BY place",
    )?
    .query_map([run.as_str()], |row| {
        let (before, after): (Option<Print>, Option<Print>) = (row.get(3)?, row.get(4)?);
        let outcome: Option<Json<StepState>> = row.get(7)?;
        Ok(FileDetail {
            index: usize::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
            path: row.get(1)?,
            action: row.get(2)?,
            before_fingerprint: before.map(|print| print.0),
            after_fingerprint: after.map(|print| print.0),
            before: match (row.get(5)?, row.get(6)?) {
                (_, true) => ImageState::Sealed,
                (true, false) => ImageState::Gone,
                (false, false) => ImageState::None,
            },
            outcome: outcome.map(|outcome| outcome.0),
        })
    })?
    .collect()
}
