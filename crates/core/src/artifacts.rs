//! What every agent gets of a vault's credentials: emitted into its own store, inherited, waited for, or not, and why.

use crate::judge::{Judgement, Remedy, Sight, can_hold, is_static, why_no_override};
use crate::knowledge::KeptBy;
use crate::{
    AgentId, AgentView, FindingKind, Fingerprint, Observation, ProfileId, ProviderId, SourceValue, StoreId,
    Wish,
};
use serde::Serialize;
use std::collections::BTreeSet;

/// Why a value does not come by itself.
const ASKED: &str = "another value stands there, and a person decides about it (keyshoal status)";

/// What one agent gets of one profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// The profile.
    pub profile: ProfileId,
    /// Its provider; `None` where nothing is wanted any more.
    pub provider: Option<ProviderId>,
    /// The value that the vault wants for this agent; `None` where it wants none.
    pub fingerprint: Option<Fingerprint>,
    /// How the agent gets it.
    pub how: How,
}

/// How an agent gets a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum How {
    /// It stands, or shall stand, in this store: the agent's own, or the one that all inherit from, for the agent that has it.
    Emitted {
        /// Whether it stands there now.
        there: bool,
    },
    /// It stands, or shall stand, in the store that the agent inherits from.
    Inherits {
        /// Whether it stands there now, with nothing of the agent's own before it.
        there: bool,
    },
    /// It comes when something else has happened.
    Pending {
        /// What.
        why: String,
        /// Whether nobody has to do anything for it: OpenClaw makes its place, and the next `sync` or `watch` brings it there.
        by_itself: bool,
    },
    /// It does not come.
    Skipped {
        /// Why.
        why: String,
    },
}

/// What one agent gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentArtifacts {
    /// The agent.
    pub agent: AgentId,
    /// Whether the vault has it.
    pub in_vault: bool,
    /// Whether it is in the roster that the vault wants.
    pub enabled: bool,
    /// Every profile that the vault knows for it.
    pub artifacts: Vec<Artifact>,
}

/// Says what every agent gets, in the order of `agents`: those that the vault has, whether the installation has them yet or not.
pub fn artifacts(
    sight: &Sight<'_>,
    judgement: &Judgement,
    wish: &Wish,
    agents: &[AgentId],
) -> Vec<AgentArtifacts> {
    let artifact = |id: &AgentId, profile: &ProfileId| {
        let made = artifact(sight, judgement, wish, id, profile);
        let comes = matches!(made.how, How::Emitted { there: false } | How::Inherits { there: false });
        match sight.observed.agent(id).filter(|agent| comes && is_asked(sight, judgement, agent, profile)) {
            Some(_) => Artifact { how: pending(ASKED), ..made },
            None => made,
        }
    };
    let one = |id: &AgentId| {
        let mut profiles: BTreeSet<&ProfileId> = wish.shared.keys().collect();
        profiles.extend(wish.own.keys().filter(|(whose, _)| whose == id).map(|(_, profile)| profile));
        AgentArtifacts {
            agent: id.clone(),
            in_vault: true,
            enabled: !wish.leaving.contains(id),
            artifacts: profiles.into_iter().map(|profile| artifact(id, profile)).collect(),
        }
    };
    agents.iter().map(one).collect()
}

fn artifact(
    sight: &Sight<'_>,
    judgement: &Judgement,
    wish: &Wish,
    id: &AgentId,
    profile: &ProfileId,
) -> Artifact {
    // Who is disabled gets nothing, neither of its own nor of what all share.
    let disabled = wish.leaving.contains(id);
    let own = wish.own_value(id, profile);
    let wanted = own.or_else(|| wish.shared.get(profile)?.value.as_ref()).filter(|_| !disabled);
    let how = match (wanted, sight.observed.agent(id)) {
        _ if disabled => match left(sight, judgement, id, profile) {
            Some(left) => pending(&format!(
                "the agent is disabled, and its store still holds {left}: keyshoal sync takes it away"
            )),
            None => skipped("the agent is disabled"),
        },
        (None, _) => skipped("the vault has taken it back"),
        (Some(_), None) => pending("the agent is in no roster yet"),
        (Some(value), Some(agent)) => how(sight, agent, profile, value, own.is_some()),
    };
    Artifact {
        profile: profile.clone(),
        provider: wanted.map(|value| value.provider.clone()),
        fingerprint: wanted.map(|value| value.fingerprint),
        how,
    }
}

fn how(sight: &Sight<'_>, agent: &AgentView, profile: &ProfileId, value: &SourceValue, own: bool) -> How {
    if let Some(kept) = kept_instead(sight, agent, profile, value) {
        return skipped(&format!("it keeps a value of its own ({kept}), which is never written over"));
    }
    if own {
        return match why_no_override(sight, agent) {
            Some(why) => skipped(&why),
            None => stands(sight, &agent.store, profile, value),
        };
    }
    let base = stands(sight, &StoreId::Base, profile, value);
    if agent.store == StoreId::Base {
        return base;
    }
    match held(sight.observed, &agent.store, profile) {
        // A copy of its own goes before what it would inherit.
        Some(copy) if copy == value.fingerprint => How::Emitted { there: true },
        Some(_) if !sight.observed.capabilities.prefers_inheritance => How::Emitted { there: false },
        copy => match base {
            How::Emitted { there } if sight.reads_through(&value.kind) => {
                How::Inherits { there: there && copy.is_none() }
            }
            How::Emitted { .. } => skipped("agents of this release inherit nothing of this type"),
            other => other,
        },
    }
}

/// Tells whether what stands there instead, or in the store that it inherits from, is left until a person decides about it.
fn is_asked(sight: &Sight<'_>, judgement: &Judgement, agent: &AgentView, profile: &ProfileId) -> bool {
    let own = held(sight.observed, &agent.store, profile).is_some();
    let place = if own { &agent.store } else { &StoreId::Base };
    let judged = judgement.copies.get(&(place.clone(), profile.clone()));
    judged.is_some_and(|one| one.finding == FindingKind::Foreign)
}

/// Returns the value that an agent keeps on purpose where the vault wants another.
fn kept_instead(
    sight: &Sight<'_>,
    agent: &AgentView,
    profile: &ProfileId,
    value: &SourceValue,
) -> Option<Fingerprint> {
    let there = held(sight.observed, &agent.store, profile).filter(|there| *there != value.fingerprint)?;
    let mut marks = sight.marks(&agent.store, profile);
    let kept = marks.any(|mark| mark.by == KeptBy::Person || mark.fingerprint == there);
    (kept && agent.store != StoreId::Base).then_some(there)
}

fn stands(sight: &Sight<'_>, store: &StoreId, profile: &ProfileId, value: &SourceValue) -> How {
    let there = held(sight.observed, store, profile) == Some(value.fingerprint);
    if there {
        return How::Emitted { there };
    }
    if !is_static(&value.kind) {
        let view = sight.observed.profile(store, profile);
        return skipped(match view.is_some_and(|view| view.kind == value.kind) {
            true => "its login stands there, and OpenClaw alone writes and renews it",
            false => "a login is never written by us: sign in with OpenClaw's own command",
        });
    }
    if let Some(why) = sight.not_writable(store) {
        return pending(&format!("its store must not be written: {why}"));
    }
    match can_hold(sight.observed, store) {
        true => How::Emitted { there },
        // Without the store of all, nobody has anything.
        false => How::Pending {
            why: "OpenClaw has not made its store yet".to_owned(),
            by_itself: *store != StoreId::Base,
        },
    }
}

/// Returns what the store of a disabled agent still holds of what the vault has given it.
fn left(sight: &Sight<'_>, judgement: &Judgement, id: &AgentId, profile: &ProfileId) -> Option<Fingerprint> {
    let own = sight.observed.agent(id).map(|agent| agent.store.clone());
    let place = (own.unwrap_or_else(|| StoreId::Agent(id.clone())), profile.clone());
    let judged = judgement.copies.get(&place).filter(|judged| judged.remedy == Remedy::Withdraw)?;
    judged.fingerprint
}

fn held(observed: &Observation, store: &StoreId, profile: &ProfileId) -> Option<Fingerprint> {
    observed.profile(store, profile)?.material.fingerprint()
}

fn pending(why: &str) -> How {
    How::Pending { why: why.to_owned(), by_itself: false }
}

fn skipped(why: &str) -> How {
    How::Skipped { why: why.to_owned() }
}
