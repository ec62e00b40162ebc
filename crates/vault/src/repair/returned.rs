//! Instances that are gone with every row of them: where the backup has one that nobody removed, it comes back as it was then.

use super::raw::Raw;
use super::rows::Draft;
use super::{Bench, Mend, Origin, doubt, roster};
use crate::session::{Row, values};
use crate::tally::Tally;
use crate::{Cause, Vault, queries};
use keyshoal_core::InstanceId;

/// Takes them back. `counted` is how many instances there shall be; negative where nobody knows.
pub(crate) fn mend(bench: &Bench<'_>, counted: i64, mends: &mut Vec<Mend>) -> Result<(), Cause> {
    let Some(backup) = bench.backup else { return Ok(()) };
    let standing = roster::ids(bench.pen.db, queries::INSTANCE_IDS)?;
    let mut there = roster::ids(bench.pen.db, queries::MISSING_INSTANCES)?;
    there.extend(standing.iter().cloned());
    let history = bench.pen.db.query(queries::EVENTS, &values![0_i64, i64::MAX])?;
    let mut gone = backup.database.read(|db| roster::ids(db, queries::INSTANCE_IDS))?;
    gone.retain(|id| !there.contains(id) && is_kept(&history, id).unwrap_or(counted >= 0));
    // Where that makes too many, some of them were removed, and nobody knows which.
    let all = i64::try_from(standing.len() + gone.len());
    if counted >= 0 && all.map_or(true, |all| all > counted) {
        return Ok(());
    }
    for id in gone {
        one(bench, backup, &id, &history, mends)?;
    }
    Ok(())
}

fn one(
    bench: &Bench<'_>,
    backup: &Vault,
    id: &InstanceId,
    history: &[Row],
    mends: &mut Vec<Mend>,
) -> Result<(), Cause> {
    let raw = backup.database.read(|db| Raw::read(db, id))?;
    let Some(known) = raw.trusted(bench.pen.tags) else { return Ok(()) };
    let what = format!("instance {}", known.name);
    let name = values![known.organisation.as_str(), known.name.as_str()];
    if bench.pen.db.one(queries::INSTANCE_BY_NAME, &name)?.is_some() {
        let mend = Mend::new(format!("{what}, which is gone"), Origin::Left);
        mends.push(
            mend.way_out("another instance has its name: keyshoal instance set --name gives that another"),
        );
        return Ok(());
    }
    let place = known.state_dir.clone();
    let mut draft = Draft::of(bench, &raw, known);
    let (mut whole, mut ended) = (Mend::new(what, Origin::Backup), Vec::new());
    if is_changed_since(backup, id, history)? {
        let place = place.as_deref().unwrap_or("DIR");
        let way = format!("keyshoal --state-dir {place} diff   shows what its agents hold otherwise");
        whole = whole.losing("what was changed in it since").way_out(way);
        doubt::end_rotations(&mut draft, &mut ended);
        draft.instance.revision += 1;
    }
    let mut made = Vec::new();
    draft.finish(bench, &raw, None, vec![whole], &mut made)?;
    let is_back = made.first().is_some_and(|mend| mend.from == Origin::Backup);
    // That each part of it is from the backup is said by the first.
    mends.extend(
        made.into_iter()
            .enumerate()
            .filter(|(at, mend)| *at == 0 || mend.from != Origin::Backup)
            .map(|(_, mend)| mend),
    );
    mends.extend(ended.into_iter().filter(|_| is_back));
    Ok(())
}

/// Tells whether the history has an instance taken in, or removed, last. `None`: it says neither.
fn is_kept(history: &[Row], id: &InstanceId) -> Option<bool> {
    history.iter().rev().find_map(|row| {
        let what = (row.text(1).ok()? == id.as_str()).then(|| row.text(5).ok())??;
        let said = what.strip_prefix("instance ")?;
        (said.ends_with(" taken in") || said.ends_with(" removed")).then(|| said.ends_with(" taken in"))
    })
}

/// Tells whether the history has something of an instance that the backup's does not have, or is another one.
fn is_changed_since(backup: &Vault, id: &InstanceId, history: &[Row]) -> Result<bool, Cause> {
    let then = backup.database.read(|db| Tally::read(db, &backup.tags))?;
    let is_last = |row: &&Row| row.integer(0).is_ok_and(|number| number == then.events);
    let same =
        history.iter().find(is_last).is_some_and(|row| row.bytes(6).is_ok_and(|tag| tag == then.last_event));
    let later = |row: &Row| {
        // What a repair changed stands under no instance.
        let is_about = row.text(1).is_ok_and(|of| of == id.as_str())
            || row.text(5).is_ok_and(|what| what.starts_with("repaired "));
        is_about && row.integer(0).is_ok_and(|number| number > then.events)
    };
    Ok(!same || history.iter().any(later))
}
