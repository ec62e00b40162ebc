//! What the history says that single agents had of their own: where no row tells, it names what was lost.

use crate::{Vault, VaultError};
use keyshoal_core::vault::VaultInstance;
use keyshoal_core::{AgentId, ProfileId};
use std::collections::BTreeSet;

type Place = (AgentId, ProfileId);

/// Overrides by the words of a history.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Owned {
    /// Those that were added, and neither dropped nor lost since.
    pub(crate) had: BTreeSet<Place>,
    /// Those that a repair could not have again, of agents that were not enabled since.
    pub(crate) lost: BTreeSet<Place>,
    /// The agents that were added, and neither removed nor lost since.
    pub(crate) agents: BTreeSet<AgentId>,
}

impl Owned {
    /// Reads the sentences of one instance's history, the oldest first.
    pub(crate) fn told<'a>(sentences: impl IntoIterator<Item = &'a str>) -> Self {
        let mut told = Self::default();
        sentences.into_iter().for_each(|one| told.hear(one));
        told
    }

    fn hear(&mut self, said: &str) {
        if said.starts_with("instance ") && said.ends_with(" taken in") {
            *self = Self::default();
        } else if let Some(rest) = said.strip_prefix("repaired override ") {
            let lost = rest.split_once(" (from: nowhere").and_then(|(named, _)| place(named));
            if let Some(place) = lost {
                self.had.remove(&place);
                self.lost.insert(place);
            }
        } else if let Some(place) = between(said, "override ", " added").and_then(place) {
            self.lost.remove(&place);
            self.had.insert(place);
        } else if let Some(place) = between(said, "override ", " dropped").and_then(place) {
            self.had.remove(&place);
            self.lost.remove(&place);
        } else if let Some(rest) = said.strip_prefix("repaired agent ") {
            let lost = rest.split_once(" (from: nowhere").map(|(whose, _)| AgentId::new(whose));
            lost.map(|lost| self.agents.remove(&lost));
        } else if let Some((from, to)) =
            said.strip_prefix("agent ").and_then(|it| it.split_once(" renamed to "))
        {
            let rename = |all: &BTreeSet<Place>| {
                let named =
                    |whose: &AgentId| AgentId::new(if whose.as_str() == from { to } else { whose.as_str() });
                all.iter().map(|(whose, profile)| (named(whose), profile.clone())).collect()
            };
            (self.had, self.lost) = (rename(&self.had), rename(&self.lost));
            if self.agents.remove(&AgentId::new(from)) {
                self.agents.insert(AgentId::new(to));
            }
        } else if let Some(whose) = between(said, "agent ", " added") {
            self.agents.insert(AgentId::new(whose));
        } else if let Some(whose) = between(said, "agent ", " enabled") {
            self.lost.retain(|(agent, _)| agent.as_str() != whose);
        } else if let Some((whose, _)) = said.strip_prefix("agent ").and_then(|it| it.split_once(" removed"))
        {
            self.agents.remove(&AgentId::new(whose));
            self.had.retain(|(agent, _)| agent.as_str() != whose);
            self.lost.retain(|(agent, _)| agent.as_str() != whose);
        }
    }
}

fn between<'a>(said: &'a str, before: &str, after: &str) -> Option<&'a str> {
    said.strip_prefix(before)?.strip_suffix(after)
}

/// Reads `PROFILE of AGENT`. No agent's id has a blank in it.
fn place(named: &str) -> Option<Place> {
    let (profile, agent) = named.rsplit_once(" of ")?;
    Some((AgentId::new(agent), ProfileId::new(profile)))
}

impl Vault {
    /// Returns the profiles of which a disabled agent had a value of its own until a repair could not have it again.
    pub fn lost_overrides(
        &self,
        instance: &VaultInstance,
        agent: &AgentId,
    ) -> Result<Vec<ProfileId>, VaultError> {
        let events = self.events(Some(&instance.id), u32::MAX)?;
        let told = Owned::told(events.iter().rev().map(|event| event.what.as_str()));
        let of_agent = told.lost.into_iter().filter(|(whose, _)| whose == agent);
        let uid = instance.agents.iter().find(|one| one.id == *agent).map(|one| one.uid);
        let has = |profile: &ProfileId| {
            let mut own =
                instance.credentials.iter().filter(|one| one.agent == uid && one.current().is_some());
            own.any(|one| one.profile == *profile)
        };
        Ok(of_agent.map(|(_, profile)| profile).filter(|profile| !has(profile)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_is_told_until_its_agent_is_enabled() {
        let mut said = vec![
            "instance one taken in",
            "agent ops added",
            "agent main added",
            "override acme:a of x of ops added",
            "override acme:b of ops added",
            "override acme:b of ops dropped",
            "agent ops renamed to duty",
            "agent duty disabled",
        ];
        let place = (AgentId::new("duty"), ProfileId::new("acme:a of x"));
        let before = Owned::told(said.iter().copied());
        assert_eq!((before.had, before.lost), (BTreeSet::from([place.clone()]), BTreeSet::new()));
        let agents = |names: &[&str]| names.iter().copied().map(AgentId::new).collect::<BTreeSet<_>>();
        assert_eq!(before.agents, agents(&["duty", "main"]));
        said.push("repaired override acme:a of x of duty (from: nowhere, lost: its value)");
        said.push("repaired override acme:c of duty (from: installation, lost: who gave it, and when)");
        let lost = Owned::told(said.iter().copied());
        assert_eq!((lost.had, lost.lost), (BTreeSet::new(), BTreeSet::from([place])));
        for (ending, stay) in [
            ("agent duty enabled", &["duty", "main"] as &[_]),
            ("agent duty removed, override acme:a of x of duty dropped", &["main"]),
        ] {
            let after = Owned::told(said.iter().copied().chain([ending]));
            assert_eq!((after.lost, after.agents), (BTreeSet::new(), agents(stay)), "{ending}");
        }
        said.push("repaired agent duty (from: nowhere, lost: its row)");
        assert_eq!(Owned::told(said.iter().copied()).agents, agents(&["main"]));
    }
}
