//! Looks of the past: what was before, and what after.

use crate::database::Durability;
use crate::stored::At;
use crate::{Ledger, LedgerError};
use keyshoal_core::Timestamp;
use keyshoal_core::record::LookRecord;
use rusqlite::{OptionalExtension, params};

/// So many different looks are kept, the newest.
const KEPT: u32 = 100;
/// How long an unchanged installation may be in sight before that is written down again, in microseconds.
const SIGHT: i64 = 60_000_000;

/// A look that is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastLook {
    /// When it was first seen so.
    pub first: Timestamp,
    /// When it was last seen so.
    pub last: Timestamp,
    /// What was seen.
    pub record: LookRecord,
}

impl Ledger {
    /// Keeps a look, unless the newest one says the same. Passes over it while it is not certain whose ledger this is.
    pub fn keep_look(&self, record: &LookRecord, now: Timestamp) -> Result<(), LedgerError> {
        if !self.identity().is_certain() {
            return Ok(());
        }
        let database = &self.inner.database;
        let essence = serde_json::to_string(&record.essence()).unwrap_or_default();
        let newest = database.read(|db| {
            db.query_row("SELECT id, essence, last, text FROM looks ORDER BY id DESC LIMIT 1", [], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, At>(2)?.0,
                    row.get::<_, String>(3)?,
                ))
            })
            .optional()
            .map_err(|error| database.error(error))
        })?;
        let same = newest.filter(|(_, known, ..)| *known == essence);
        if let Some((_, _, last, _)) = &same
            && now.as_microsecond().saturating_sub(last.as_microsecond()) < SIGHT
        {
            return Ok(());
        }
        let earlier = same.as_ref().and_then(|(.., text)| serde_json::from_str::<LookRecord>(text).ok());
        let record = match &earlier {
            Some(earlier) => record.clone().since(earlier),
            None => record.clone(),
        };
        let text = serde_json::to_string(&record).unwrap_or_default();
        database.write(Durability::Crash, |db| {
            let at = |error| database.error(error);
            match &same {
                Some((id, ..)) => {
                    db.execute(
                        "UPDATE looks SET last = ?2, text = ?3 WHERE id = ?1",
                        params![id, At(now), text],
                    )
                    .map_err(at)?;
                }
                None => {
                    db.execute(
                        "INSERT INTO looks (first, last, essence, text) VALUES (?1, ?1, ?2, ?3)",
                        params![At(now), essence, text],
                    )
                    .map_err(at)?;
                    db.execute(
                        "DELETE FROM looks WHERE id <= (SELECT max(id) FROM looks) - ?1",
                        params![KEPT],
                    )
                    .map_err(at)?;
                }
            }
            Ok(())
        })
    }

    /// Returns the looks that are remembered, the newest first, at most `limit`. What cannot be read any more is left out.
    pub fn looks(&self, limit: u32) -> Result<Vec<PastLook>, LedgerError> {
        let database = &self.inner.database;
        database.read(|db| {
            let read = || -> rusqlite::Result<Vec<PastLook>> {
                let mut query =
                    db.prepare("SELECT first, last, text FROM looks ORDER BY id DESC LIMIT ?1")?;
                let rows = query.query_map(params![limit], |row| {
                    Ok((row.get::<_, At>(0)?.0, row.get::<_, At>(1)?.0, row.get::<_, String>(2)?))
                })?;
                let mut looks = Vec::new();
                for row in rows {
                    let (first, last, text) = row?;
                    if let Ok(record) = serde_json::from_str(&text) {
                        looks.push(PastLook { first, last, record });
                    }
                }
                Ok(looks)
            };
            read().map_err(|error| database.error(error))
        })
    }
}
