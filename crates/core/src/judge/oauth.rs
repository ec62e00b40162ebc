//! OAuth logins beside a source: never copied, sometimes removed so that the owner's login is inherited.

use super::Remedy;
use super::copy::{Copy, Merits};
use super::types::{self, TypeFit, fitting_type, is_static, mend_config};
use super::words::{Words, keep, sign_in};
use crate::{CredentialKind, FindingKind, Fingerprint, Severity, SourceValue, StoreId, plan::Why};

/// Judges a copy where it or the source is an OAuth login.
pub(super) fn compared(copy: &Copy<'_>, source: &SourceValue, value: Fingerprint) -> Merits {
    if copy.view.kind != source.kind {
        return other_type(copy, source, value);
    }
    if value == source.fingerprint {
        if copy.approved(value) && can_remove(copy) {
            return removal(copy, value, "which a person agreed to remove", Why::Approved);
        }
        let text = format!(
            "is the owner's login {value} copied; the next renewal of either makes the other useless"
        );
        let keep = keep(copy.store, &copy.owner, copy.profile);
        let fix = format!("{}; {keep}   leaves it and says so", way_out(copy));
        return Merits::leave(Words::new(FindingKind::Shadowing, text).fix(fix));
    }
    if let (Some(own), Some(owners)) = (copy.view.account, source.account)
        && own != owners
    {
        let text = format!("is a login of another account ({value}) than the owner's, and is left alone");
        return Merits::leave(Words::new(FindingKind::Kept, text));
    }
    if copy.approved(value) {
        return removal(copy, value, "which a person agreed to remove", Why::Approved);
    }
    let now = copy.sight.now;
    let same_account = copy.view.account.is_some() && copy.view.account == source.account;
    let over = copy.view.expires.is_some_and(|end| end <= now);
    let source_lives = source.expires.is_none_or(|end| end > now);
    let earlier = copy.sight.generations_behind(copy.profile, value).is_some();
    if source_lives && (copy.verdict.is_dead() || (over && (same_account || earlier))) {
        return removal(copy, value, "which can no longer be used", Why::DeadOAuthCopy);
    }
    let text = if same_account {
        format!("is a login of its own ({value}) to the owner's account")
    } else {
        format!("is a login of its own ({value}), and nothing says whose account it is")
    };
    if over {
        let words =
            Words::new(FindingKind::Shadowing, text).but("its access token is over").fix(way_out(copy));
        return Merits::with(words, Remedy::Ask);
    }
    let words = Words::new(FindingKind::Shadowing, text).severity(Severity::Info);
    Merits::leave(words.fix(copy.settle()))
}

/// Judges a login that the vault has for the agent alone. What it holds by now is newer than what the vault has.
pub(super) fn of_its_own(copy: &Copy<'_>, value: Fingerprint) -> Merits {
    let Copy { sight, owner, profile, view, .. } = copy;
    let text = format!("has its own login ({value}), which OpenClaw alone renews");
    let words = Words::new(FindingKind::Kept, text);
    if let TypeFit::CanBe(wants) | TypeFit::CannotBe(wants) = fitting_type(sight, profile, &view.kind) {
        let words = words.severity(Severity::Attention).but(&types::unused(&view.kind, &wants));
        return Merits::leave(words.fix(mend_config(profile, &view.kind, &wants)));
    }
    if copy.verdict.is_dead()
        && let Some(agent) = sight.observed.agent(owner)
    {
        let words = words.severity(Severity::Attention).but(copy.verdict.clause());
        return Merits::leave(words.fix(sign_in(&sight.observed.capabilities, agent, &view.provider)));
    }
    Merits::leave(words)
}

/// Judges a copy whose type is not the source's, one of them OAuth.
fn other_type(copy: &Copy<'_>, source: &SourceValue, value: Fingerprint) -> Merits {
    if copy.approved(value) {
        return removal(copy, value, "which a person agreed to remove", Why::Approved);
    }
    let text = format!(
        "holds a credential of type {} ({value}) where the source has one of type {}; OAuth logins are never copied or written over",
        copy.view.kind, source.kind
    );
    let words = Words::new(FindingKind::Foreign, text).fix(copy.settle());
    Merits::with(words, Remedy::Ask)
}

/// Proposes to remove a copy so that the owner's login is inherited, where the layout can do that; else names the way out.
fn removal(copy: &Copy<'_>, value: Fingerprint, because: &str, why: Why) -> Merits {
    let text = format!("is a copy of the owner's login ({value}) {because}, and hides it");
    let words = Words::new(FindingKind::Shadowing, text);
    if can_remove(copy) {
        return Merits::with(words.fix("keyshoal sync"), Remedy::Remove(why));
    }
    Merits::leave(words.fix(way_out(copy)))
}

/// Tells whether removing this copy makes its agent use the owner's profile.
fn can_remove(copy: &Copy<'_>) -> bool {
    let Some(source) = copy.sight.desired.values.get(copy.profile) else { return false };
    let present = copy.sight.base().and_then(|base| base.profiles.get(copy.profile));
    // The base store may be about to get the source's value; the planner looks again at what it will hold.
    let will_be = source.store != Some(StoreId::Base) && is_static(&source.kind);
    let (usable, kind) = match present {
        Some(base) => {
            let alive =
                base.kind != CredentialKind::OAuth || base.expires.is_none_or(|end| end > copy.sight.now);
            let holds = base.material.fingerprint() == Some(source.fingerprint);
            (alive && (holds || will_be && is_static(&base.kind)), &base.kind)
        }
        None => (will_be, &source.kind),
    };
    usable
        && *copy.store != StoreId::Base
        && copy.sight.reads_through(kind)
        && copy.sight.observed.store(copy.store).is_some_and(|store| store.leftover.is_none())
}

fn way_out(copy: &Copy<'_>) -> String {
    let capabilities = &copy.sight.observed.capabilities;
    let Copy { owner, profile, view, .. } = copy;
    if capabilities.oauth_reads_through {
        format!(
            "keyshoal replace {owner} {profile} (then the owner's login is inherited), or sign in there again"
        )
    } else if capabilities.signs_in_agents {
        format!(
            "sign in as {owner} itself (openclaw models auth --agent {owner} login), or give it an API key: this release does not inherit OAuth logins"
        )
    } else {
        format!(
            "give it an API key (keyshoal set {}:key --agent {owner}): this release does not inherit OAuth logins, and its openclaw models auth login signs in the default agent alone",
            view.provider
        )
    }
}
