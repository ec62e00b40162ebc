//! What the present roster does not tell: stores of agents that have left it, and how things will be once another config stands there.

use super::Held;
use crate::Installation;
use crate::configure::failed;
use keyshoal_core::{AgentId, ConfigEdit, Observation, ProfileId, StoreId};
use keyshoal_engine::ports::PortError;
use keyshoal_openclaw::config::{self, Config};
use keyshoal_openclaw::layout::Resolved;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Installation {
    /// Reads the stores at the usual places of agents that the vault has disabled or renamed and that are in no roster, as long as they hold
    /// anything that the vault has had: whoever took the agent out of the config left it there.
    pub(super) fn left_behind(&self, resolved: &Resolved) -> Vec<(StoreId, Held)> {
        let in_roster = |id: &AgentId| resolved.agents.iter().any(|(known, _, _)| known == id);
        let leaving: Vec<AgentId> = {
            let state = self.state();
            let all = state.wish.iter().flat_map(|wish| &wish.leaving);
            all.filter(|id| !in_roster(id)).cloned().collect()
        };
        let mut left = Vec::new();
        for id in leaving {
            // What cannot be read there is told with the directories that no agent owns.
            let Some(file) = resolved.left_behind(&self.locations, &id) else { continue };
            let Ok(read) = file.read() else { continue };
            let profiles = read.contents.profiles.iter();
            let held: Vec<_> = profiles
                .filter_map(|(profile, stored)| {
                    Some((profile, stored.material(self.prints()).fingerprint()?))
                })
                .collect();
            let is_had = |(profile, value): &(&ProfileId, _)| {
                self.state().wish.as_ref().is_some_and(|wish| wish.has_had(profile, *value))
            };
            if held.iter().any(is_had) {
                left.push((StoreId::Agent(id), Held { file, read }));
            }
        }
        left
    }

    /// Looks as if the config of an edit stood there already, where that has another roster. The newest look stays what it is.
    pub(super) fn look_after(&self, edit: &ConfigEdit) -> Result<Option<Arc<Observation>>, PortError> {
        let (Some(text), Some(seen)) = (self.prepared_text(edit), self.seen()) else { return Ok(None) };
        let config = config::load_text(&self.locations, &self.env, &text);
        let config = config.map_err(|error| failed(&error, None))?;
        let roster = |config: &Config| -> BTreeSet<AgentId> {
            config.agents.iter().map(|agent| agent.id.clone()).collect()
        };
        if roster(&config) == roster(&seen.config) {
            return Ok(None);
        }
        let gateway = seen.observed.instance.gateway.clone();
        Ok(Some(self.look_by(config, gateway)?.observed))
    }
}
