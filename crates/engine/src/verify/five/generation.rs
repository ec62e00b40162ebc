//! Do all agents hold the same generation, overrides apart?

use super::{Check, named, no, not_tested, yes};
use crate::look::Look;
use crate::verify::VerifyReport;
use keyshoal_core::judge::{Sight, earlier_value_of};
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::{AgentId, Finding, FindingKind, ProfileId, StoreId};
use std::collections::BTreeMap;

/// Answers by what was judged of every copy.
pub(super) fn same(report: &VerifyReport) -> Check {
    let look = &report.look;
    let apart = |kind| {
        matches!(
            kind,
            FindingKind::Stale
                | FindingKind::Shadowing
                | FindingKind::Foreign
                | FindingKind::Missing
                | FindingKind::Unreadable
                | FindingKind::SourceReverted
        )
    };
    let mut wrong = half_rotated(look);
    let apart = look.judgement.findings.iter().filter(|one| apart(one.finding));
    for one in apart.chain(left_behind(look)) {
        let whose = one.agent.as_ref().map_or("the installation", |agent| agent.as_str());
        wrong.push(format!("{whose}: {}", one.message));
    }
    wrong.extend(under_other_names(look));
    let held = look.observed.stores.values().any(|store| !store.profiles.is_empty());
    let (result, reason) = match (wrong.as_slice(), held) {
        ([], true) => yes(format!("nobody holds an earlier or an unknown value{}", apart_from_it(look))),
        ([], false) => not_tested("no store holds any credential"),
        ([only], _) => no(only),
        ([first, rest @ ..], _) => no(format!("{first}; and {} more", rest.len())),
    };
    let mut evidence = wrong;
    for agent in &look.observed.agents {
        let Some(store) = look.observed.store(&agent.store) else { continue };
        let own = agent.store == StoreId::Base || !store.profiles.is_empty();
        let modified =
            store.modified.map_or_else(|| "never written".to_owned(), |time| format!("changed {time:.0}"));
        evidence.push(match own {
            true => format!("{}: {}, {modified}", agent.id, store.path),
            false => format!("{}: nothing of its own, inherits", agent.id),
        });
    }
    Check {
        id: "same_generation",
        question: "Do all agents hold the same generation, overrides apart?",
        result,
        reason,
        evidence,
    }
}

/// Which rotations are half done: some agents have the new value before the others.
fn half_rotated(look: &Look) -> Vec<String> {
    let mut all: BTreeMap<&ProfileId, Vec<&AgentId>> = BTreeMap::new();
    for (agent, profile) in look.desired.wish.iter().flat_map(|wish| &wish.early) {
        all.entry(profile).or_default().push(agent);
    }
    let one = |(profile, agents): (&ProfileId, Vec<&AgentId>)| {
        format!("a rotation of {profile} is half done: {} before the others", named(&agents))
    };
    all.into_iter().map(one).collect()
}

/// Returns what is told of those who hold an earlier value of what a vault shares because a person kept it there.
pub fn left_behind(look: &Look) -> Vec<&Finding> {
    let sight = Sight::new(&look.observed, &look.desired, &look.knowledge, look.now);
    let behind = |one: &&Finding| {
        let (Some(wish), FindingKind::Kept) = (&look.desired.wish, one.finding) else { return false };
        let (Some(agent), Some(profile), Some(value)) = (&one.agent, &one.profile, one.fingerprint) else {
            return false;
        };
        let own = wish.own_value(agent, profile).map(|own| own.fingerprint);
        let right = [own, one.source_fingerprint].contains(&Some(value));
        !right && sight.is_of_shared(profile, value)
    };
    look.judgement.findings.iter().filter(behind).collect()
}

/// What differs, and why: on purpose, or because nobody else has a profile of that name.
fn apart_from_it(look: &Look) -> String {
    let kept = look.judgement.findings.iter().filter(|one| one.finding == FindingKind::Kept);
    let (meant, alone): (Vec<_>, Vec<_>) = kept.partition(|one| one.source_fingerprint.is_some());
    let mut said = String::new();
    for (number, what) in [
        (meant.len(), "differ on purpose"),
        (
            alone.len(),
            "stand under a name that the source does not have, so that there is nothing to compare them with",
        ),
    ] {
        if number > 0 {
            said.push_str(&format!("; {number} {what}"));
        }
    }
    said
}

/// Who holds an earlier value of the source's under another name, and has not said that it is meant.
fn under_other_names(look: &Look) -> Vec<String> {
    let mut all = Vec::new();
    for one in &look.judgement.findings {
        let (Some(agent), Some(profile), Some(provider), Some(value)) =
            (&one.agent, &one.profile, &one.provider, one.fingerprint)
        else {
            continue;
        };
        let marked = look.knowledge.kept.get(&(agent.clone(), profile.clone()));
        let alone = one.finding == FindingKind::Kept && one.source_fingerprint.is_none();
        if !alone || marked.is_some_and(|mark| mark.by == KeptBy::Person) {
            continue;
        }
        if let Some(other) = earlier_value_of(&look.observed, &look.knowledge, provider, value) {
            all.push(format!("{agent}: {profile} holds {value}, an earlier value of {other}"));
        }
    }
    all
}
