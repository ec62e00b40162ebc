//! What somebody has changed in a config since it was last as its vault wants it, of what the vault decides.
//!
//! Three are compared: what is wanted, what stands there, and what stood there when it was last as wanted. Where the vault still wants that
//! and the config has something else, somebody has changed the config. Where the vault wants something new, it has changed its mind.

use super::generate::{Wanted, WantedBinding};
use super::import::Imported;
use keyshoal_core::vault::ModelChoice;
use keyshoal_core::{AgentId, ProfileId, ProviderId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a vault decides of a config, as far as others change it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    agents: BTreeMap<AgentId, Said>,
    default: Option<AgentId>,
    models: ModelChoice,
    bindings: Vec<Route>,
    order: BTreeMap<ProviderId, Vec<ProfileId>>,
}

/// A binding: to whom, what, and a note.
type Route = (AgentId, Value, Option<String>);

/// What is said of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    name: Option<String>,
    workspace: Option<String>,
    models: ModelChoice,
}

/// One thing that somebody has changed, as it stands now.
#[derive(Clone, Debug, PartialEq)]
pub enum ByHand {
    /// An agent has left the roster.
    Gone(AgentId),
    /// An agent's display name.
    Name(AgentId, Option<String>),
    /// An agent's workspace.
    Workspace(AgentId, Option<String>),
    /// An agent's models.
    AgentModels(AgentId, ModelChoice),
    /// Who is the default agent.
    Default(Option<AgentId>),
    /// The models of all.
    Models(ModelChoice),
    /// The bindings of the vault's agents.
    Bindings(Vec<WantedBinding>),
    /// Which profiles of a provider come first; empty where nothing is said.
    Order(ProviderId, Vec<ProfileId>),
}

fn route(binding: &WantedBinding) -> Route {
    (binding.agent.clone(), binding.matching.clone(), binding.comment.clone())
}

impl Decided {
    /// Takes what is wanted.
    pub fn of(wanted: &Wanted) -> Self {
        let said = |agent: &super::generate::WantedAgent| Said {
            name: agent.name.clone(),
            workspace: agent.workspace.clone(),
            models: agent.models.clone(),
        };
        // What goes is in no order any more.
        let stays = |list: &Vec<ProfileId>| {
            list.iter().filter(|id| !wanted.gone_profiles.contains(*id)).cloned().collect()
        };
        Self {
            agents: wanted.agents.iter().map(|agent| (agent.id.clone(), said(agent))).collect(),
            default: wanted.agents.iter().find(|agent| agent.default).map(|agent| agent.id.clone()),
            models: wanted.models.clone(),
            bindings: wanted.bindings.iter().map(route).collect(),
            order: wanted.order.iter().map(|(provider, list)| (provider.clone(), stays(list))).collect(),
        }
    }
}

/// Finds what somebody has changed since the config was last as it is wanted. Agents that the vault does not want are nothing of it.
pub fn changed(wanted: &Wanted, there: &Imported, last: &Decided) -> Vec<ByHand> {
    let now = Decided::of(wanted);
    let mut found = Vec::new();
    for (id, said) in &now.agents {
        let old = wanted.renamed.get(id).unwrap_or(id);
        let Some(before) = last.agents.get(id).or_else(|| last.agents.get(old)) else { continue };
        let stands = |id: &AgentId| there.agents.iter().find(|agent| agent.id == *id);
        let Some(agent) = stands(id).or_else(|| stands(old)) else {
            found.push(ByHand::Gone(id.clone()));
            continue;
        };
        if said.name == before.name && agent.name != said.name {
            found.push(ByHand::Name(id.clone(), agent.name.clone()));
        }
        // Where OpenClaw makes ownership explicit, it writes the workspace of the former default agent down by itself.
        let migrated = there.explicit && said.workspace.is_none();
        if said.workspace == before.workspace && agent.workspace != said.workspace && !migrated {
            found.push(ByHand::Workspace(id.clone(), agent.workspace.clone()));
        }
        if said.models == before.models && agent.models != said.models {
            found.push(ByHand::AgentModels(id.clone(), agent.models.clone()));
        }
    }
    let default = there.agents.iter().find(|agent| agent.default).map(|agent| agent.id.clone());
    if now.default == last.default && default != now.default && now.default.is_some() {
        found.push(ByHand::Default(default));
    }
    if now.models == last.models && there.models != now.models {
        found.push(ByHand::Models(there.models.clone()));
    }
    let ours = there.bindings.iter().filter(|binding| now.agents.contains_key(&binding.agent));
    let ours: Vec<WantedBinding> = ours.cloned().collect();
    if now.bindings == last.bindings && ours.iter().map(route).ne(now.bindings.iter().cloned()) {
        found.push(ByHand::Bindings(ours));
    }
    for (provider, list) in &now.order {
        let stands = there.order.iter().find(|(one, _)| one == provider);
        let stands = stands.map(|(_, list)| list.clone()).unwrap_or_default();
        if last.order.get(provider) == Some(list) && stands != *list {
            found.push(ByHand::Order(provider.clone(), stands));
        }
    }
    found
}

impl ByHand {
    /// Has what stands there be wanted.
    pub fn leave(&self, wanted: &mut Wanted) {
        let agent = |wanted: &mut Wanted, id: &AgentId, put: &dyn Fn(&mut super::generate::WantedAgent)| {
            wanted.agents.iter_mut().filter(|agent| agent.id == *id).for_each(put);
        };
        match self {
            Self::Gone(id) => {
                wanted.agents.retain(|agent| agent.id != *id);
                wanted.bindings.retain(|binding| binding.agent != *id);
            }
            Self::Name(id, name) => agent(wanted, id, &|agent| agent.name.clone_from(name)),
            Self::Workspace(id, place) => agent(wanted, id, &|agent| agent.workspace.clone_from(place)),
            Self::AgentModels(id, models) => agent(wanted, id, &|agent| agent.models.clone_from(models)),
            Self::Default(id) => {
                wanted.agents.iter_mut().for_each(|agent| agent.default = Some(&agent.id) == id.as_ref());
            }
            Self::Models(models) => wanted.models.clone_from(models),
            Self::Bindings(bindings) => wanted.bindings.clone_from(bindings),
            Self::Order(provider, list) => drop(match list.is_empty() {
                true => wanted.order.remove(provider),
                false => wanted.order.insert(provider.clone(), list.clone()),
            }),
        }
    }

    /// Says where it stands and what stands there.
    pub fn words(&self) -> (String, String) {
        let of = |id: &AgentId, key: &str| format!("agents[{id}].{key}");
        let text =
            |text: &Option<String>| text.clone().map_or("not there".to_owned(), |text| format!("now {text}"));
        let models = |models: &ModelChoice| {
            let all: Vec<&str> = models.primary.iter().chain(&models.fallbacks).map(String::as_str).collect();
            if all.is_empty() { "not there".to_owned() } else { format!("now {}", all.join(", ")) }
        };
        match self {
            Self::Gone(id) => (format!("agents[{id}]"), "not there".to_owned()),
            Self::Name(id, name) => (of(id, "name"), text(name)),
            Self::Workspace(id, place) => (of(id, "workspace"), text(place)),
            Self::AgentModels(id, choice) => (of(id, "model"), models(choice)),
            Self::Default(id) => {
                ("the default agent".to_owned(), text(&id.as_ref().map(|id| id.as_str().to_owned())))
            }
            Self::Models(choice) => ("agents.defaults.model".to_owned(), models(choice)),
            Self::Bindings(_) => ("bindings".to_owned(), "now others".to_owned()),
            Self::Order(provider, list) => {
                let list: Vec<&str> = list.iter().map(ProfileId::as_str).collect();
                let list = (!list.is_empty()).then(|| list.join(", "));
                (format!("auth.order.{provider}"), text(&list))
            }
        }
    }
}
