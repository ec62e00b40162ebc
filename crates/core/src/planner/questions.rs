//! What only a person can decide.

use crate::judge::words::settle;
use crate::judge::{Remedy, Sight};
use crate::plan::{Group, Proposal};
use crate::{
    AgentId, Fingerprint, Judgement, ProfileId, Question, SourceState, SourceValue, StoreId, VerdictKind,
};
use std::collections::BTreeMap;

/// Returns at most one question per profile.
pub(super) fn questions(sight: &Sight<'_>, judgement: &Judgement) -> Vec<Question> {
    let mut all = Vec::new();
    for (profile, value) in &sight.desired.values {
        if !sight.desired.scope.includes_profile(profile, &value.provider) {
            continue;
        }
        let provider = value.provider.clone();
        let source = source_group(sight, profile, value);
        let profile_of = || profile.clone();
        all.extend(match judgement.sources.get(profile) {
            None | Some(SourceState::Usable) => differing(sight, judgement, profile, value, source),
            Some(SourceState::Rejected) => {
                let settles = newcomer(sight, judgement, profile);
                Some(Question::SourceRejected { profile: profile_of(), provider, source, settles })
            }
            Some(SourceState::Reverted { newest }) => {
                let newest = holders(sight, profile, value, *newest);
                Some(Question::SourceReverted { profile: profile_of(), provider, now: source, newest })
            }
            Some(SourceState::Undecided { written }) => {
                let there =
                    sight.observed.profile(written, profile).and_then(|view| view.material.fingerprint());
                there.map(|there| Question::WhichSource {
                    profile: profile_of(),
                    provider,
                    base: source,
                    written: holders(sight, profile, value, there),
                })
            }
        });
    }
    all
}

/// Asks about values that differ, when at least one of them is not settled.
fn differing(
    sight: &Sight<'_>,
    judgement: &Judgement,
    profile: &ProfileId,
    value: &SourceValue,
    source: Group,
) -> Option<Question> {
    let mut groups: BTreeMap<Fingerprint, Group> = BTreeMap::new();
    let mut unsettled = false;
    let mut settles = None;
    for ((store, _), judged) in judgement.copies.iter().filter(|((_, id), _)| id == profile) {
        if sight.own_line(store, profile).is_some() {
            // It is compared with an override, and its finding says what can be done.
            continue;
        }
        let Some(fingerprint) = judged.fingerprint.filter(|one| *one != value.fingerprint) else { continue };
        if !sight.desired.scope.includes(&judged.owner, profile, &value.provider) {
            continue;
        }
        let proposal = match &judged.remedy {
            Remedy::Replace(_) | Remedy::Remove(_) => Proposal::Replace,
            Remedy::Ask => Proposal::Leave,
            Remedy::None if judged.newly_kept => Proposal::Keep,
            Remedy::None | Remedy::Fill | Remedy::FixType(_) | Remedy::Withdraw => continue,
        };
        unsettled |= proposal != Proposal::Replace;
        if proposal == Proposal::Leave && settles.is_none() {
            let by_vault = sight.desired.wish.is_some();
            settles = Some(settle(by_vault, &SourceState::Usable, store, &judged.owner, profile));
        }
        let group = groups.entry(fingerprint).or_insert_with(|| Group {
            fingerprint,
            agents: Vec::new(),
            verdict: judged.verdict,
            proposal,
        });
        group.agents.push(judged.owner.clone());
        // Where the same value is settled for one agent and not for another, the careful proposal stands for all.
        if group.proposal == Proposal::Replace {
            group.proposal = proposal;
        }
    }
    unsettled.then(|| Question::Differing {
        profile: profile.clone(),
        provider: value.provider.clone(),
        source,
        others: groups.into_values().collect(),
        settles,
    })
}

/// Returns the commands that settle what the base store holds, where the vault's value is rejected and it has never had that one.
fn newcomer(sight: &Sight<'_>, judgement: &Judgement, profile: &ProfileId) -> Option<String> {
    let base = judgement.copies.get(&(StoreId::Base, profile.clone()))?;
    let by_vault = sight.desired.wish.is_some();
    (by_vault && base.remedy == Remedy::Ask)
        .then(|| settle(by_vault, &SourceState::Rejected, &StoreId::Base, &base.owner, profile))
}

/// Returns the source's value and everybody who has or inherits it.
fn source_group(sight: &Sight<'_>, profile: &ProfileId, value: &SourceValue) -> Group {
    let owner = value.store.as_ref().map(|store| sight.owner(store));
    let verdict = match &owner {
        Some(owner) => sight.source_verdict(owner, profile),
        None => any_verdict(sight, value, value.fingerprint),
    };
    Group {
        fingerprint: value.fingerprint,
        agents: users(sight, profile, value.fingerprint),
        verdict,
        proposal: Proposal::Keep,
    }
}

/// Returns a value and everybody who has it or inherits it.
fn holders(sight: &Sight<'_>, profile: &ProfileId, value: &SourceValue, fingerprint: Fingerprint) -> Group {
    Group {
        fingerprint,
        agents: users(sight, profile, fingerprint),
        verdict: any_verdict(sight, value, fingerprint),
        proposal: Proposal::Leave,
    }
}

fn users(sight: &Sight<'_>, profile: &ProfileId, fingerprint: Fingerprint) -> Vec<AgentId> {
    let uses = |store: &StoreId| {
        sight.effective(store, profile).and_then(|(_, view)| view.material.fingerprint()) == Some(fingerprint)
    };
    sight.observed.agents.iter().filter(|agent| uses(&agent.store)).map(|agent| agent.id.clone()).collect()
}

/// Returns the first thing that is known of a value, at the endpoint of anybody who asks this provider.
fn any_verdict(sight: &Sight<'_>, value: &SourceValue, fingerprint: Fingerprint) -> VerdictKind {
    let asked = sight.observed.agents.iter().map(|agent| sight.endpoint(&agent.id, &value.provider));
    asked
        .map(|endpoint| sight.knowledge.verdict_kind(fingerprint, &endpoint))
        .find(|kind| *kind != VerdictKind::NotAsked)
        .unwrap_or(VerdictKind::NotAsked)
}
