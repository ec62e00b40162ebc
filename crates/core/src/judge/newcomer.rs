//! What somebody has put into a store of an instance whose vault says what is right: it is asked about, and never written over.

use super::Remedy;
use super::copy::{Copy, Merits};
use super::vaulted::unknown;
use super::words::Words;
use crate::{FindingKind, Fingerprint, Line, Material, SourceValue, StoreId, plan::Why};

/// Tells whether a store held already what the vault wants there, and holds another value of the vault's again: somebody has put it there,
/// and it is no copy that was left behind.
///
/// A store that held nothing of its own, and was right so, holds only what was put there. What we write is not remembered until it is seen,
/// and what a reference leads to is no value of the store's.
pub(super) fn put_back(copy: &Copy<'_>, wanted: Option<Fingerprint>) -> bool {
    let place = (copy.store.clone(), copy.profile.clone());
    let inline = matches!(copy.view.material, Material::Inline(_));
    inline
        && match copy.sight.knowledge.delivered.get(&place) {
            Some(None) if *copy.store != StoreId::Base => true,
            Some(held) => *held == wanted,
            None => false,
        }
}

/// Judges what stands in the base store, or in the file to which all refer, and is not the vault's: somebody has put it there with the
/// program's own commands or by hand, or the vault is older than it.
pub(super) fn newcomer(
    copy: &Copy<'_>,
    shared: &SourceValue,
    line: &Line,
    value: Fingerprint,
) -> Option<Merits> {
    if is_known(copy, line, value) {
        return returned(copy, shared, line, value);
    }
    if copy.view.material.value().is_none()
        || copy.approved(value)
        || copy.verdict.is_dead()
        || copy.view.provider != shared.provider
    {
        return None;
    }
    let text = format!("holds {value} where the vault has {}", shared.fingerprint);
    Some(asked(copy, unknown(copy, &text, "and the vault has never had it")))
}

/// Judges a value that the vault has had, in a store that held the present one since: somebody has put it there.
pub(super) fn returned(
    copy: &Copy<'_>,
    wanted: &SourceValue,
    line: &Line,
    value: Fingerprint,
) -> Option<Merits> {
    if value == wanted.fingerprint
        || copy.approved(value)
        || copy.verdict.is_dead()
        || copy.view.provider != wanted.provider
        || !put_back(copy, Some(wanted.fingerprint))
        || !is_known(copy, line, value)
    {
        return None;
    }
    let text = format!("holds {value} where the vault has {}", wanted.fingerprint);
    let why = match line.newer.contains(&value) {
        true => "and somebody has put that value of the vault's there",
        false => "and somebody has put that earlier value there",
    };
    Some(asked(copy, unknown(copy, &text, why)))
}

fn is_known(copy: &Copy<'_>, line: &Line, value: Fingerprint) -> bool {
    line.has_had(value) || copy.sight.generations_behind(copy.profile, value).is_some()
}

fn asked(copy: &Copy<'_>, words: Words) -> Merits {
    let everything = copy.sight.desired.include_foreign;
    Merits::with(words, if everything { Remedy::Replace(Why::Approved) } else { Remedy::Ask })
}

/// Judges what stands under a name that the vault has taken back, in the base store, which every agent that inherits sends, or in an
/// agent's own: somebody has given a value there since.
pub(super) fn come_back(copy: &Copy<'_>, value: Fingerprint, why: &str) -> Merits {
    let profile = copy.profile;
    let text = format!("holds {value}, {why}");
    let whose = match copy.store {
        StoreId::Base => "base",
        StoreId::Agent(_) => copy.owner.as_str(),
    };
    let fix = format!(
        "keyshoal credential adopt {whose} {profile}   takes it into the vault; or take it out with OpenClaw's own command"
    );
    Merits::leave(Words::new(FindingKind::Foreign, text).but(&copy.clause()).fix(fix))
}
