//! How much there is in a vault, under a tag: what was taken away leaves a gap that shows.

use crate::session::{Session, values};
use crate::{Cause, queries};
use keyshoal_seal::{IntegrityKey, same_tag};

/// How much there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// How many entries the history has.
    pub(crate) events: i64,
    /// The tag of the last one; empty before the first.
    pub(crate) last_event: Vec<u8>,
    /// How many instances there are.
    pub(crate) instances: i64,
}

impl Tally {
    /// Reads it, and refuses one that somebody has changed.
    pub(crate) fn read(db: &dyn Session, tags: &IntegrityKey) -> Result<Self, Cause> {
        let row = db.one(queries::TALLY, &[])?;
        let row = row.ok_or_else(|| Cause::Corrupt("its first row is missing".to_owned()))?;
        let tally =
            Self { events: row.integer(0)?, last_event: row.bytes(1)?.to_vec(), instances: row.integer(2)? };
        if !same_tag(&tally.tag(tags), row.bytes(3)?) {
            return Err(Cause::Altered("how much there is of its history and its instances".to_owned()));
        }
        Ok(tally)
    }

    /// Writes it.
    pub(crate) fn write(&self, db: &dyn Session, tags: &IntegrityKey) -> Result<(), Cause> {
        let tag = self.tag(tags);
        let values = values![self.events, self.last_event.as_slice(), self.instances, tag.as_slice()];
        db.touch(queries::SET_TALLY, &values)
    }

    /// Counts an instance that came, or that went.
    pub(crate) fn count_instance(db: &dyn Session, tags: &IntegrityKey, more: i64) -> Result<(), Cause> {
        let mut tally = Self::read(db, tags)?;
        tally.instances += more;
        tally.write(db, tags)
    }

    fn tag(&self, tags: &IntegrityKey) -> [u8; 32] {
        tags.tag("keyshoal vault tally v1", |parts| {
            parts.push(&self.events.to_le_bytes());
            parts.push(&self.last_event);
            parts.push(&self.instances.to_le_bytes());
        })
    }
}
