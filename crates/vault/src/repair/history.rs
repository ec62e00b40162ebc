//! The history: entries that were damaged are put back where that is proven, and else said to be lost.

use super::{Bench, Mend, Origin, tally_or_empty};
use crate::session::{Row, Value, values};
use crate::tally::Tally;
use crate::{Cause, events, queries};
use keyshoal_seal::same_tag;
use std::collections::BTreeMap;

/// What stands in the place of an entry that is lost.
const LOST: &str = "this entry was damaged, and what it said is lost";

/// Mends it, and returns the tally that fits it.
pub(crate) fn mend(bench: &Bench<'_>, mends: &mut Vec<Mend>) -> Result<Tally, Cause> {
    let (db, tags) = (bench.pen.db, bench.pen.tags);
    let rows = db.query(queries::EVENTS, &values![i64::MIN, i64::MAX])?;
    let (tally, whole) = tally_or_empty(bench);
    let last = rows.iter().filter_map(|row| row.integer(0).ok()).max().unwrap_or(0);
    let count = if whole { tally.events } else { last };
    let backup = match bench.backup {
        Some(backup) => backup.database.read(|db| db.query(queries::EVENTS, &values![0_i64, i64::MAX]))?,
        None => Vec::new(),
    };
    let by_number = |rows: Vec<Row>| -> BTreeMap<i64, Row> {
        rows.into_iter().filter_map(|row| Some((row.integer(0).ok()?, row))).collect()
    };
    let (stand, backup) = (by_number(rows.clone()), by_number(backup));
    let content = |row: &Row| -> Vec<Value> { row.values()[..6].to_vec() };
    let stored =
        |number: i64| stand.get(&number).and_then(|row| row.bytes(6).ok()).unwrap_or_default().to_vec();
    let fits = |row: &[Value], before: &[u8], tag: &[u8]| same_tag(&events::tag(tags, row, before), tag);
    let mut before = Vec::new();
    let mut right: Vec<(Vec<Value>, Vec<u8>)> = Vec::new();
    let mut lost = Vec::new();
    for number in 1..=count {
        let tag = if whole && number == count { tally.last_event.clone() } else { stored(number) };
        // A tag that was changed itself is known by the entry after it.
        let next = stand.get(&(number + 1)).map(|row| (content(row), stored(number + 1)));
        let renumbered = |row: &Row| [vec![Value::Integer(number)], row.values()[1..6].to_vec()].concat();
        let own = stand.get(&number).map(content);
        let others =
            stand.iter().filter(|(other, _)| **other > count || **other < 1).map(|(_, row)| renumbered(row));
        let candidates = own.into_iter().chain(backup.get(&number).map(content)).chain(others);
        let found = candidates.into_iter().find_map(|row| {
            let made = events::tag(tags, &row, &before).to_vec();
            let proven =
                same_tag(&made, &tag) || next.as_ref().is_some_and(|(next, after)| fits(next, &made, after));
            proven.then_some((row, made))
        });
        let (row, made) = found.unwrap_or_else(|| {
            lost.push(number);
            let row =
                values![number, None::<String>, bench.pen.now, bench.who.by.as_str(), None::<String>, LOST];
            (row.into(), tag)
        });
        before.clone_from(&made);
        right.push((row, made));
    }
    let same = |at: usize, row: &[Value], tag: &[u8]| {
        let there = rows.get(at);
        there.is_some_and(|there| {
            there.values().get(..6) == Some(row) && there.bytes(6).is_ok_and(|known| known == tag)
        })
    };
    let first_wrong = right.iter().enumerate().position(|(at, (row, tag))| !same(at, row, tag));
    let first_lost = lost.first().map(|number| usize::try_from(number - 1).unwrap_or_default());
    let tail = (rows.len() > right.len()).then_some(right.len());
    let Some(from) = [first_wrong, first_lost, tail].into_iter().flatten().min() else {
        if !whole {
            mends.push(Mend::proven("how long its history is"));
        }
        let last_event = right.last().map(|(_, tag)| tag.clone()).unwrap_or_default();
        return Ok(Tally { events: count, last_event, instances: if whole { tally.instances } else { -1 } });
    };
    for number in &lost {
        mends.push(
            Mend::new(format!("entry {number} of the history"), Origin::Nowhere).losing("what it said"),
        );
    }
    if lost.is_empty() {
        mends.push(Mend::proven("the history"));
    }
    // After one that is lost every tag is made anew; each entry was looked at by the tag that it had.
    let mut before = from.checked_sub(1).map(|at| right[at].1.clone()).unwrap_or_default();
    db.execute(queries::REMOVE_EVENTS_OUT_OF, &values![i64::try_from(from).unwrap_or(i64::MAX)])?;
    for (row, _) in &right[from..] {
        let tag = events::tag(tags, row, &before).to_vec();
        db.touch(queries::NEW_EVENT, &[row.as_slice(), &values![tag.as_slice()]].concat())?;
        before = tag;
    }
    Ok(Tally { events: count, last_event: before, instances: if whole { tally.instances } else { -1 } })
}
