//! From words to findings: what a person reads, with what a program can sort it by.

use super::words::Words;
use super::{BASE_OWNER, Sight};
use crate::{AgentId, Finding, FindingKind, Fingerprint, ProfileId, ProfileView, StoreId, Timestamp};

/// Makes a finding about a profile.
pub(super) fn tell(
    sight: &Sight<'_>,
    agent: Option<&AgentId>,
    store: &StoreId,
    profile: &ProfileId,
    view: &ProfileView,
    words: Words,
) -> Finding {
    let owner = agent.cloned().unwrap_or_else(|| AgentId::new(BASE_OWNER));
    let missing = words.kind == FindingKind::Missing;
    let fingerprint = view.material.fingerprint().filter(|_| !missing);
    let verdict = fingerprint.and_then(|value| sight.verdict(&owner, &view.provider, value)).cloned();
    Finding {
        profile: Some(profile.clone()),
        provider: Some(view.provider.clone()),
        kind: Some(view.kind.clone()),
        fingerprint,
        source_fingerprint: sight.wanted(store, profile).map(|source| source.fingerprint),
        first_seen: fingerprint.and_then(|value| first_seen(sight, &owner, profile, value)),
        verdict,
        ..bare(agent, store, words)
    }
}

fn first_seen(
    sight: &Sight<'_>,
    owner: &AgentId,
    profile: &ProfileId,
    value: Fingerprint,
) -> Option<Timestamp> {
    let key = (owner.clone(), profile.clone(), value);
    let generations = sight.knowledge.generations.get(profile);
    sight.knowledge.first_seen.get(&key).copied().or_else(|| {
        generations.into_iter().flatten().find(|one| one.fingerprint == value).map(|one| one.first_seen)
    })
}

/// Makes a finding that is about no profile.
pub(super) fn bare(agent: Option<&AgentId>, store: &StoreId, words: Words) -> Finding {
    Finding {
        finding: words.kind,
        severity: words.severity,
        agent: agent.cloned(),
        profile: None,
        provider: None,
        store: Some(store.clone()),
        kind: None,
        fingerprint: None,
        source_fingerprint: None,
        first_seen: None,
        verdict: None,
        message: words.message,
        fix: words.fix,
    }
}
