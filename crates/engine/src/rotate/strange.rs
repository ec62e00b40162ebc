//! Values that somebody else has put where the vault has another one: a person decides about them, and no rotation writes over them.

use super::proof::held;
use crate::look::Look;
use keyshoal_core::judge::{Judged, Remedy};
use keyshoal_core::{AgentId, FindingKind, Fingerprint, ProfileId, StoreId};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strange {
    /// Where it stands.
    pub place: StoreId,
    /// Which it is.
    pub value: Fingerprint,
    /// Who has it from there.
    pub agents: Vec<AgentId>,
}

impl Strange {
    /// Says how the vault comes to have it.
    pub fn way_in(&self, profile: &ProfileId) -> String {
        let whose = match &self.place {
            StoreId::Base => "base",
            StoreId::Agent(agent) => agent.as_str(),
        };
        format!("keyshoal credential adopt {whose} {profile}   takes it into the vault")
    }
}

/// Tells whether a person decides about what stands somewhere: no rotation brings anything there before.
pub(super) fn is_asked(judged: &Judged) -> bool {
    judged.finding == FindingKind::Foreign && judged.remedy == Remedy::Ask
}

/// Returns what those have of whom all that share a profile (or, of an override, this agent) would get a new version.
pub fn strange(look: &Look, profile: &ProfileId, owner: Option<&AgentId>) -> Vec<Strange> {
    let wish = look.desired.wish.as_ref();
    let shares = |id: &AgentId| match owner {
        Some(owner) => owner == id,
        None => wish.is_none_or(|wish| !wish.leaving.contains(id) && wish.own_value(id, profile).is_none()),
    };
    let foreign = |place: &StoreId| {
        let judged = look.judgement.copies.get(&(place.clone(), profile.clone()));
        judged.is_some_and(|one| one.finding == FindingKind::Foreign)
    };
    let of_all = look.observed.profile(&StoreId::Base, profile).and_then(|view| view.material.fingerprint());
    let of_all = of_all.filter(|_| foreign(&StoreId::Base));
    let mut all: Vec<Strange> = Vec::new();
    for agent in look.observed.agents.iter().filter(|agent| shares(&agent.id)) {
        let (place, value) = held(&look.observed, &agent.store, profile);
        let (Some(value), true) = (value, foreign(&place)) else { continue };
        // A copy of what stands in the base store is no value of the agent's own.
        let is_copy = owner.is_none() && of_all == Some(value);
        let place = if is_copy { StoreId::Base } else { place };
        match all.iter_mut().find(|known| known.place == place) {
            Some(known) => known.agents.push(agent.id.clone()),
            None => all.push(Strange { place, value, agents: vec![agent.id.clone()] }),
        }
    }
    all
}
