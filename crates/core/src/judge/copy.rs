//! One profile in a store that is not the source: what it is, and what may be done about it.

use super::alone::{alone, by_name, without_value};
use super::hold::hold_back;
use super::nowhere::lead_nowhere;
use super::types::{self, TypeFit, fitting_type, is_static, mend_config, wrong_type};
use super::vaulted::{by_wish, is_shared};
use super::words::{Words, keep, rotations_ago, settle, show};
use super::{Judged, Remedy, Sight, SourceState, oauth, overwritten};
use crate::{
    AgentId, CredentialKind, FindingKind, Fingerprint, ProfileId, ProfileView, SecretRef, Severity,
    SourceValue, StoreId, VerdictKind, knowledge::KeptBy, plan::Why,
};

/// What differs of a value that stands in one place itself and in another by reference.
pub(super) const ANOTHER_WAY: &str = "delivered another way (in the store itself, or by reference)";

/// A copy together with everything that its judgement asks for.
pub(super) struct Copy<'a> {
    pub sight: &'a Sight<'a>,
    pub store: &'a StoreId,
    pub owner: AgentId,
    pub profile: &'a ProfileId,
    pub view: &'a ProfileView,
    pub state: &'a SourceState,
    /// What its provider says of it, where its agent asks.
    pub verdict: VerdictKind,
}

/// What a copy is, in words, and what its own merits allow. Whether the source may be spread comes after.
pub(super) struct Merits {
    pub words: Words,
    pub remedy: Remedy,
    pub newly_kept: bool,
}

impl Merits {
    pub fn leave(words: Words) -> Self {
        Self { words, remedy: Remedy::None, newly_kept: false }
    }

    pub fn with(words: Words, remedy: Remedy) -> Self {
        Self { words, remedy, newly_kept: false }
    }
}

impl Copy<'_> {
    /// Returns the commands that settle it.
    pub(super) fn settle(&self) -> String {
        let by_vault = self.sight.desired.wish.is_some();
        let store = if by_vault && is_shared(self) { &StoreId::Base } else { self.store };
        settle(by_vault, self.state, store, &self.owner, self.profile)
    }
}

/// Judges a profile that stands in a store which is not its source.
pub(super) fn judge_copy(copy: &Copy<'_>) -> (Judged, Words) {
    let merits = by_wish(copy).unwrap_or_else(|| match copy.sight.desired.values.get(copy.profile) {
        Some(source) => compared(copy, source),
        None => alone(copy),
    });
    let merits = hold_back(copy, mention_type(copy, lead_nowhere(copy, merits)));
    let judged = Judged {
        owner: copy.owner.clone(),
        fingerprint: copy.view.material.fingerprint(),
        finding: merits.words.kind,
        remedy: merits.remedy,
        verdict: copy.verdict,
        newly_kept: merits.newly_kept,
    };
    (judged, merits.words)
}

/// Judges by the rules, in their order. The first that fits decides.
fn compared(copy: &Copy<'_>, source: &SourceValue) -> Merits {
    let Some(value) = copy.view.material.fingerprint() else { return without_value(copy, source) };
    let Copy { sight, owner, profile, view, .. } = copy;
    let short = value.short();

    if view.provider != source.provider {
        let text = format!(
            "belongs to {} where the source's profile of this id belongs to {}",
            view.provider, source.provider
        );
        let words = Words::new(FindingKind::Foreign, text).fix(keep(copy.store, owner, profile));
        return Merits::leave(if copy.kept_by_person() {
            kept(copy, &short, "a person said so")
        } else {
            words
        });
    }
    if is_static(&view.kind)
        && value != source.fingerprint
        && sight.given_targets(profile).contains(copy.store)
    {
        let text = format!("holds {short}, and you have just given {}", source.fingerprint);
        return Merits::with(stale(text), Remedy::Replace(Why::Given));
    }
    if copy.kept_by_person() {
        let overwritten = overwritten::of_copy(sight, copy.store, profile, value);
        return Merits::leave(match overwritten {
            Some(words) if copy.verdict.is_dead() => words.but(&copy.clause()),
            Some(words) => words,
            None => kept(copy, &short, "a person said so"),
        });
    }
    if let CredentialKind::Unknown(kind) = &view.kind {
        let text = format!("has the type {kind}, which is not known here, so it is only shown");
        return Merits::leave(Words::new(FindingKind::Foreign, text).fix(keep(copy.store, owner, profile)));
    }
    if view.kind == CredentialKind::OAuth || source.kind == CredentialKind::OAuth {
        return oauth::compared(copy, source, value);
    }
    if value == source.fingerprint {
        return in_step(copy, &short);
    }
    if copy.approved(value) {
        let text = format!(
            "holds {short} where the source has {}; a person agreed to replace it",
            source.fingerprint
        );
        return Merits::with(stale(text), Remedy::Replace(Why::Approved));
    }
    if sight.desired.wish.is_none() && view.material.reference().is_some_and(SecretRef::is_override) {
        return Merits::leave(kept(copy, &short, "a vault gave it to this agent alone"));
    }
    if let Some(merits) = by_name(copy, source, value) {
        return merits;
    }
    if let Some(behind) = sight.generations_behind(profile, value) {
        if sight.outlives_the_source(owner, profile, view, value) {
            let text = format!(
                "holds {short}, the source's value {}, which its provider accepts; nothing is known of the source's present {}",
                rotations_ago(behind),
                source.fingerprint
            );
            let words = Words::new(FindingKind::Foreign, text).fix(copy.settle());
            return Merits::with(words, Remedy::Ask);
        }
        let text = match value.is_seen_as(source.fingerprint) {
            true => format!("holds {short} as the source does, but {ANOTHER_WAY}"),
            false if sight.is_newer(profile, value) => format!(
                "holds {short}, a newer value of the vault's, which does not count; the source now has {}",
                source.fingerprint
            ),
            false => format!(
                "holds {short}, the source's value {}; the source now has {}",
                rotations_ago(behind),
                source.fingerprint
            ),
        };
        return Merits::with(stale(text), Remedy::Replace(Why::EarlierGeneration { behind }));
    }
    if copy.kept_by_acceptance(value) {
        if copy.verdict.is_dead() {
            let words = kept(copy, &short, "its provider once accepted it while it differed");
            return Merits::with(words, Remedy::Ask);
        }
        return Merits::leave(kept(copy, &short, "its provider accepted it while it differed"));
    }
    by_verdict(copy, source, value)
}

/// Judges a differing value that nobody knows, by what its provider says of it and of the source's.
fn by_verdict(copy: &Copy<'_>, source: &SourceValue, value: Fingerprint) -> Merits {
    let Copy { sight, owner, profile, .. } = copy;
    let short = value.short();
    let of_source = sight.source_verdict(owner, profile);
    if copy.verdict.is_dead() && of_source.is_accepted() && !copy.refused_long_ago() {
        let text = format!(
            "holds {short}, and {}, while the source's {} is accepted",
            copy.clause(),
            source.fingerprint
        );
        return Merits::with(
            stale(text),
            Remedy::Replace(Why::RejectedWhileSourceAccepted { verdict: copy.verdict }),
        );
    }
    let known = sight.is_generation(profile, value);
    if copy.verdict.is_accepted() && *copy.state == SourceState::Usable && !known {
        let words = kept(copy, &short, "its provider accepts it while it differs");
        return Merits { words, remedy: Remedy::None, newly_kept: true };
    }
    let text = if known {
        format!("holds {short}, a newer value than the source's {}", source.fingerprint)
    } else {
        format!(
            "holds {short} where the source has {}, and nothing says whether on purpose",
            source.fingerprint
        )
    };
    let mut words = Words::new(FindingKind::Foreign, text).but(&copy.clause()).fix(copy.settle());
    if copy.verdict.is_dead() && of_source.is_accepted() {
        words.fix = Some(format!("keyshoal sync (asks its provider again)   or   {}", copy.settle()));
    } else if copy.verdict.is_dead() {
        words = words.but(&format!("the source's value is not known to be accepted: {}", of_source.clause()));
    } else if copy.verdict.is_accepted() && *copy.state != SourceState::Usable {
        words.fix = Some(format!("keyshoal sync --from {owner}"));
    }
    let remedy =
        if sight.desired.include_foreign && !known { Remedy::Replace(Why::Approved) } else { Remedy::Ask };
    Merits::with(words, remedy)
}

/// Judges a copy that equals the source.
fn in_step(copy: &Copy<'_>, short: &str) -> Merits {
    match fitting_type(copy.sight, copy.profile, &copy.view.kind) {
        // Without a vault, the source itself says so. A vault has no row of its own.
        TypeFit::Fits if copy.sight.desired.wish.is_some() && copy.verdict.is_dead() => {
            let text = format!("holds {short}, the vault's value, and {}", copy.clause());
            let words = Words::new(FindingKind::SourceRejected, text);
            Merits::leave(words.fix(format!("keyshoal rotate {}", copy.profile)))
        }
        TypeFit::Fits => {
            Merits::leave(Words::new(FindingKind::InSync, format!("holds {short}, as the source does")))
        }
        TypeFit::CanBe(kind) => {
            Merits::with(wrong_type(copy.profile, &copy.view.kind, &kind, true), Remedy::FixType(kind))
        }
        TypeFit::CannotBe(kind) => Merits::leave(wrong_type(copy.profile, &copy.view.kind, &kind, false)),
    }
}

/// Says of a value that nobody can place also that its type keeps it from being used. Whoever decides about it should know.
fn mention_type(copy: &Copy<'_>, mut merits: Merits) -> Merits {
    let Copy { sight, profile, view, .. } = copy;
    if matches!(merits.words.kind, FindingKind::Foreign | FindingKind::Shadowing)
        && let TypeFit::CanBe(wants) | TypeFit::CannotBe(wants) = fitting_type(sight, profile, &view.kind)
    {
        let fix = merits.words.fix.take().unwrap_or_else(|| mend_config(profile, &view.kind, &wants));
        let clause = types::unused(&view.kind, &wants);
        merits.words = merits.words.severity(Severity::Attention).but(&clause).fix(fix);
    }
    merits
}

impl Copy<'_> {
    /// Tells whether it was found out too long ago that its provider refuses it: then it may have been let in again.
    pub(super) fn refused_long_ago(&self) -> bool {
        self.sight.was_refused_long_ago(&self.owner, self.view)
    }

    /// Returns what its provider says of it as a clause.
    pub(super) fn clause(&self) -> String {
        self.sight.clause(&self.owner, self.view)
    }

    pub fn kept_by_person(&self) -> bool {
        self.sight.is_kept_by_person(self.store, self.profile)
    }

    pub fn kept_by_acceptance(&self, value: Fingerprint) -> bool {
        let mut marks = self.sight.marks(self.store, self.profile);
        marks.any(|mark| mark.by == KeptBy::Acceptance && mark.fingerprint == value)
    }

    pub fn approved(&self, value: Fingerprint) -> bool {
        self.sight.names(self.store).any(|name| {
            let key = (name, self.profile.clone());
            self.sight.knowledge.replace.get(&key) == Some(&value)
                || self.sight.desired.approved.contains(&(key.0, key.1, value))
        })
    }
}

fn stale(text: String) -> Words {
    Words::new(FindingKind::Stale, text).fix("keyshoal sync")
}

fn kept(copy: &Copy<'_>, short: &str, because: &str) -> Words {
    let Copy { owner, profile, .. } = copy;
    let words = Words::new(FindingKind::Kept, format!("keeps its own value {short}: {because}"));
    if copy.verdict.is_dead() {
        let now = if copy.refused_long_ago() { "" } else { "now " };
        return words
            .severity(Severity::Attention)
            .but(&format!("but {now}{}", copy.clause()))
            .fix(format!("keyshoal replace {owner} {profile}"));
    }
    if let TypeFit::CanBe(kind) | TypeFit::CannotBe(kind) = fitting_type(copy.sight, profile, &copy.view.kind)
    {
        return words
            .severity(Severity::Attention)
            .but(&format!("but auth.profiles in the config wants the type {kind}, so it is not used"))
            .fix(match is_static(&kind) && is_static(&copy.view.kind) {
                true => format!(
                    "keyshoal set {profile} --agent {owner} --type {}",
                    kind.as_str().replace('_', "-")
                ),
                false => mend_config(profile, &copy.view.kind, &kind),
            });
    }
    words
}

/// Returns a value as people see it; used where there may be none.
pub(super) fn shown(view: &ProfileView) -> String {
    show(view.material.fingerprint())
}
