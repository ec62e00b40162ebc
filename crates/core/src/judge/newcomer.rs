//! What somebody has put into a store of an instance whose vault says what is right: it is asked about, and never written over.

use super::Remedy;
use super::copy::{Copy, Merits};
use super::vaulted::unknown;
use super::words::Words;
use crate::{FindingKind, Fingerprint, Line, Material, SourceValue, StoreId, plan::Why};

/// Tells whether a store held what the vault wanted there, whatever that was then, and holds something else now that we have not brought:
/// somebody has put it there, and it is no copy that was left behind. That the vault wants another value since is no matter.
///
/// So it is where it held nothing of its own, and was right so. What we write is not remembered until it is seen, and what a reference leads
/// to is no value of the store's.
pub(super) fn put_back(copy: &Copy<'_>) -> bool {
    let place = (copy.store.clone(), copy.profile.clone());
    let inline = matches!(copy.view.material, Material::Inline(_));
    let held = copy.sight.knowledge.delivered.get(&place);
    inline && held.is_some_and(|held| *held != copy.view.material.fingerprint())
}

/// Tells whether an agent's store holds the very value that stands in the base store: it is a copy of that, and no value of the agent's own,
/// unless the vault has one for it, or it was accepted as one before.
pub(super) fn is_with_base(copy: &Copy<'_>) -> bool {
    let Some(value) = copy.view.material.fingerprint() else { return false };
    let base = copy.sight.observed.profile(&StoreId::Base, copy.profile);
    let own = copy.sight.own_line(copy.store, copy.profile).is_some_and(|line| line.value.is_some());
    *copy.store != StoreId::Base
        && base.and_then(|view| view.material.fingerprint()) == Some(value)
        && (!own || is_early(copy))
        && !copy.kept_by_acceptance(value)
}

/// Tells whether what the vault has for this agent is the new version of a rotation, before the others get it.
pub(super) fn is_early(copy: &Copy<'_>) -> bool {
    let wish = copy.sight.desired.wish.as_ref();
    wish.is_some_and(|wish| wish.early.contains(&(copy.owner.clone(), copy.profile.clone())))
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

/// Judges a value that the vault has had, in a store that has held a later one since: somebody has put it there. So it is with one that is
/// staged and was given to nobody here: the vault may be older than the store.
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
        || !(line.staged.contains(&value) || put_back(copy))
        || !is_known(copy, line, value)
    {
        return None;
    }
    let text = format!("holds {value} where the vault has {}", wanted.fingerprint);
    if line.staged.contains(&value) {
        return Some(asked(copy, half_given(copy, text, value)));
    }
    let why = match line.newer.contains(&value) {
        true => "and somebody has put that value of the vault's there",
        false => "and somebody has put that earlier value there",
    };
    Some(asked(copy, unknown(copy, &text, why)))
}

/// Says of a newer value that the vault's own rotation has not brought there.
fn half_given(copy: &Copy<'_>, text: String, value: Fingerprint) -> Words {
    let Copy { sight, store, owner, profile, .. } = copy;
    let own = sight.own_line(store, profile).filter(|line| line.staged.contains(&value) && !is_early(copy));
    let whose = own.map_or_else(String::new, |_| format!(" --agent {owner}"));
    let fix = format!(
        "keyshoal rotate {profile}{whose} --resume   goes on with that newer value, --rollback   gives it up"
    );
    Words::new(FindingKind::Foreign, text)
        .but("that is the newer value of a rotation that is half done in the vault, and it has not brought it there")
        .but(copy.verdict.clause())
        .fix(fix)
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
