//! The earlier state that the tag was made over, where it can be found.

use super::confirm::Confirmed;
use super::parse::Standing;
use crate::repair::raw::Raw;
use crate::repair::rows::Draft;
use crate::repair::{Bench, Shown, records};
use crate::{Cause, load};
use keyshoal_core::vault::VaultInstance;

/// So many rows are looked at in trying: enough for any single change of a few hundred versions, and seconds for thousands.
const MOST_ROWS: usize = 2_000_000;

/// Finds it: what stands there, what the backup has, what the installation shows, or a state that is another word.
pub(super) fn proven(
    bench: &Bench<'_>,
    raw: &Raw,
    standing: &Standing,
    shown: Option<&Shown<'_>>,
) -> Result<Option<Draft>, Cause> {
    let mut draft = Draft::of(bench, raw, standing.instance.clone());
    if let Some(found) = backed_up(bench, raw, &draft)? {
        return Ok(Some(found));
    }
    let mut whole = draft.clone();
    whole.documents.extend(draft.told_entries(bench)?);
    if whole.documents.len() > draft.documents.len() && fits(bench, raw, &mut whole, &standing.instance)? {
        return Ok(Some(whole));
    }
    let rows = standing.instance.credentials.iter().map(|one| 1 + one.versions.len()).sum::<usize>();
    let mut tries = MOST_ROWS / (rows + standing.instance.agents.len() + 1);
    let confirmed = shown.map(|shown| Confirmed::of(standing, shown, &draft).instance);
    for known in standing.variants(confirmed.as_ref()) {
        if fits(bench, raw, &mut draft, &known)? {
            return Ok(Some(Draft::of(bench, raw, known)));
        }
        let places = known.credentials.iter().enumerate();
        let places =
            places.flat_map(|(one, credential)| (0..credential.versions.len()).map(move |at| (one, at)));
        for (one, at) in places.collect::<Vec<_>>() {
            for (state, _) in load::STATES {
                let Some(fewer) = tries.checked_sub(1) else { break };
                tries = fewer;
                let mut other = known.clone();
                other.credentials[one].versions[at].state = state;
                if fits(bench, raw, &mut draft, &other)? {
                    return Ok(Some(Draft::of(bench, raw, other)));
                }
            }
        }
    }
    Ok(None)
}

/// Tries every part as it stands and as the backup has it.
fn backed_up(bench: &Bench<'_>, raw: &Raw, standing: &Draft) -> Result<Option<Draft>, Cause> {
    let Some(backup) = bench.backup else { return Ok(None) };
    let Ok(known) = backup.instance(&raw.id) else { return Ok(None) };
    let kept = backup.database.read(|db| Raw::read(db, &raw.id))?;
    let kept = Draft::of_rows(&kept, known.clone(), bench.pen.now);
    let documents = records::backed_up(bench, &known)?;
    for instance in [&known, &standing.instance] {
        let whole = Draft::of(bench, raw, instance.clone());
        for parts in 0..8 {
            let mut draft = whole.clone();
            if parts & 1 != 0 {
                draft.created = kept.created;
            }
            if parts & 2 != 0 {
                draft.rotations.clone_from(&kept.rotations);
            }
            if parts & 4 != 0 {
                draft.documents =
                    documents.iter().map(|(name, one, _)| (name.clone(), one.clone())).collect();
                draft.texts = documents.iter().map(|(name, _, text)| (name.clone(), text.clone())).collect();
                draft.name_channels();
            }
            let known = draft.instance.clone();
            if fits(bench, raw, &mut draft, &known)? {
                return Ok(Some(draft));
            }
        }
    }
    Ok(None)
}

fn fits(bench: &Bench<'_>, raw: &Raw, draft: &mut Draft, known: &VaultInstance) -> Result<bool, Cause> {
    draft.instance.clone_from(known);
    Ok(keyshoal_seal::same_tag(&draft.rows()?.tag(bench.pen.tags), raw.tag()))
}
