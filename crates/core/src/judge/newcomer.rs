//! What somebody has put into the base store of an instance whose vault says what is right: it is asked about, and never written over.

use super::Remedy;
use super::copy::{Copy, Merits};
use super::vaulted::unknown;
use super::words::Words;
use crate::{FindingKind, Fingerprint, Line, Material, SourceValue, plan::Why};

/// Tells whether the base store held already what the vault wants, and holds an earlier value again: somebody has put it there, and it is
/// no copy that was left behind.
///
/// A value that the vault had after its present one is none of that: it was staged, or taken back, by us.
pub(super) fn put_back(copy: &Copy<'_>, line: &Line, value: Fingerprint) -> bool {
    copy.sight.knowledge.delivered.get(copy.profile) == Some(&line.wanted()) && !line.newer.contains(&value)
}

/// Judges what stands in the base store and is not the vault's: somebody has put it there with the program's own commands.
pub(super) fn newcomer(
    copy: &Copy<'_>,
    shared: &SourceValue,
    line: &Line,
    value: Fingerprint,
) -> Option<Merits> {
    let inline = matches!(copy.view.material, Material::Inline(_));
    let known = line.has_had(value) || copy.sight.generations_behind(copy.profile, value).is_some();
    let put_back = known && value != shared.fingerprint && put_back(copy, line, value);
    if known && !put_back
        || !inline
        || copy.approved(value)
        || copy.verdict.is_dead()
        || copy.view.provider != shared.provider
    {
        return None;
    }
    let text = format!("holds {value} where the vault has {}", shared.fingerprint);
    let words = match put_back {
        true => unknown(copy, &text, "and somebody has put that earlier value there"),
        false => unknown(copy, &text, "and the vault has never had it"),
    };
    let everything = copy.sight.desired.include_foreign;
    let remedy = if everything { Remedy::Replace(Why::Approved) } else { Remedy::Ask };
    Some(Merits::with(words, remedy))
}

/// Judges what stands in the base store under a name that the vault has taken back: somebody has given a new value there since, and every
/// agent that inherits sends it.
pub(super) fn come_back(copy: &Copy<'_>, value: Fingerprint, why: &str) -> Merits {
    let profile = copy.profile;
    let text = format!("holds {value}, {why}");
    let fix = format!(
        "keyshoal credential adopt base {profile}   takes it into the vault; or take it out with OpenClaw's own command"
    );
    Merits::leave(Words::new(FindingKind::Foreign, text).but(copy.verdict.clause()).fix(fix))
}
