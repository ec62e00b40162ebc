//! Copies in an instance whose vault says what is right: overrides, and what was withdrawn.

use super::copy::{ANOTHER_WAY, Copy, Merits};
use super::newcomer::{come_back, is_early, is_with_base, newcomer, put_back, returned};
use super::types::{TypeFit, fitting_type, is_static, wrong_type};
use super::words::Words;
use super::{Remedy, Sight, oauth};
use crate::{
    CredentialKind, FindingKind, Fingerprint, Line, ProfileId, SecretRef, Severity, SourceValue, StoreId,
    Wish, plan::Why,
};

impl<'a> Sight<'a> {
    /// Returns what the vault wants the agent of this store to hold of its own. What several agents use is nobody's own.
    pub fn own_line(&self, store: &StoreId, profile: &ProfileId) -> Option<&'a Line> {
        let wish = self.desired.wish.as_ref()?;
        let [agent] = self.users(store) else { return None };
        let own = || wish.own.get(&(agent.id.clone(), profile.clone()));
        if *store == StoreId::Base { None } else { own() }
    }

    /// Returns the right value for a profile in a store: the override, where the vault has one, else what is shared.
    pub fn wanted(&self, store: &StoreId, profile: &ProfileId) -> Option<&'a SourceValue> {
        let own = self.own_line(store, profile).and_then(|line| line.value.as_ref());
        own.or_else(|| self.desired.values.get(profile))
    }

    /// Tells whether every agent of this store leaves the instance, or has left it.
    pub(super) fn is_leaving(&self, store: &StoreId) -> bool {
        let (Some(wish), Some(own)) = (&self.desired.wish, store.agent()) else { return false };
        match self.users(store) {
            [] => wish.leaving.contains(own),
            users => users.iter().all(|agent| wish.leaving.contains(&agent.id)),
        }
    }
}

/// Judges a copy by what the vault wants, where that decides. `None`: it is a copy like any other.
pub(super) fn by_wish(copy: &Copy<'_>) -> Option<Merits> {
    let wish = copy.sight.desired.wish.as_ref()?;
    let value = copy.view.material.fingerprint()?;
    if !is_static(&copy.view.kind) {
        return match copy.sight.is_left_behind(copy.store) {
            true => Some(left_alone(copy, value)),
            false => beside_override(copy, value),
        };
    }
    if copy.sight.is_leaving(copy.store) {
        return Some(leaving(copy, wish, value));
    }
    let place = (copy.owner.clone(), copy.profile.clone());
    let given = wish.given.contains(&place);
    if copy.kept_by_person() && !given && !wish.rotating.contains(&place) {
        return kept_of_shared(copy, wish, value);
    }
    if let Some(line) = copy.sight.own_line(copy.store, copy.profile) {
        match &line.value {
            Some(own) => return Some(overridden(copy, wish, (line, own), value, given)),
            // Who had an override once is judged by what all share, but for what that was.
            None if let Some(merits) = gone(copy, line, value) => return Some(merits),
            None => {}
        }
    }
    let line = wish.shared.get(copy.profile)?;
    match &line.value {
        None if line.has_had(value) && put_back(copy) => {
            Some(come_back(copy, value, "which the vault has taken back: somebody has put it there since"))
        }
        None if line.has_had(value) => {
            Some(withdraw(format!("holds {value}, which the vault has taken back")))
        }
        Some(shared) if is_shared(copy) => newcomer(copy, shared, line, value),
        None if *copy.store == StoreId::Base => {
            let text = format!("and the vault has taken {} back and never had that value", copy.profile);
            Some(come_back(copy, value, &text))
        }
        Some(shared) => returned(copy, shared, line, value),
        None => None,
    }
}

/// Judges a copy that a person has marked, and that is what all share or have shared: the mark makes it no override, and it is left where it is.
fn kept_of_shared(copy: &Copy<'_>, wish: &Wish, value: Fingerprint) -> Option<Merits> {
    let Copy { sight, store, owner, profile, .. } = copy;
    let own = sight.own_line(store, profile).and_then(Line::wanted);
    if own == Some(value) || !sight.is_of_shared(profile, value) {
        return None;
    }
    let text = match wish.shared.get(*profile).and_then(Line::wanted) {
        Some(shared) if shared == value => {
            format!("holds {value}, which all share, and a person kept it: the next rotation passes it by")
        }
        Some(shared) => format!(
            "is left on {value}, an earlier value of what all share (now {shared}): a person kept it, and the vault has none for it alone"
        ),
        None => format!("is left on {value}, which the vault has taken back: a person kept it"),
    };
    let undo = format!("keyshoal keep --undo {owner} {profile}, keyshoal sync (as all)");
    let fix = match store {
        StoreId::Base => undo,
        StoreId::Agent(_) => {
            format!("keyshoal credential override {owner} {profile} (a value of its own)   or   {undo}")
        }
    };
    let words = Words::new(FindingKind::Kept, text).severity(Severity::Attention).fix(fix);
    Some(Merits::leave(match copy.verdict.is_dead() {
        true => words.but(copy.verdict.clause()),
        false => words,
    }))
}

/// Judges a copy of an agent that leaves: what came from the vault or its source goes, and nothing new comes.
fn leaving(copy: &Copy<'_>, wish: &Wish, value: Fingerprint) -> Merits {
    let shared = wish.shared.contains_key(copy.profile);
    let earlier = shared && copy.sight.generations_behind(copy.profile, value).is_some();
    if wish.has_had(copy.profile, value) || earlier {
        return withdraw(left(copy, value));
    }
    left_alone(copy, value)
}

fn left_alone(copy: &Copy<'_>, value: Fingerprint) -> Merits {
    Merits::leave(Words::new(FindingKind::Foreign, left(copy, value)).severity(Severity::Info))
}

fn left(copy: &Copy<'_>, value: Fingerprint) -> String {
    let leaves = match copy.sight.is_left_behind(copy.store) {
        true => "is in the roster no more",
        false => "leaves the roster",
    };
    format!("holds {value}, and {} {leaves} by the vault's word", copy.owner)
}

/// Judges a copy of an agent for which the vault has a value of its own.
fn overridden(
    copy: &Copy<'_>,
    wish: &Wish,
    (line, own): (&Line, &SourceValue),
    value: Fingerprint,
    given: bool,
) -> Merits {
    let Copy { sight, profile, view, owner, .. } = copy;
    if view.provider != own.provider {
        let text =
            format!("belongs to {} where the vault's override belongs to {}", view.provider, own.provider);
        return Merits::leave(
            Words::new(FindingKind::Foreign, text).fix(format!("keyshoal keep {owner} {profile}")),
        );
    }
    if value == own.fingerprint {
        return match fitting_type(sight, profile, &view.kind) {
            TypeFit::Fits => {
                if is_early(copy) {
                    return early(copy, value);
                }
                let text = format!("keeps its own value {value}: the vault says so");
                let words = Words::new(FindingKind::Kept, text);
                Merits::leave(match copy.verdict.is_dead() {
                    true => words
                        .severity(Severity::Attention)
                        .but(&format!("but {}", copy.clause()))
                        .fix(format!("keyshoal rotate {profile} --agent {owner}")),
                    false => words,
                })
            }
            TypeFit::CanBe(kind) => {
                Merits::with(wrong_type(profile, &view.kind, &kind, true), Remedy::FixType(kind))
            }
            TypeFit::CannotBe(kind) => Merits::leave(wrong_type(profile, &view.kind, &kind, false)),
        };
    }
    // What is only staged has reached nobody by its rotation: the vault may be older than the store.
    if given && !line.staged.contains(&value) {
        let text = format!("holds {value}, and you have just given {}", own.fingerprint);
        return Merits::with(
            Words::new(FindingKind::Stale, text).fix("keyshoal sync"),
            Remedy::Replace(Why::Given),
        );
    }
    let text = match value.is_seen_as(own.fingerprint) {
        true => format!("holds {value}, the vault's value for it alone, but {ANOTHER_WAY}"),
        false if is_early(copy) => {
            format!("holds {value} where a rotation that is half done gives it {}", own.fingerprint)
        }
        false => format!("holds {value} where the vault has {} for it alone", own.fingerprint),
    };
    let stale = |text| Words::new(FindingKind::Stale, text).fix("keyshoal sync");
    if copy.approved(value) {
        return Merits::with(stale(text), Remedy::Replace(Why::Approved));
    }
    let shared = wish.shared.get(*profile);
    let ours = line.has_had(value)
        || shared.is_some_and(|shared| shared.has_had(value))
        || sight.generations_behind(profile, value).is_some();
    let line = shared.filter(|shared| !line.has_had(value) && shared.has_had(value)).unwrap_or(line);
    if let Some(merits) = returned(copy, own, line, value) {
        return merits;
    }
    if ours {
        return Merits::with(stale(text), Remedy::Replace(Why::Override));
    }
    let of_own = sight.verdict(owner, &own.provider, own.fingerprint);
    if copy.verdict.is_dead()
        && of_own.is_some_and(|verdict| verdict.kind.is_accepted())
        && !copy.refused_long_ago()
    {
        let why = Why::RejectedWhileSourceAccepted { verdict: copy.verdict };
        return Merits::with(stale(format!("{text}, and {}", copy.clause())), Remedy::Replace(why));
    }
    Merits::with(unknown(copy, &text, "and the vault has never had it"), Remedy::Ask)
}

/// Judges a copy that has the new version of a rotation before the others do.
fn early(copy: &Copy<'_>, value: Fingerprint) -> Merits {
    let text = format!("holds {value}, which a rotation that is half done has given it before the others");
    Merits::leave(match copy.verdict.is_dead() {
        true => Words::new(FindingKind::SourceRejected, text)
            .but(&copy.clause())
            .fix(format!("keyshoal rotate {} --rollback", copy.profile)),
        false => Words::new(FindingKind::InSync, text),
    })
}

/// Judges what is no key where the vault has something for the agent alone: a login is never written over, nor removed for a key. One that
/// the vault has as well is the agent's own, whatever it holds by now: only OpenClaw renews it.
fn beside_override(copy: &Copy<'_>, value: Fingerprint) -> Option<Merits> {
    let own = copy.sight.own_line(copy.store, copy.profile)?.value.as_ref()?;
    let shared = copy.sight.desired.values.get(copy.profile);
    if copy.view.kind == CredentialKind::OAuth
        && own.kind == CredentialKind::OAuth
        && copy.view.provider == own.provider
    {
        // A copy of what all share is none of its own, whatever stood there before.
        return shared
            .is_none_or(|shared| shared.fingerprint != value)
            .then(|| oauth::of_its_own(copy, value));
    }
    let text = format!(
        "holds a credential of type {} ({value}) where the vault has {} for it alone; that is never written over",
        copy.view.kind, own.fingerprint
    );
    let fix = format!("keyshoal credential override {} {} --remove", copy.owner, copy.profile);
    Some(Merits::leave(Words::new(FindingKind::Foreign, text).fix(fix)))
}

/// Judges a copy whose override was withdrawn.
fn gone(copy: &Copy<'_>, line: &Line, value: Fingerprint) -> Option<Merits> {
    if !line.has_had(value) {
        return None;
    }
    match copy.sight.desired.values.get(copy.profile) {
        Some(shared) if shared.fingerprint == value => None,
        Some(shared) if let Some(merits) = returned(copy, shared, line, value) => Some(merits),
        None if put_back(copy) => Some(come_back(
            copy,
            value,
            "an override that the vault has taken back: somebody has put it there since",
        )),
        Some(shared) => {
            let text = format!(
                "holds {value}, an override that the vault has taken back; all share {}",
                shared.fingerprint
            );
            let words = Words::new(FindingKind::Stale, text).fix("keyshoal sync");
            Some(Merits::with(words, Remedy::Replace(Why::Withdrawn)))
        }
        None => Some(withdraw(format!("holds {value}, an override that the vault has taken back"))),
    }
}

/// Says of a value that it is not the vault's, and what can be done about it.
pub(super) fn unknown(copy: &Copy<'_>, text: &str, why: &str) -> Words {
    let text = format!("{text}, {why}");
    Words::new(FindingKind::Foreign, text).but(&copy.clause()).fix(copy.settle())
}

/// Tells whether it is no one agent's: it stands where all inherit it, names what all share in the file that Keyshoal delivers, or is a copy
/// of what stands where all inherit it.
pub(super) fn is_shared(copy: &Copy<'_>) -> bool {
    let of_file = |reference: &SecretRef| reference.is_delivered() && !reference.is_override();
    *copy.store == StoreId::Base || copy.view.material.reference().is_some_and(of_file) || is_with_base(copy)
}

fn withdraw(text: String) -> Merits {
    Merits::with(Words::new(FindingKind::Stale, text).fix("keyshoal sync"), Remedy::Withdraw)
}
