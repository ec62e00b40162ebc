//! The source's own values: whether they may be spread.

use super::copy::{Copy, judge_copy};
use super::types::{TypeFit, fitting_type, wrong_type};
use super::words::Words;
use super::{Judged, Judgement, Remedy, Sight, SourceState, nowhere};
use crate::{
    CredentialKind, FindingKind, Material, ProfileId, ProfileView, Severity, SourceValue, StoreId,
    VerdictKind,
};

/// Judges how the source stands for each of its profiles.
pub(super) fn judge_sources(sight: &Sight<'_>, judgement: &mut Judgement) {
    for (profile, value) in &sight.desired.values {
        let state = match sight.source_health(profile) {
            SourceState::Usable | SourceState::Rejected if undecided(sight, profile, value) => {
                SourceState::Undecided { written: sight.observed.program_writes_to.clone() }
            }
            other => other,
        };
        judgement.sources.insert(profile.clone(), state);
    }
}

/// Returns the name of a source for `--from`.
fn source_name(owner: &crate::AgentId) -> &str {
    if owner.as_str() == super::BASE_OWNER { "base" } else { owner.as_str() }
}

/// Tells whether the program's own commands wrote another value elsewhere, and nothing says which one is right.
fn undecided(sight: &Sight<'_>, profile: &ProfileId, value: &SourceValue) -> bool {
    let written = &sight.observed.program_writes_to;
    if *written == StoreId::Base || value.store != Some(StoreId::Base) || sight.desired.is_confirmed(profile)
    {
        return false;
    }
    let Some(view) = sight.observed.profile(written, profile) else { return false };
    let inline = matches!(view.material, Material::Inline(_));
    if !inline || view.material.fingerprint() == Some(value.fingerprint) || view.kind == CredentialKind::OAuth
    {
        return false;
    }
    let owner = sight.owner(written);
    let verdict = sight.verdict_kind(&owner, view);
    let state = SourceState::Usable;
    let copy = Copy { sight, store: written, owner, profile, view, state: &state, verdict };
    if copy.kept_by_person() {
        return false;
    }
    let (judged, _) = judge_copy(&copy);
    matches!(judged.finding, FindingKind::Foreign | FindingKind::Kept) && !verdict.is_dead()
}

/// Judges a profile in the store that is its source.
pub(super) fn judge_own(
    sight: &Sight<'_>,
    store: &StoreId,
    profile: &ProfileId,
    view: &ProfileView,
    state: &SourceState,
) -> (Judged, Words) {
    let owner = sight.owner(store);
    let verdict = sight.verdict_kind(&owner, view);
    let value = view.material.fingerprint();
    let shown = super::copy::shown(view);
    let mut remedy = Remedy::None;
    let words = match state {
        SourceState::Reverted { newest } => Words::new(
            FindingKind::SourceReverted,
            format!(
                "is the source and holds {shown}, an earlier value; the newest that it ever had is {newest}"
            ),
        )
        .fix(format!(
            "keyshoal sync --profile {profile} --from {} (this value is right), or keyshoal set {profile}",
            source_name(&owner)
        )),
        SourceState::Rejected => {
            let known = verdict.is_dead() || verdict == VerdictKind::MalformedKey;
            let said = match known {
                true => sight.clause(&owner, view),
                false => VerdictKind::InvalidKey.clause().to_owned(),
            };
            let text = format!("is the source, holds {shown}, and {said}; nothing is spread");
            let words = Words::new(FindingKind::SourceRejected, text).fix(format!("keyshoal set {profile}"));
            match sight.observed.agents.iter().any(|agent| agent.may_need(&view.provider)) {
                true => words,
                false => words.but(&format!("no model of any agent needs {}", view.provider)),
            }
        }
        SourceState::Undecided { written } => {
            let other = sight.owner(written);
            let text = format!(
                "is what agents inherit ({shown}), but OpenClaw's own commands write to {other}, which holds another value"
            );
            Words::new(FindingKind::Foreign, text)
                .fix(format!(
                    "keyshoal sync --profile {profile} --from {other}   or   keyshoal sync --profile {profile} --from {}",
                    source_name(&owner)
                ))
        }
        SourceState::Usable => match fitting_type(sight, profile, &view.kind) {
            TypeFit::Fits => Words::new(FindingKind::InSync, format!("holds {shown}, the source's value")),
            TypeFit::CanBe(kind) => {
                let words = wrong_type(profile, &view.kind, &kind, true);
                match sight.not_writable(store) {
                    None => {
                        remedy = Remedy::FixType(kind);
                        words
                    }
                    Some(reason) => words.but(&format!("its store must not be written: {reason}")),
                }
            }
            TypeFit::CannotBe(kind) => wrong_type(profile, &view.kind, &kind, false),
        },
    };
    let judged =
        Judged { owner, fingerprint: value, finding: words.kind, remedy, verdict, newly_kept: false };
    (judged, words)
}

/// Judges a profile of the base store that is no source: fenced, empty, of an unknown type, or not looked at.
pub(super) fn judge_valueless(
    sight: &Sight<'_>,
    store: &StoreId,
    profile: &ProfileId,
    view: &ProfileView,
) -> (Judged, Words) {
    let words = match (&view.kind, &view.material) {
        (CredentialKind::Unknown(kind), _) => Words::new(
            FindingKind::Foreign,
            format!("has the type {kind}, which is not known here, so it is only shown"),
        )
        .severity(Severity::Info),
        (_, Material::Fenced) => {
            Words::new(FindingKind::InSync, "is being renewed by OpenClaw right now").severity(Severity::Info)
        }
        (_, material) if let Some(reference) = material.leads_nowhere() => {
            let owner = sight.owner(store);
            nowhere::words(sight, &owner, profile, reference)
        }
        // It is no part of what is looked at: somebody has given a value of another profile.
        (_, material) if let Some(value) = material.fingerprint() => {
            Words::new(FindingKind::InSync, format!("holds {value}"))
        }
        _ => Words::new(FindingKind::Missing, "is there and holds nothing")
            .fix(format!("keyshoal set {profile}")),
    };
    let judged = Judged {
        owner: sight.owner(store),
        fingerprint: view.material.fingerprint(),
        finding: words.kind,
        remedy: Remedy::None,
        verdict: VerdictKind::NotAsked,
        newly_kept: false,
    };
    (judged, words)
}
