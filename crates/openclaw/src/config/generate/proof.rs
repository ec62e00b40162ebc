//! What is refused before anything is generated, and the proof of what was.

use super::change::Change;
use super::references;
use super::sources::Sources;
use super::view::{Strange, View, kind};
use super::wanted::Wanted;
use super::weave;
use crate::agent_id;
use crate::config::notes::{Look, Steps};
use crate::config::{ConfigError, include, provider_id, substitute, text};
use crate::locate::Locations;
use keyshoal_core::AgentId;
use serde_json::Value;
use std::collections::BTreeSet;

/// Objects in which no key may stand twice: of two the program takes one, and people often mean the other.
const WATCHED: &[&[&str]] = &[
    &[],
    &["agents"],
    &["agents", "defaults"],
    &["agents", "defaults", "model"],
    &["agents", "defaults", "systemAgent"],
    &["agents", "defaults", "heartbeat"],
    &["talk"],
    &["broadcast"],
    &["agents", "list", "*"],
    &["agents", "list", "*", "model"],
    &["agents", "entries"],
    &["agents", "entries", "*"],
    &["agents", "entries", "*", "model"],
    &["bindings", "*"],
    &["auth"],
    &["auth", "profiles"],
    &["auth", "profiles", "*"],
    &["auth", "order"],
    &["channels"],
    &["secrets"],
    &["secrets", "providers"],
    &["gateway"],
    &["gateway", "auth"],
];

/// Refuses a config in which a key stands twice.
pub(super) fn nothing_twice(locations: &Locations, sources: &Sources) -> Result<(), ConfigError> {
    match weave::twice(sources.text(), WATCHED) {
        None => Ok(()),
        Some((at, key)) => {
            let problem = format!("the key {key:?} stands here a second time");
            Err(sources.refuse_at(locations, weave::Unsafe { at, problem }))
        }
    }
}

/// Refuses to replace a value that a variable decides.
pub(super) fn no_variables(
    locations: &Locations,
    sources: &Sources,
    change: &Change,
) -> Result<(), ConfigError> {
    match decided_elsewhere(&Look::root(&sources.root), change) {
        None => Ok(()),
        Some(steps) => {
            let problem = "shall be another value, but a variable (${…}) decides it".to_owned();
            Err(sources.refuse(locations, &Strange { steps, problem }))
        }
    }
}

fn decided_elsewhere(look: &Look<'_>, change: &Change) -> Option<Steps> {
    match change {
        Change::Keep => None,
        Change::Put(_) | Change::Drop => has_variable(look.value).then(|| look.steps.clone()),
        Change::Patch(members) => {
            members.iter().find_map(|(key, change)| decided_elsewhere(&look.at(key)?, change))
        }
        Change::Members(members) => members.iter().find_map(|member| {
            let from = look.at(member.from.as_ref()?)?;
            decided_elsewhere(&from, &member.change)
        }),
        Change::Elements(elements) => elements.iter().find_map(|element| {
            let from = element.from?;
            let value = look.value.get(from)?;
            decided_elsewhere(&Look { value, steps: look.steps.index(from) }, &element.change)
        }),
    }
}

fn has_variable(value: &Value) -> bool {
    match value {
        Value::String(text) => substitute::has_variable(text),
        Value::Array(all) => all.iter().any(has_variable),
        Value::Object(all) => all.values().any(has_variable),
        _ => false,
    }
}

/// Proves a text: parsed as OpenClaw parses it, alone and with what it includes, it is the old config with exactly the change, and
/// what it holds of what is generated is what was wanted.
pub(super) fn as_meant(
    locations: &Locations,
    sources: &Sources,
    change: &Change,
    woven: &str,
    before: &View,
    wanted: &Wanted,
) -> Result<(), ConfigError> {
    let path = &locations.config_path;
    let root = text::parse(path, woven)?;
    let whole = include::resolve(root.clone(), woven, locations)?.value;
    let exact = change.applied(Some(&sources.root)).as_ref() == Some(&root)
        && change.applied(Some(&sources.whole)).as_ref() == Some(&whole);
    let meets = View::of(&whole).is_ok_and(|view| meets(&view, before, wanted));
    if exact && meets {
        return Ok(());
    }
    let problem = "would not be what was wanted, or change something else as well".to_owned();
    Err(sources.refuse(locations, &Strange { steps: Steps::default(), problem }))
}

fn meets(view: &View, before: &View, wanted: &Wanted) -> bool {
    let implied = view.agents.is_empty() && before.agents.is_empty() && wanted.agents.len() == 1;
    let agents = view.agents.len() == wanted.agents.len()
        && view.agents.iter().zip(&wanted.agents).all(|(seen, agent)| {
            seen.id == agent.id
                && seen.name == agent.name
                && (seen.workspace == agent.workspace || view.explicit && agent.workspace.is_none())
                && seen.models.choice == agent.models
        });
    let default = wanted.agents.iter().find(|agent| agent.default);
    let default = default.is_none_or(|agent| view.default_agent() == Some(&agent.id));
    let is_known = |id: &AgentId| {
        wanted.agents.iter().any(|one| one.id == *id) || wanted.bindings.iter().any(|one| one.agent == *id)
    };
    let routes = view.bindings.iter().filter(|bound| !bound.acp && is_known(&bound.agent));
    let bindings = routes.clone().count() == wanted.bindings.len()
        && routes.zip(&wanted.bindings).all(|(seen, binding)| {
            seen.agent == binding.agent
                && seen.matching == binding.matching
                && seen.comment == binding.comment
        });
    let profiles = wanted.profiles.iter().all(|(id, (provider, mode))| {
        view.profiles.get(id).is_some_and(|(now, word)| provider_id(now) == *provider && kind(word) == *mode)
    });
    let order = wanted.order.iter().all(|(provider, list)| {
        let mut list = list.clone();
        list.retain(|id| !wanted.gone_profiles.contains(id));
        view.order.get(provider).map_or(list.is_empty(), |(_, now)| *now == list)
    });
    (implied || agents && default)
        && view.models.choice == wanted.models
        && bindings
        && profiles
        && order
        && !wanted.gone_profiles.iter().any(|id| view.profiles.contains_key(id))
}

/// Says where else agents are named that the roster does not have any more.
pub(super) fn strangers(root: &Value, view: &View, wanted: &Wanted) -> Vec<String> {
    let gone: BTreeSet<&AgentId> = view
        .agents
        .iter()
        .map(|seen| &seen.id)
        .filter(|id| !wanted.agents.iter().any(|agent| agent.id == **id))
        .collect();
    let mut notes = Vec::new();
    if !gone.is_empty() {
        look_for(&Look::root(root), "", &gone, &mut notes);
    }
    notes
}

/// What ids of agents stand under.
const NAMING: [&str; 8] = [
    "agentId",
    "agentFilter",
    "agents",
    "allow",
    "allowAgents",
    "allowedAgentIds",
    "defaultAgentId",
    "exposeAgents",
];

fn look_for(look: &Look<'_>, key: &str, gone: &BTreeSet<&AgentId>, notes: &mut Vec<String>) {
    match look.value {
        Value::String(text) if NAMING.contains(&key) => {
            let id = agent_id::normalize(text);
            if gone.contains(&id) {
                notes.push(format!("{} names agent {id}, which is in the roster no more", look.steps));
            }
        }
        Value::Array(all) => {
            for (at, value) in all.iter().enumerate() {
                look_for(&Look { value, steps: look.steps.index(at) }, key, gone, notes);
            }
        }
        Value::Object(_) => {
            // What is changed is not said.
            let ours =
                [&["bindings"][..], references::OWNERS[0], references::OWNERS[1], references::OWNERS[2]];
            let ours = ours.map(|way| way.iter().fold(Steps::default(), |at, key| at.key(key)));
            for (key, inner) in look.entries().filter(|(_, inner)| !ours.contains(&inner.steps)) {
                look_for(&inner, key, gone, notes);
            }
        }
        _ => {}
    }
}
