//! Who did what, when and why. Only ever added to, and each entry's tag covers the one before it.

use crate::session::{Row, Session, Value, values};
use crate::tally::Tally;
use crate::{Author, Cause, queries};
use keyshoal_core::{InstanceId, Timestamp};
use keyshoal_seal::{IntegrityKey, same_tag};

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Counts from 1 in the whole vault.
    pub number: u64,
    /// What it is about; `None` when it is about the vault itself.
    pub instance: Option<InstanceId>,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why, in the person's own words.
    pub why: Option<String>,
    /// What, in a sentence without secrets.
    pub what: String,
}

/// Writes an entry for each sentence.
pub(crate) fn add(
    db: &dyn Session,
    tags: &IntegrityKey,
    instance: Option<&InstanceId>,
    author: &Author,
    said: &[String],
    now: Timestamp,
) -> Result<(), Cause> {
    let mut tally = Tally::read(db, tags)?;
    for what in said {
        tally.events += 1;
        let mut row: Vec<Value> = values![
            tally.events,
            instance.map(InstanceId::as_str),
            now,
            author.by.as_str(),
            author.why.as_deref(),
            what.as_str()
        ]
        .into();
        tally.last_event = tag(tags, &row, &tally.last_event).to_vec();
        row.push(Value::Bytes(tally.last_event.clone()));
        db.touch(queries::NEW_EVENT, &row)?;
    }
    tally.write(db, tags)
}

/// Reads entries, and refuses one that somebody has changed.
pub(crate) fn read(rows: &[Row], tags: &IntegrityKey) -> Result<Vec<Event>, Cause> {
    rows.iter().map(|row| check(row, tags).and_then(|()| event(row))).collect()
}

/// Refuses an entry that somebody has changed, or before which one was taken away.
pub(crate) fn check(row: &Row, tags: &IntegrityKey) -> Result<(), Cause> {
    let before = row.maybe_bytes(7)?.unwrap_or_default();
    let complete = row.integer(0)? == 1 || !before.is_empty();
    if complete && same_tag(&tag(tags, &row.values()[..6], before), row.bytes(6)?) {
        return Ok(());
    }
    Err(Cause::Altered(format!("entry {} of its history", row.integer(0)?)))
}

/// Refuses the newest entries, as they were read, when the last one is not among them or there is none.
pub(crate) fn check_newest(db: &dyn Session, rows: &[Row], tags: &IntegrityKey) -> Result<(), Cause> {
    let tally = Tally::read(db, tags)?;
    let newest = rows.first().map(|row| Ok::<_, Cause>((row.integer(0)?, row.bytes(6)?.to_vec())));
    match newest.transpose()? {
        Some(newest) if newest == (tally.events, tally.last_event) => Ok(()),
        _ => Err(Cause::Altered("the end of its history".to_owned())),
    }
}

fn event(row: &Row) -> Result<Event, Cause> {
    Ok(Event {
        number: row.counted(0)?,
        instance: row.maybe_string(1)?.map(InstanceId::new),
        at: row.time(2)?,
        by: row.string(3)?,
        why: row.maybe_string(4)?,
        what: row.string(5)?,
    })
}

pub(crate) fn tag(tags: &IntegrityKey, row: &[Value], before: &[u8]) -> [u8; 32] {
    tags.tag("keyshoal vault event v1", |parts| {
        parts.push(before);
        row.iter().for_each(|value| parts.push(&value.bytes()));
    })
}
