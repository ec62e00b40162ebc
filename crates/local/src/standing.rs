//! What stands in the config of an installation that its vault is to take up or to leave as it is.

use crate::Installation;
use crate::configure::failed;
use keyshoal_core::{AgentId, ConfigChange, ConfigHeld, HeldWhy, Secret, Undecided};
use keyshoal_engine::ports::PortError;
use keyshoal_openclaw::config::by_hand::ByHand;
use keyshoal_openclaw::config::generate::{Sources, WantedAgent, WantedBinding};
use keyshoal_openclaw::config::import::{Imported, import};
use keyshoal_openclaw::{config, files, workspaces};
use std::collections::BTreeMap;
use std::path::PathBuf;

impl Installation {
    fn imported(&self) -> Result<(Sources, Imported), PortError> {
        let sources = Sources::read(&self.locations).map_err(|error| failed(&error, None))?;
        let there = import(&self.locations, &sources).map_err(|error| failed(&error, None))?;
        Ok((sources, there))
    }

    /// Returns what somebody has changed in the config since it was last as the vault wants it, as it was found when that was last prepared.
    pub fn changed_by_hand(&self) -> Vec<ByHand> {
        self.state().by_hand.clone()
    }

    pub(crate) fn forget_by_hand(&self) {
        let mut state = self.state();
        state.held.clear();
        state.by_hand.clear();
        state.strangers.clear();
    }

    /// Returns the agents of the config that the vault has never heard of, as they were found when it was last prepared.
    pub fn strangers(&self) -> Vec<AgentId> {
        self.state().strangers.clone()
    }

    /// Returns what of that only a person can tell: whether an agent that is gone is one of those that the vault does not know.
    pub fn undecided(&self) -> Option<Undecided> {
        let state = self.state();
        undecided(&state.by_hand, &state.strangers)
    }

    /// Tells whether an agent stands in the config, as far as that can be read.
    pub fn is_standing(&self, id: &AgentId) -> bool {
        self.imported().is_ok_and(|(_, there)| there.agents.iter().any(|agent| agent.id == *id))
    }

    pub(crate) fn note_by_hand(&self, found: Vec<ByHand>, strangers: Vec<AgentId>) {
        let words = |one: &ByHand| {
            let (path, mut what) = one.words();
            if let (ByHand::Gone(_), [new]) = (one, strangers.as_slice()) {
                what = format!("{what}, and {new} is, which the vault does not know");
            }
            ConfigChange { path, what }
        };
        let undecided = undecided(&found, &strangers);
        let mut state = self.state();
        if !found.is_empty() {
            let why = HeldWhy::Changed { undecided: undecided.clone() };
            state.held.push(ConfigHeld { why, changes: found.iter().map(words).collect() });
        }
        if !strangers.is_empty() {
            let stands = |id: &AgentId| ConfigChange {
                path: format!("agents[{id}]"),
                what: "is not in the vault".to_owned(),
            };
            let changes = strangers.iter().map(stands).collect();
            state.held.push(ConfigHeld { why: HeldWhy::Unknown { undecided }, changes });
        }
        state.by_hand = found;
        state.strangers = strangers;
    }

    /// Returns the channels, as JSON text; `None` where the config has no such section, or is not there.
    pub fn standing_channels(&self) -> Result<Option<BTreeMap<String, Secret>>, PortError> {
        let (sources, there) = self.imported()?;
        Ok(sources.has("channels").then_some(there.channels))
    }

    /// Returns the agents of the config that the vault has never heard of, as they stand, and the bindings that lead to them.
    pub fn standing_strangers(&self) -> Result<(Vec<WantedAgent>, Vec<WantedBinding>), PortError> {
        let strangers = self.strangers();
        let (_, there) = self.imported()?;
        let agents = there.agents.into_iter().filter(|agent| strangers.contains(&agent.id)).collect();
        let bindings = there.bindings.into_iter().filter(|one| strangers.contains(&one.agent)).collect();
        Ok((agents, bindings))
    }

    /// Returns an agent as it stands in the roster, if it does, and the bindings that lead to it.
    pub fn standing_agent(
        &self,
        id: &AgentId,
    ) -> Result<(Option<WantedAgent>, Vec<WantedBinding>), PortError> {
        let (_, there) = self.imported()?;
        let bindings = there.bindings.into_iter().chain(there.unowned);
        let bindings = bindings.filter(|binding| binding.agent == *id).collect();
        Ok((there.agents.into_iter().find(|agent| agent.id == *id), bindings))
    }

    /// Returns where an agent works, if the config does not name it and it is there: under another id, or as the default agent or not any
    /// more, OpenClaw would have it work elsewhere.
    pub fn implied_workspace(&self, id: &AgentId) -> Result<Option<PathBuf>, PortError> {
        let of = |error: config::ConfigError| failed(&error, None);
        let config = config::load(&self.locations, &self.env).map_err(of)?;
        let raw = config::raw(&self.locations).map_err(of)?;
        let Some(agent) = config.agents.iter().find(|agent| agent.id == *id) else { return Ok(None) };
        let place = workspaces::of_agent(&self.locations, &self.env, &config, raw.as_ref(), agent);
        Ok((place.written.is_none() && files::exists(&place.path)).then_some(place.path))
    }

    /// Returns where the session files of an agent are, if there are any.
    pub fn sessions_of(&self, id: &AgentId) -> Option<PathBuf> {
        let dir = workspaces::sessions_of(&self.locations, id);
        files::exists(&dir).then_some(dir)
    }
}

fn undecided(found: &[ByHand], strangers: &[AgentId]) -> Option<Undecided> {
    let gone = found.iter().find_map(|one| match one {
        ByHand::Gone(id) => Some(id.clone()),
        _ => None,
    })?;
    (!strangers.is_empty()).then(|| Undecided { gone, strangers: strangers.to_vec() })
}
