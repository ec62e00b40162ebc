//! Which instances there are: one whose own row is gone or has a wrong id, and rows that belong to none.

use super::raw::Raw;
use super::{Bench, Mend, Origin, Shown, doubt, returned, sealed};
use crate::session::{Session, Value, values};
use crate::tally::Tally;
use crate::{Cause, queries, rekey};
use keyshoal_core::InstanceId;

/// Puts an instance's id back where its tag proves that it has another.
pub(crate) fn misnamed(bench: &Bench<'_>, mends: &mut Vec<Mend>) -> Result<(), Cause> {
    let db = bench.pen.db;
    for missing in ids(bench.pen.db, queries::MISSING_INSTANCES)? {
        for standing in ids(bench.pen.db, queries::INSTANCE_IDS)? {
            let mut raw = Raw::read(db, &missing)?;
            raw.own = db.one(queries::INSTANCE, &values![standing.as_str()])?;
            if let Some(id) = raw.own.as_mut().and_then(|row| row.0.first_mut()) {
                *id = Value::Text(missing.as_str().to_owned());
            }
            if let Some(known) = raw.trusted(bench.pen.tags) {
                db.touch(queries::SET_INSTANCE_ID, &values![standing.as_str(), missing.as_str()])?;
                mends.push(Mend::proven(format!("the id of instance {}", known.name)));
                break;
            }
        }
    }
    Ok(())
}

/// Mends each instance where something of it is wrong. `counted` is how many there shall be; negative where nobody knows.
pub(crate) fn mend(
    bench: &Bench<'_>,
    shown: Option<&Shown<'_>>,
    counted: i64,
    mends: &mut Vec<Mend>,
) -> Result<(), Cause> {
    // The one that an installation shows goes first: what belongs to nobody may be its own.
    let mut all: Vec<InstanceId> = shown.iter().map(|shown| shown.id.clone()).collect();
    all.extend(
        ids(bench.pen.db, queries::INSTANCE_IDS)?
            .into_iter()
            .filter(|id| shown.is_none_or(|shown| shown.id != *id)),
    );
    for id in all {
        let raw = Raw::read(bench.pen.db, &id)?;
        one(bench, raw, shown.filter(|shown| shown.id == id), Vec::new(), mends)?;
    }
    for id in ids(bench.pen.db, queries::MISSING_INSTANCES)? {
        let mut raw = Raw::read(bench.pen.db, &id)?;
        let backed_up = bench
            .backup
            .map(|backup| backup.database.read(|db| db.one(queries::INSTANCE, &values![id.as_str()])));
        raw.own = backed_up.transpose()?.flatten();
        if raw.own.is_some() {
            one(bench, raw, None, vec![Mend::new(format!("instance {id}"), Origin::Backup)], mends)?;
        } else if counted
            != i64::try_from(rekey::count(bench.pen.db, queries::COUNT_INSTANCES)?).unwrap_or(-1)
        {
            let way =
                "keyshoal vault repair for its own state directory (--state-dir), or with a backup (--from)";
            mends.push(Mend::new(format!("instance {id}"), Origin::Left).way_out(way));
        }
    }
    returned::mend(bench, counted, mends)
}

fn one(
    bench: &Bench<'_>,
    raw: Raw,
    shown: Option<&Shown<'_>>,
    mended: Vec<Mend>,
    mends: &mut Vec<Mend>,
) -> Result<(), Cause> {
    let (id, before) = (raw.id.clone(), mends.len());
    match raw.trusted(bench.pen.tags) {
        Some(known) => sealed::mend(bench, raw, known, shown, mended, mends)?,
        None => doubt::mend(bench, raw, shown, mended, mends)?,
    }
    mends.iter_mut().skip(before).for_each(|mend| mend.instance = Some(id.clone()));
    Ok(())
}

/// Removes rows of nothing that is there: nobody reads them.
pub(crate) fn remove_strays(bench: &Bench<'_>, mends: &mut Vec<Mend>) -> Result<(), Cause> {
    let mut removed = 0;
    for query in queries::STRAYS {
        removed += bench.pen.db.execute(query, &[])?;
    }
    if removed > 0 {
        mends.push(Mend::new(format!("{removed} rows of nothing that is there"), Origin::Proven));
    }
    Ok(())
}

/// Counts the instances anew, where none is `left` as it is.
pub(crate) fn count(
    bench: &Bench<'_>,
    tally: &mut Tally,
    left: bool,
    mends: &mut Vec<Mend>,
) -> Result<(), Cause> {
    let found = i64::try_from(rekey::count(bench.pen.db, queries::COUNT_INSTANCES)?);
    let found = found.map_err(|_| Cause::refused("there are too many instances"))?;
    if left && tally.instances >= 0 {
        return Ok(());
    }
    if tally.instances > found {
        let mend = Mend::new("the instances", Origin::Nowhere);
        let mend = mend.losing(format!("{} with everything of them", tally.instances - found));
        mends.push(mend.way_out("keyshoal instance add, or an earlier backup"));
    } else if tally.instances < found {
        mends.push(Mend::proven("how many instances there are"));
    }
    tally.instances = found;
    Ok(())
}

/// Reads ids of instances.
pub(crate) fn ids(db: &dyn Session, query: &str) -> Result<Vec<InstanceId>, Cause> {
    let rows = db.query(query, &[])?;
    rows.iter().map(|row| Ok(InstanceId::new(row.string(0)?))).collect()
}
