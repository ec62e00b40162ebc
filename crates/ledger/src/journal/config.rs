//! The config file in the journal: a run changes it as a whole, after its stores.

use super::images::{Binding, Side};
use super::{ConfigDetail, ImageState, Images};
use crate::database::Durability;
use crate::stored::{Json, Print};
use crate::{Ledger, LedgerError};
use keyshoal_core::{RunId, StepState};
use rusqlite::{Connection, OptionalExtension, params};

/// The place of the config among the steps that images are bound to: behind every one.
pub(super) const PLACE: usize = usize::MAX;

impl Ledger {
    /// Notes how the change of the config went.
    ///
    /// A power cut may lose this; recovery then finds out by looking at the file.
    pub fn config_done(&self, run: &RunId, outcome: &StepState) -> Result<(), LedgerError> {
        let database = &self.inner.database;
        let at = |error| database.error(error);
        database.write(Durability::Crash, |db| {
            super::write::require_open(db, run, at)?;
            db.execute(
                "UPDATE runs SET config_state = ?2, config_outcome = ?3 WHERE id = ?1",
                params![run.as_str(), super::write::state_word(outcome), Json(outcome)],
            )
            .map_err(at)?;
            Ok(())
        })
    }

    /// Opens the texts of the config that a run changed.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Image`] when the seal key is another one than the run was written with, or a text was changed.
    pub fn config_images(&self, id: &RunId) -> Result<Images, LedgerError> {
        let database = &self.inner.database;
        let at = |error| database.error(error);
        type Row = (String, Option<Vec<u8>>, Option<Vec<u8>>);
        let found: Option<Row> = database.read(|db| {
            db.query_row(
                "SELECT instance, config_before, config_after FROM runs WHERE id = ?1",
                [id.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()
            .map_err(at)
        })?;
        let (instance, before, after) = found.ok_or_else(|| LedgerError::UnknownRun { id: id.clone() })?;
        let binding = Binding { instance: &instance, run: id };
        let seal = &self.inner.seal;
        Ok(Images {
            pre: binding.open(seal, PLACE, Side::Before, before.as_deref())?,
            post: binding.open(seal, PLACE, Side::After, after.as_deref())?,
        })
    }
}

/// Reads what a run does to the config.
pub(super) fn detail(db: &Connection, id: &RunId) -> rusqlite::Result<Option<ConfigDetail>> {
    let image = |has: bool| if has { ImageState::Sealed } else { ImageState::Gone };
    let read = |row: &rusqlite::Row<'_>| {
        let (before, after): (Option<Print>, Option<Print>) = (row.get(0)?, row.get(1)?);
        let outcome: Option<Json<StepState>> = row.get(4)?;
        let (Some(before), Some(after)) = (before, after) else { return Ok(None) };
        Ok(Some(ConfigDetail {
            before_fingerprint: before.0,
            after_fingerprint: after.0,
            before: image(row.get(2)?),
            after: image(row.get(3)?),
            outcome: outcome.map(|outcome| outcome.0),
        }))
    };
    db.query_row(
        "SELECT config_before_print, config_after_print, config_before IS NOT NULL, config_after IS NOT NULL, config_outcome
         FROM runs WHERE id = ?1",
        [id.as_str()],
        read,
    )
}
