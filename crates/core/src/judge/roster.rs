//! Every profile that an agent has or inherits, and every provider that it needs, as findings.

use super::copy::{Copy, judge_copy};
use super::missing::judge_missing;
use super::pending::judge_pending;
use super::source::{judge_own, judge_valueless};
use super::tell::{bare, tell};
use super::types::{self, TypeFit, fitting_type, mend_config};
use super::vaulted::by_wish;
use super::words::Words;
use super::{Judged, Judgement, Remedy, Sight, SourceState, is_readable, nowhere, overwritten, unreadable};
use crate::{
    AgentView, CredentialKind, Fact, Finding, FindingKind, OutReason, ProfileId, ProfileView, Severity,
    Standing, StoreId, Timestamp, knowledge::KeptBy,
};
use std::collections::{BTreeMap, BTreeSet};

type JudgedWords = BTreeMap<(StoreId, ProfileId), Words>;

/// Judges every store's own profiles once, then tells each agent's part of it.
pub(super) fn judge_agents(sight: &Sight<'_>, judgement: &mut Judgement) {
    let words = judge_stores(sight, judgement);
    for agent in &sight.observed.agents {
        judge_agent(sight, judgement, &words, agent);
    }
    if sight.users(&StoreId::Base).is_empty() {
        tell_unowned_base(sight, judgement, &words);
    }
    tell_left_behind(sight, judgement, &words);
    judge_pending(sight, judgement);
}

fn judge_stores(sight: &Sight<'_>, judgement: &mut Judgement) -> JudgedWords {
    let mut all = JudgedWords::new();
    for (id, store) in &sight.observed.stores {
        if !is_readable(store) {
            continue;
        }
        for (profile, view) in &store.profiles {
            let (judged, words) = judge_one(sight, judgement, id, profile, view);
            if judged.newly_kept
                && let Some(fingerprint) = judged.fingerprint
            {
                let (agent, profile) = (judged.owner.clone(), profile.clone());
                judgement.learned.push(Fact::Kept { agent, profile, fingerprint, by: KeptBy::Acceptance });
            }
            judgement.copies.insert((id.clone(), profile.clone()), judged);
            all.insert((id.clone(), profile.clone()), words);
        }
    }
    all
}

fn judge_one(
    sight: &Sight<'_>,
    judgement: &Judgement,
    store: &StoreId,
    profile: &ProfileId,
    view: &ProfileView,
) -> (Judged, Words) {
    let source = sight.desired.values.get(profile);
    let state = judgement.sources.get(profile).unwrap_or(&SourceState::Usable);
    if source.is_some_and(|source| source.store.as_ref() == Some(store)) {
        return judge_own(sight, store, profile, view, state);
    }
    let owner = sight.owner(store);
    let verdict = sight.verdict_kind(&owner, view);
    let copy = Copy { sight, store, owner, profile, view, state, verdict };
    if source.is_none() && *store == StoreId::Base && by_wish(&copy).is_none() {
        return judge_valueless(sight, store, profile, view);
    }
    judge_copy(&copy)
}

fn judge_agent(sight: &Sight<'_>, judgement: &mut Judgement, words: &JudgedWords, agent: &AgentView) {
    let Some(own) = sight.observed.store(&agent.store) else { return };
    if let Some(finding) = unreadable::of_agent(agent, own) {
        judgement.findings.push(finding);
        return;
    }
    judgement.findings.extend(unreadable::inherited(sight.observed, agent));
    let mut ids: BTreeSet<&ProfileId> = own.profiles.keys().collect();
    if let Some(base) = sight.base() {
        ids.extend(
            base.profiles.iter().filter(|(_, view)| sight.reads_through(&view.kind)).map(|(id, _)| id),
        );
    }
    for profile in ids {
        let Some((store, view)) = sight.effective(&agent.store, profile) else { continue };
        let said = if store == agent.store {
            words.get(&(store.clone(), profile.clone())).cloned()
        } else {
            Some(inherited(sight, judgement, agent, profile, view))
        };
        let Some(mut said) = said else { continue };
        if said.kind == FindingKind::SourceRejected
            && store != StoreId::Base
            && !agent.may_need(&view.provider)
        {
            said = unneeded(said, view);
        }
        let told = said.kind;
        judgement.findings.push(tell(sight, Some(&agent.id), &store, profile, view, said));
        for more in marks(sight, judgement, agent, profile, view, told) {
            judgement.findings.push(tell(sight, Some(&agent.id), &store, profile, view, more));
        }
    }
    for (profile, words) in overwritten::of_agent(sight, agent) {
        judgement.findings.push(match sight.effective(&agent.store, &profile) {
            Some((store, view)) => tell(sight, Some(&agent.id), &store, &profile, view, words),
            None => Finding { profile: Some(profile), ..bare(Some(&agent.id), &agent.store, words) },
        });
    }
    judgement.findings.extend(judge_missing(sight, agent));
}

/// Says what an agent without a profile of its own gets from the base store.
fn inherited(
    sight: &Sight<'_>,
    judgement: &Judgement,
    agent: &AgentView,
    profile: &ProfileId,
    view: &ProfileView,
) -> Words {
    if sight.desired.wish.is_none()
        && let Some(reference) = view.material.leads_nowhere()
    {
        let owner = sight.owner(&StoreId::Base);
        return nowhere::words(sight, &owner, profile, reference);
    }
    let value =
        view.material.fingerprint().map_or_else(|| "what stands there".to_owned(), |value| value.short());
    let words =
        Words::new(FindingKind::Inherited, format!("has none of its own and uses the base store's {value}"));
    let verdict = sight.verdict_kind(&agent.id, view);
    if verdict.is_dead() {
        let words = words.but(&sight.clause(&agent.id, view));
        return match agent.may_need(&view.provider) {
            true => words.severity(Severity::Attention).fix(format!("keyshoal set {profile}")),
            false => unneeded(words, view),
        };
    }
    let words = match judgement.sources.get(profile) {
        Some(SourceState::Reverted { .. }) => words.but("which has gone back to an earlier value"),
        _ => words,
    };
    let (wants, fix) = match fitting_type(sight, profile, &view.kind) {
        TypeFit::Fits => return words,
        TypeFit::CanBe(wants) => (wants, "keyshoal sync".to_owned()),
        TypeFit::CannotBe(wants) => {
            let fix = mend_config(profile, &view.kind, &wants);
            (wants, fix)
        }
    };
    words.severity(Severity::Attention).but(&types::unused(&view.kind, &wants)).fix(fix)
}

/// Says that an agent never sends what its provider rejects: the finding about the source is enough.
fn unneeded(words: Words, view: &ProfileView) -> Words {
    Words {
        fix: None,
        ..words.severity(Severity::Info).but(&format!("no model of it needs {}", view.provider))
    }
}

/// Says what else is true of a profile: its time is over, a mark holds it back.
fn marks(
    sight: &Sight<'_>,
    judgement: &Judgement,
    agent: &AgentView,
    profile: &ProfileId,
    view: &ProfileView,
    told: FindingKind,
) -> Vec<Words> {
    let mut more = Vec::new();
    let settled = matches!(told, FindingKind::Stale | FindingKind::Shadowing | FindingKind::SourceRejected);
    if !settled && let Some(text) = time_is_over(sight, agent, profile, view) {
        let words = Words::new(FindingKind::Expired, text);
        let inherited = sight.observed.profile(&agent.store, profile).is_none();
        more.push(match view.kind {
            _ if inherited && !agent.may_need(&view.provider) => unneeded(words, view),
            CredentialKind::OAuth => {
                words.fix(super::words::sign_in(&sight.observed.capabilities, agent, &view.provider))
            }
            _ => words.fix(format!("keyshoal set {profile}")),
        });
    }
    if let Some((until, reason)) = crate::planner::mark_of(sight.observed, &agent.store, profile)
        .and_then(|(_, usage)| usage.in_force(sight.now))
    {
        let refused = crate::observation::is_auth(reason);
        let needed = agent.may_need(&view.provider);
        let words = Words::new(
            FindingKind::CoolingDown,
            format!(
                "is held back by OpenClaw until {}{}, whatever it holds",
                super::words::moment(*until),
                if reason.is_empty() { String::new() } else { format!(" ({reason})") }
            ),
        );
        let copy = judgement.copies.get(&(agent.store.clone(), profile.clone()));
        let goes_with_it = copy.is_some_and(|copy| {
            matches!(copy.remedy, Remedy::Replace(_) | Remedy::Remove(_) | Remedy::Withdraw)
        });
        let mends = crate::planner::would_reset(sight, judgement, &agent.store, profile);
        more.push(match mends {
            true => words.fix("keyshoal sync"),
            false if goes_with_it => words.severity(Severity::Info).fix("keyshoal sync"),
            // What holds it back is deserved: only another value helps.
            false if refused && needed && sight.verdict_kind(&agent.id, view).is_dead() => {
                words.but("and its provider rejects it").fix(new_value(sight, agent, profile, view))
            }
            // Its provider refused it, and nobody knows better: the agent's requests fail.
            false if refused && needed => words.fix("keyshoal verify --reset-cooldowns"),
            false => words.severity(Severity::Info),
        });
    }
    more
}

/// Returns what gives a profile another value: the agent's own, where it differs from what all share.
fn new_value(sight: &Sight<'_>, agent: &AgentView, profile: &ProfileId, view: &ProfileView) -> String {
    let source = sight.wanted(&agent.store, profile).map(|source| source.fingerprint);
    let own = agent.store != StoreId::Base && source != view.material.fingerprint();
    if view.kind == CredentialKind::OAuth {
        return super::words::sign_in(&sight.observed.capabilities, agent, &view.provider);
    }
    let whose = if own { format!(" --agent {}", agent.id) } else { String::new() };
    format!("keyshoal set {profile}{whose}")
}

/// Tells whether a profile's time is over. An OAuth access token may be renewed, so only the program's own eligibility counts there.
fn time_is_over(
    sight: &Sight<'_>,
    agent: &AgentView,
    profile: &ProfileId,
    view: &ProfileView,
) -> Option<String> {
    let of_program = agent.candidates.get(&view.provider).into_iter().flatten().find_map(|one| {
        match (&one.standing, one.profile.as_ref() == Some(profile)) {
            (Standing::Out(reason @ (OutReason::Expired { .. } | OutReason::InvalidExpires)), true) => {
                Some(reason)
            }
            _ => None,
        }
    });
    match of_program {
        Some(OutReason::Expired { at }) => return Some(ended(*at, sight)),
        Some(_) => {
            return Some(
                "its `expires` is not a time in milliseconds, so OpenClaw counts it as over".to_owned(),
            );
        }
        None => {}
    }
    match view.expires {
        Some(at) if view.kind == CredentialKind::Token && at <= sight.now => Some(ended(at, sight)),
        _ => None,
    }
}

/// Says when a time ended. One of 1970 is a number of seconds where milliseconds are meant.
fn ended(at: Timestamp, sight: &Sight<'_>) -> String {
    const YEARS: i64 = 40 * 365 * 24 * 60 * 60;
    let seconds = sight.now.as_second() - at.as_second() > YEARS;
    let doubt = if seconds { " (is `expires` in seconds? OpenClaw reads milliseconds)" } else { "" };
    format!("its time ended at {at}{doubt}")
}

/// Tells what concerns a base store that is no agent's own.
fn tell_unowned_base(sight: &Sight<'_>, judgement: &mut Judgement, words: &JudgedWords) {
    let Some(base) = sight.observed.store(&StoreId::Base) else { return };
    judgement.findings.extend(unreadable::of_base(base));
    for (profile, view) in &base.profiles {
        let Some(words) = words.get(&(StoreId::Base, profile.clone())) else { continue };
        if words.severity > Severity::Fine {
            judgement.findings.push(tell(sight, None, &StoreId::Base, profile, view, words.clone()));
        }
    }
}

/// Tells of what the vault has given agents that have left the roster, and their stores still hold. What else stands there is told with
/// the directory.
fn tell_left_behind(sight: &Sight<'_>, judgement: &mut Judgement, words: &JudgedWords) {
    for ((store, profile), said) in words {
        let Some(agent) = store.agent().filter(|_| sight.is_left_behind(store)) else { continue };
        if let Some(view) = sight.observed.profile(store, profile).filter(|_| said.severity > Severity::Info)
        {
            judgement.findings.push(tell(sight, Some(agent), store, profile, view, said.clone()));
        }
    }
}
