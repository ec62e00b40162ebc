//! Who gets a new version before everybody does: only agents that hold a copy of their own can.

use crate::look::Look;
use keyshoal_core::judge::{Remedy, Sight};
use keyshoal_core::{AgentId, AgentView, FindingKind, Material, ProfileId, StoreId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How large waves are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The agents of the first wave; empty: the first agent that can be one.
    pub canaries: BTreeSet<AgentId>,
    /// How much of the agents the waves after it reach, in hundredths, growing. Everybody comes last in any case.
    pub percent: Vec<u8>,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { canaries: BTreeSet::new(), percent: vec![50] }
    }
}

/// One wave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// Who gets it in this wave.
    pub agents: BTreeSet<AgentId>,
}

/// Plans the waves before everybody: the canaries, then growing parts of all agents with copies of their own. None where agents share one
/// row or file: that is one step for all who inherit. The same goes for copies that refer to the one file that is delivered.
pub fn plan_waves(look: &Look, profile: &ProfileId, sizes: &Sizes) -> Vec<Wave> {
    let able = able(look, profile);
    let named = able.iter().filter(|id| sizes.canaries.contains(id));
    let canaries: BTreeSet<AgentId> = named.cloned().collect();
    // Somebody comes first in any case.
    let canaries = if canaries.is_empty() { able.first().cloned().into_iter().collect() } else { canaries };
    parts(&able, canaries, &sizes.percent).into_iter().map(|agents| Wave { agents }).collect()
}

/// Returns in which wave each of several instances is, in their order: the canary first, then growing parts of all, then the rest.
pub fn wave_of_each(instances: usize, canary: usize, percent: &[u8]) -> Vec<usize> {
    let all: Vec<usize> = (0..instances).collect();
    let parts = parts(&all, BTreeSet::from([canary]), percent);
    let wave = |at: &usize| parts.iter().position(|part| part.contains(at)).unwrap_or(parts.len());
    all.iter().map(wave).collect()
}

/// Splits off the first ones, then what growing shares of all reach beyond them. The rest is not in it.
fn parts<T: Ord + Clone>(all: &[T], first: BTreeSet<T>, percent: &[u8]) -> Vec<BTreeSet<T>> {
    let mut parts = Vec::new();
    let mut given: BTreeSet<T> = BTreeSet::new();
    let mut add = |part: BTreeSet<T>| {
        let part: BTreeSet<T> = part.difference(&given).cloned().collect();
        if !part.is_empty() {
            given.extend(part.iter().cloned());
            parts.push(part);
        }
    };
    add(first);
    for percent in percent {
        let reach = (all.len() * usize::from(*percent)).div_ceil(100).min(all.len());
        if reach < all.len() {
            add(all.iter().take(reach).cloned().collect());
        }
    }
    parts
}

/// The agents, in the roster's order, that hold a copy of their own which may be replaced, alone in their store.
fn able(look: &Look, profile: &ProfileId) -> Vec<AgentId> {
    let all = look.observed.agents.iter();
    all.filter(|agent| hindrance(look, profile, agent).is_none()).map(|agent| agent.id.clone()).collect()
}

/// Says why an agent cannot get a new version before the others do, if so.
pub fn why_no_canary(look: &Look, profile: &ProfileId, agent: &AgentId) -> Option<&'static str> {
    match look.observed.agent(agent) {
        Some(agent) => hindrance(look, profile, agent),
        None => Some("OpenClaw's config does not have it"),
    }
}

fn hindrance(look: &Look, profile: &ProfileId, agent: &AgentView) -> Option<&'static str> {
    let observed = &look.observed;
    let sight = Sight::new(observed, &look.desired, &look.knowledge, look.now);
    let wish = look.desired.wish.as_ref();
    let overridden = wish.is_some_and(|wish| wish.own_value(&agent.id, profile).is_some());
    let own = observed.profile(&agent.store, profile);
    let refers = own.is_some_and(|own| matches!(own.material, Material::Ref { known: true, .. }));
    if agent.store == StoreId::Base {
        return Some("what stands in its store is what the others inherit");
    }
    if overridden {
        return Some("it has an override of its own, which does not change with this one");
    }
    if own.is_none() {
        return Some("it has no copy of its own, and gets the new value with all who inherit it");
    }
    if refers {
        return Some("its copy refers to the one file that all share");
    }
    if sight.users(&agent.store).len() != 1 {
        return Some("other agents keep their credentials in the same store");
    }
    if observed.not_writable(&agent.store).is_some() {
        return Some("its store must not be written");
    }
    let judged = look.judgement.copies.get(&(agent.store.clone(), profile.clone()));
    let ours = judged.is_some_and(|judged| {
        let wanted = look.desired.values.get(profile).map(|value| value.fingerprint);
        let ours =
            judged.fingerprint == wanted || matches!(judged.remedy, Remedy::Replace(_) | Remedy::FixType(_));
        ours && judged.finding != FindingKind::Kept
    });
    (!ours).then_some("its copy is not the vault's to replace")
}
