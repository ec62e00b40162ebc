//! Changes of agents and bindings.

use super::{Work, named};
use crate::Cause;
use keyshoal_core::AgentId;
use keyshoal_core::vault::{AgentUid, VaultAgent, VaultBinding};

impl Work<'_> {
    pub(super) fn agent(&mut self, uid: AgentUid) -> Result<&mut VaultAgent, Cause> {
        let found = self.instance.agents.iter_mut().find(|one| one.uid == uid);
        found.ok_or_else(|| Cause::refused(format!("there is no agent {uid}")))
    }

    fn require_free(&self, id: &AgentId) -> Result<(), Cause> {
        named(id.as_str(), "an agent's id")?;
        if self.instance.agents.iter().any(|one| one.id == *id) {
            return Err(Cause::refused(format!("there is an agent {id} already")));
        }
        Ok(())
    }

    pub(super) fn add_agent(&mut self, agent: VaultAgent) -> Result<String, Cause> {
        self.require_free(&agent.id)?;
        if self.instance.agents.iter().any(|one| one.uid == agent.uid) {
            return Err(Cause::refused(format!("there is an agent {} already", agent.uid)));
        }
        let said = format!("agent {} added", agent.id);
        if agent.default {
            self.instance.agents.iter_mut().for_each(|one| one.default = false);
        }
        self.instance.agents.push(agent);
        Ok(said)
    }

    pub(super) fn rename_agent(&mut self, agent: AgentUid, id: AgentId) -> Result<String, Cause> {
        if self.agent(agent)?.id != id {
            self.require_free(&id)?;
        }
        let one = self.agent(agent)?;
        let said = format!("agent {} renamed to {id}", one.id);
        one.id = id;
        Ok(said)
    }

    pub(super) fn remove_agent(&mut self, agent: AgentUid) -> Result<String, Cause> {
        let id = self.agent(agent)?.id.clone();
        self.instance.agents.retain(|one| one.uid != agent);
        self.instance.bindings.retain(|one| one.agent != agent);
        let overrides = self.instance.credentials.iter().filter(|one| one.agent == Some(agent));
        let live = overrides.filter(|one| one.current().is_some()).map(|one| one.uid).collect::<Vec<_>>();
        let mut said = format!("agent {id} removed");
        for credential in live {
            said = format!("{said}, {}", self.drop_credential(credential)?);
        }
        Ok(said)
    }

    pub(super) fn order_agents(&mut self, agents: &[AgentUid]) -> Result<String, Cause> {
        let mut wanted = agents.to_vec();
        let mut known: Vec<AgentUid> = self.instance.agents.iter().map(|one| one.uid).collect();
        wanted.sort_unstable();
        known.sort_unstable();
        if wanted != known {
            return Err(Cause::refused("an order of agents names each of them once"));
        }
        self.instance.agents.sort_by_key(|one| agents.iter().position(|uid| *uid == one.uid));
        Ok("agents put into another order".to_owned())
    }

    pub(super) fn set_default_agent(&mut self, agent: AgentUid) -> Result<String, Cause> {
        let id = self.agent(agent)?.id.clone();
        self.instance.agents.iter_mut().for_each(|one| one.default = one.uid == agent);
        Ok(format!("agent {id} made the default"))
    }

    pub(super) fn set_bindings(&mut self, bindings: Vec<VaultBinding>) -> Result<String, Cause> {
        for binding in &bindings {
            self.agent(binding.agent)?;
        }
        let said = format!("{} bindings set", bindings.len());
        self.instance.bindings = bindings;
        Ok(said)
    }
}
