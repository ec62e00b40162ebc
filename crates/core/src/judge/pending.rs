//! What a vault has and no store holds yet, and which stores can hold it.

use super::tell::bare;
use super::types::is_static;
use super::words::Words;
use super::{Judgement, Sight, missing};
use crate::{
    AgentView, Finding, FindingKind, Fingerprint, Observation, ProfileId, Severity, SourceValue, StoreHealth,
    StoreId,
};

/// Tells of what the vault has and no store holds yet.
pub(super) fn judge_pending(sight: &Sight<'_>, judgement: &mut Judgement) {
    let Some(wish) = &sight.desired.wish else { return };
    for (profile, value) in &sight.desired.values {
        if sight.observed.profile(&StoreId::Base, profile).is_none() {
            let words = pending(sight, (None, &StoreId::Base), value, "all agents share it");
            judgement.findings.push(about(bare(None, &StoreId::Base, words), profile, value));
        }
    }
    for ((id, profile), line) in &wish.own {
        let Some(value) = &line.value else { continue };
        let Some(agent) = sight.observed.agent(id) else { continue };
        let words = match why_no_override(sight, agent) {
            Some(why) => {
                let text = format!("the vault has {} for {id} alone; {why}", value.fingerprint);
                Words::new(FindingKind::Pending, text)
                    .fix(format!("keyshoal credential override {id} {profile} --remove"))
            }
            None if sight.observed.profile(&agent.store, profile).is_some() => continue,
            None => {
                let words = pending(sight, (Some(agent), &agent.store), value, &format!("it is {id}'s own"));
                match instead(sight, agent, profile, value) {
                    Some(shared) => words.but(&format!(
                        "until its first turn, and a sync after that, {id} sends {shared}, which all share"
                    )),
                    None => words,
                }
            }
        };
        judgement.findings.push(about(bare(Some(id), &agent.store, words), profile, value));
    }
}

/// Says why an agent cannot have an override at all, if so.
pub(crate) fn why_no_override(sight: &Sight<'_>, agent: &AgentView) -> Option<String> {
    if agent.store == StoreId::Base {
        return Some(format!("what stands in the store of {} is what the other agents inherit", agent.id));
    }
    let others: Vec<&str> = sight
        .users(&agent.store)
        .iter()
        .filter(|other| other.id != agent.id)
        .map(|other| other.id.as_str())
        .collect();
    (!others.is_empty()).then(|| format!("{} keeps its credentials in the same store", others.join(", ")))
}

fn pending(
    sight: &Sight<'_>,
    (agent, store): (Option<&AgentView>, &StoreId),
    value: &SourceValue,
    whose: &str,
) -> Words {
    let text = format!("the vault has {} and the store does not hold it yet; {whose}", value.fingerprint);
    let words = Words::new(FindingKind::Pending, text);
    if !is_static(&value.kind) {
        return words
            .severity(Severity::Info)
            .but("it is a login, and only who signs in on this machine has it")
            .fix(missing::signed_in(sight, agent, &value.provider));
    }
    // An override that waits leaves its agent what all share; without the store of all nobody has anything.
    if *store == StoreId::Base && sight.observed.base_is_to_be_made() {
        return words
            .but("OpenClaw makes this store itself, and has not yet")
            .fix("keyshoal sync (where openclaw is on the PATH: it has that make the store)");
    }
    if !can_hold(sight.observed, store) && sight.not_writable(store).is_none() {
        return words.severity(Severity::Info).but("OpenClaw makes this store itself, and has not yet");
    }
    match sight.not_writable(store) {
        Some(why) => words.but(&format!("its store must not be written: {why}")),
        None => words.fix("keyshoal sync"),
    }
}

/// Returns what an agent sends as long as only OpenClaw can make the place of its own.
fn instead(
    sight: &Sight<'_>,
    agent: &AgentView,
    profile: &ProfileId,
    value: &SourceValue,
) -> Option<Fingerprint> {
    let waits = is_static(&value.kind)
        && !can_hold(sight.observed, &agent.store)
        && sight.not_writable(&agent.store).is_none();
    let shared = sight.base()?.profiles.get(profile).filter(|_| waits)?;
    shared.material.fingerprint().filter(|_| sight.reads_through(&shared.kind))
}

/// Tells whether something can be put into a store as it is now. Nobody but the program makes a database.
pub(crate) fn can_hold(observed: &Observation, store: &StoreId) -> bool {
    let Some(store) = observed.store(store) else { return false };
    let capabilities = &observed.capabilities;
    match store.health {
        StoreHealth::Ok | StoreHealth::Empty => true,
        StoreHealth::Absent => capabilities.makes_stores,
        StoreHealth::Unreadable(_) | StoreHealth::NewerSchema { .. } => false,
    }
}

fn about(finding: Finding, profile: &ProfileId, value: &SourceValue) -> Finding {
    Finding {
        profile: Some(profile.clone()),
        provider: Some(value.provider.clone()),
        kind: Some(value.kind.clone()),
        source_fingerprint: Some(value.fingerprint),
        ..finding
    }
}
