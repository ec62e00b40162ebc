//! Whether the running gateway holds what the stores hold, as far as that can be told without asking it.
//!
//! A gateway reads its stores when it begins and when it is made to. Nothing tells from outside what it read: there is what we made it
//! read, when it began, and when the stores were last written. The last says little, since the program itself writes them all the time.

use super::{digest, files, is_same, parts};
use crate::{Knowledge, Observation, StoreView, Timestamp, knowledge::Activated};
use jiff::SignedDuration;

/// A gateway has read its stores so long after it began, at the latest. Until then it may have read what was written meanwhile.
pub const BEGINNING: SignedDuration = SignedDuration::from_secs(120);
/// A mark of use is as old as the write that put it down, give or take this.
const MARK: SignedDuration = SignedDuration::from_secs(15);

/// A log tells of a read when it is over, a moment after the gateway said so to whoever asked for it.
const LAG: SignedDuration = SignedDuration::from_secs(2);

/// Says what a running gateway holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held<'a> {
    /// What the stores hold, or none runs.
    Current,
    /// Something older.
    Older,
    /// Nobody can tell.
    Unknown {
        /// What was written last, a store or a file that they refer to, and when; where nothing tells that the gateway has read it since.
        written: Option<(&'a str, Timestamp)>,
    },
}

/// Tells what a running gateway holds. One of which is not known whether it runs may well run.
pub fn held<'a>(observed: &'a Observation, knowledge: &Knowledge) -> Held<'a> {
    let known = knowledge.activated.as_ref();
    if observed.instance.gateway.running == Some(false) {
        return Held::Current;
    }
    if let Some(known) = known.filter(|known| is_same(&known.digest, observed)) {
        let written = unnamed(known, observed);
        return written.map_or(Held::Current, |written| Held::Unknown { written: Some(written) });
    }
    let since = began(observed).filter(|began| known.is_none_or(|known| *began > known.at));
    let Some(since) = since else {
        // What is known of it is of the same life.
        return if known.is_some() { Held::Older } else { Held::Unknown { written: None } };
    };
    let written = written(observed, known, since);
    let later = |one: &Written<'_>| one.at.duration_since(since) > BEGINNING && !one.weak;
    match written.iter().max_by_key(|one| one.at) {
        None => Held::Current,
        Some(_) if known.is_some() && written.iter().any(later) => Held::Older,
        Some(one) => Held::Unknown { written: Some((one.path, one.at)) },
    }
}

/// A write of something that a gateway reads.
struct Written<'a> {
    path: &'a str,
    at: Timestamp,
    /// It may have changed nothing that counts: noted a use, or written another entry of a file of secrets. A file that leads to something
    /// else than a gateway was last known to have read is no such case, though it may have changed before this gateway began.
    weak: bool,
}

/// Returns the last writes of all stores, and of the files that they refer to, where they came after this.
fn written<'a>(observed: &'a Observation, known: Option<&Activated>, since: Timestamp) -> Vec<Written<'a>> {
    let later = |at: Option<Timestamp>| at.filter(|at| *at > since);
    let stores = observed.used().filter_map(|(_, store)| {
        let at = later(store.modified)?;
        Some(Written { path: &store.path, at, weak: is_mark(store, at) })
    });
    let referred = known.and_then(|known| parts(&known.digest).referred);
    let files = files::compared(referred, observed).into_iter().filter_map(|(one, changed)| {
        Some(Written { path: &one.path, at: later(one.modified)?, weak: !changed })
    });
    stores.chain(files).collect()
}

/// Returns the file that was written last, after the last read that is known, of those that its digest says nothing about.
fn unnamed<'a>(known: &Activated, observed: &'a Observation) -> Option<(&'a str, Timestamp)> {
    let since = began(observed).map_or(known.at, |began| began.max(known.at));
    let files = files::unnamed(parts(&known.digest).referred, observed).into_iter();
    let written = files.filter_map(|one| Some((one.path.as_str(), one.modified.filter(|at| *at > since)?)));
    written.max_by_key(|(_, at)| *at)
}

/// Returns what is to be remembered as read: what stands there while none runs, since the next one reads that; and again what is known,
/// where a gateway has begun since and the stores still hold it. The times of stores are too weak for more: they can be old and wrong.
pub fn certain(observed: &Observation, knowledge: &Knowledge) -> Option<String> {
    let known = knowledge.activated.as_ref();
    match observed.instance.gateway.running {
        Some(false) => Some(digest(observed)).filter(|now| known.is_none_or(|one| one.digest != *now)),
        Some(true) => {
            let known = known.filter(|known| began(observed).is_some_and(|since| since > known.at))?;
            let same = is_same(&known.digest, observed) && unnamed(known, observed).is_none();
            same.then(|| known.digest.clone())
        }
        None => None,
    }
}

/// Returns since when the gateway works with what it read: when it began, or read again by the word of its own log.
fn began(observed: &Observation) -> Option<Timestamp> {
    let gateway = &observed.instance.gateway;
    let read = gateway.read.and_then(|read| read.checked_sub(LAG).ok());
    Some(gateway.started?.max(read.unwrap_or(Timestamp::MIN)))
}

/// Tells whether a store was last written to note a use of a credential, which the program does at every request.
fn is_mark(store: &StoreView, written: Timestamp) -> bool {
    let marks = store.usage.values().flat_map(|usage| [usage.last_used, usage.last_failure]);
    marks.flatten().any(|mark| written.duration_since(mark).abs() <= MARK)
}
