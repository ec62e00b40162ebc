//! Forgetting what is not needed any more.

use crate::database::Durability;
use crate::stored::At;
use crate::{Ledger, LedgerError};
use jiff::SignedDuration;
use keyshoal_core::Timestamp;
use rusqlite::params;

/// A value that nobody has had for so long says nothing any more.
const SIGHTINGS_DAYS: u32 = 180;
/// OAuth logins get a new value every hour; so many of a profile's generations are kept, the newest.
const GENERATIONS: u32 = 1000;

/// How much was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Expired {
    /// Sealed values of finished runs.
    pub images: usize,
    /// Sightings, verdicts and generations that were far beyond use.
    pub other: usize,
}

impl Ledger {
    /// Forgets the sealed values of runs that were finished more than `days` days ago (usually 30), and what is far
    /// beyond use. An open run loses nothing. What is deleted is overwritten in the file. Cheap when there is nothing to forget.
    pub fn expire(&self, now: Timestamp, days: u32) -> Result<Expired, LedgerError> {
        let database = &self.inner.database;
        let before = |days: u32| {
            let span = SignedDuration::from_hours(i64::from(days) * 24);
            At(now.checked_sub(span).unwrap_or(Timestamp::MIN))
        };
        let long_ago = |db: &rusqlite::Connection| {
            db.query_row(
                "SELECT EXISTS (SELECT 1 FROM steps JOIN runs ON runs.id = steps.run WHERE finished < ?1
                         AND (before_image IS NOT NULL OR after_image IS NOT NULL))
                     OR EXISTS (SELECT 1 FROM runs WHERE finished < ?1 AND config_before IS NOT NULL)
                     OR EXISTS (SELECT 1 FROM files JOIN runs ON runs.id = files.run WHERE finished < ?1
                         AND before_image IS NOT NULL)
                     OR EXISTS (SELECT 1 FROM sightings WHERE last_seen < ?2)
                     OR EXISTS (SELECT 1 FROM verdicts WHERE at < ?2)
                     OR EXISTS (SELECT 1 FROM generations GROUP BY profile HAVING count(*) > ?3)",
                params![before(days), before(SIGHTINGS_DAYS), GENERATIONS],
                |row| row.get::<_, bool>(0),
            )
        };
        // Mostly there is nothing: whoever is writing now need not be waited for.
        if !database.read(|db| long_ago(db).map_err(|error| database.error(error)))? {
            return Ok(Expired::default());
        }
        let expired = database.write(Durability::Crash, |db| {
            let at = |error| database.error(error);
            let images = db
                .execute(
                    "UPDATE steps SET before_image = NULL, after_image = NULL
                     WHERE (before_image IS NOT NULL OR after_image IS NOT NULL)
                         AND run IN (SELECT id FROM runs WHERE finished < ?1)",
                    params![before(days)],
                )
                .map_err(at)?;
            let texts = db
                .execute(
                    "UPDATE runs SET config_before = NULL, config_after = NULL
                     WHERE config_before IS NOT NULL AND finished < ?1",
                    params![before(days)],
                )
                .map_err(at)?;
            let files = db
                .execute(
                    "UPDATE files SET before_image = NULL, after_image = NULL
                     WHERE before_image IS NOT NULL AND run IN (SELECT id FROM runs WHERE finished < ?1)",
                    params![before(days)],
                )
                .map_err(at)?;
            let sightings = db
                .execute("DELETE FROM sightings WHERE last_seen < ?1", params![before(SIGHTINGS_DAYS)])
                .map_err(at)?;
            let verdicts = db
                .execute("DELETE FROM verdicts WHERE at < ?1", params![before(SIGHTINGS_DAYS)])
                .map_err(at)?;
            let generations = db
                .execute(
                    "DELETE FROM generations WHERE (profile, fingerprint) IN (
                         SELECT profile, fingerprint FROM (
                             SELECT profile, fingerprint, row_number() OVER (
                                 PARTITION BY profile ORDER BY origin <> 'residue' DESC, place DESC) AS back
                             FROM generations)
                         WHERE back > ?1)",
                    params![GENERATIONS],
                )
                .map_err(at)?;
            Ok(Expired { images: images + texts + files, other: sightings + verdicts + generations })
        })?;
        if expired.images > 0 && !self.is_ephemeral() {
            database.empty_log()?;
        }
        Ok(expired)
    }
}
