//! Copies that cannot be compared: the source does not have the profile, or the copy holds no value.

use super::Remedy;
use super::copy::{Copy, Merits, shown};
use super::lineage::earlier_value_of;
use super::types::{self, TypeFit, fitting_type, is_static, mend_config};
use super::words::{Words, sign_in};
use crate::{FindingKind, Fingerprint, Material, Severity, SourceValue, plan::Why};

/// Judges a copy that names a secret of the person's own: no vault's, and never its value.
pub(super) fn by_name(copy: &Copy<'_>, source: &SourceValue, value: Fingerprint) -> Option<Merits> {
    let Copy { sight, profile, view, .. } = copy;
    let reference = view.material.reference()?;
    let ours = match &sight.desired.wish {
        Some(wish) => {
            wish.has_had(profile, value) || reference.is_delivered() && view.material.value().is_some()
        }
        None => reference.is_delivered(),
    };
    if ours {
        return None;
    }
    let text = format!(
        "names the secret {:?} by reference instead of holding the source's value {}",
        reference.id, source.fingerprint
    );
    let words = Words::new(FindingKind::Foreign, text).severity(Severity::Info).fix(copy.settle());
    let everything = sight.desired.include_foreign;
    Some(Merits::with(words, if everything { Remedy::Replace(Why::Approved) } else { Remedy::None }))
}

/// Judges a profile that the source does not have at all.
pub(super) fn alone(copy: &Copy<'_>) -> Merits {
    let text = match copy.view.material.fingerprint() {
        None if copy.view.material == Material::Fenced => "is being renewed by OpenClaw right now".to_owned(),
        None => {
            let words = Words::new(FindingKind::Missing, "is there and holds nothing");
            return Merits::leave(words.fix(format!("keyshoal set {}", copy.profile)));
        }
        Some(value) => {
            let (sight, provider) = (copy.sight, &copy.view.provider);
            match earlier_value_of(sight.observed, sight.knowledge, provider, value) {
                Some(other) => format!(
                    "holds {value}, an earlier value of {other}; only this store has a profile of this name"
                ),
                None => {
                    format!("holds {value}, which only this store has: there is nothing to compare it with")
                }
            }
        }
    };
    if copy.sight.base().is_none() {
        let text = format!(
            "{}; what the other agents inherit cannot be read, so nothing tells whether it is right",
            shown(copy.view)
        );
        return Merits::leave(
            Words::new(FindingKind::Foreign, format!("holds {text}")).severity(Severity::Info),
        );
    }
    let words = Words::new(FindingKind::Kept, text);
    if copy.verdict.is_dead() {
        let words = words.severity(Severity::Attention).but(&copy.clause());
        return Merits::leave(words.fix(format!("keyshoal set {}", copy.profile)));
    }
    let kind = &copy.view.kind;
    if let TypeFit::CanBe(wants) | TypeFit::CannotBe(wants) = fitting_type(copy.sight, copy.profile, kind) {
        let words = words.severity(Severity::Attention).but(&types::unused(kind, &wants));
        return Merits::leave(words.fix(mend_config(copy.profile, kind, &wants)));
    }
    Merits::leave(words)
}

/// Judges a copy that holds no value: a fence, or nothing.
pub(super) fn without_value(copy: &Copy<'_>, source: &SourceValue) -> Merits {
    if copy.view.material == Material::Fenced {
        let words =
            Words::new(FindingKind::Shadowing, "is being renewed by OpenClaw right now and is left alone");
        return Merits::leave(words.severity(Severity::Info));
    }
    let Copy { sight, store, owner, profile, view, .. } = copy;
    let text = format!("is there, holds nothing, and hides the source's {}", source.fingerprint);
    let words = Words::new(FindingKind::Missing, text);
    if copy.kept_by_person() {
        let words = words.but("it is marked as deliberate");
        return Merits::leave(words.fix(format!("keyshoal keep --undo {owner} {profile}")));
    }
    // OpenClaw signs in with nothing here: there is no override that could be lost.
    let same = view.provider == source.provider && is_static(&view.kind) && is_static(&source.kind);
    if same && !sight.is_leaving(store) {
        return Merits::with(words.fix("keyshoal sync"), Remedy::Fill);
    }
    let agent = sight.observed.agent(owner);
    Merits::leave(match agent {
        Some(agent) => words.fix(sign_in(&sight.observed.capabilities, agent, &view.provider)),
        None => words.fix("openclaw models auth login"),
    })
}
