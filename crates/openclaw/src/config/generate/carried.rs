//! Places beside roster, bindings and owners that name agents: an agent that is renamed is named there by its new id.
//!
//! Seen in the schemas of 2026.3.28 to 2026.9.6. `acp` names programs, not agents; who owns an earlier store
//! (`agents.defaults.authInheritance` and `sessionStore`) is told and left, since that store does not move with the id.

use super::change::{Change, Element};
use super::report::{ConfigChange, Report};
use super::sources::Sources;
use super::view::View;
use super::wanted::Wanted;
use crate::agent_id;
use crate::config::notes::Look;
use keyshoal_core::AgentId;
use serde_json::json;

/// The ways there, each to an id or to a list of ids; `*` stands for every key, and for every element of a list.
const PLACES: [&[&str]; 19] = [
    &["agents", "defaults", "subagents", "allowAgents"],
    &["approvals", "exec", "agentFilter"],
    &["approvals", "plugin", "agentFilter"],
    &["channels", "*", "accounts", "*", "execApprovals", "agentFilter"],
    &["channels", "*", "execApprovals", "agentFilter"],
    &["channels", "a2a", "exposeAgents"],
    &["channels", "clickclack", "accounts", "*", "agentId"],
    &["channels", "clickclack", "agentId"],
    &["channels", "telegram", "accounts", "*", "direct", "*", "topics", "*", "agentId"],
    &["channels", "telegram", "accounts", "*", "groups", "*", "topics", "*", "agentId"],
    &["channels", "telegram", "direct", "*", "topics", "*", "agentId"],
    &["channels", "telegram", "groups", "*", "topics", "*", "agentId"],
    &["gateway", "roles", "definitions", "*", "agents"],
    &["hooks", "allowedAgentIds"],
    &["hooks", "mappings", "*", "agentId"],
    &["mcp", "servers", "*", "codex", "agents"],
    &["plugins", "entries", "active-memory", "config", "agents"],
    &["tools", "agentToAgent", "allow"],
    &["tools", "swarm", "defaultAgentId"],
];
/// The ways within an agent's own entry.
const OF_ENTRY: [&[&str]; 2] = [&["subagents", "allowAgents"], &["tools", "swarm", "defaultAgentId"]];

/// Returns the change of these places. Where a part of one stands in a file that is included, it is told and left.
pub(super) fn change(sources: &Sources, view: &View, wanted: &Wanted, report: &mut Report) -> Change {
    let mut all = Change::Keep;
    // A channel of the vault's is written as the vault has it.
    let by_vault = |way: &[&str]| {
        way[0] == "channels"
            && (way[1] == "*" || wanted.channels.contains_key(way[1]))
            && !wanted.channels.is_empty()
    };
    for way in PLACES.into_iter().filter(|way| !by_vault(way)) {
        let mut said = Vec::new();
        let change = at(&Look::root(&sources.root), way, &|id| new_id(id, view, wanted), &mut said);
        if at(&Look::root(&sources.whole), way, &|id| new_id(id, view, wanted), &mut Vec::new()) != change {
            let way = way.join(".");
            report.notes.push(format!(
                "{way} names an agent by the id that it had, wholly or in part in a file that is included: name the new one there"
            ));
            continue;
        }
        report.changes.extend(said);
        all = all.and(change);
    }
    all
}

/// Returns the change of an agent's own entry.
pub(super) fn of_entry(entry: &Look<'_>, view: &View, wanted: &Wanted, report: &mut Report) -> Change {
    let one =
        |way: &[&str], said: &mut Vec<ConfigChange>| at(entry, way, &|id| new_id(id, view, wanted), said);
    OF_ENTRY.into_iter().fold(Change::Keep, |all, way| all.and(one(way, &mut report.changes)))
}

/// Returns what an agent is called now that had another id so far.
fn new_id<'w>(named: &str, view: &View, wanted: &'w Wanted) -> Option<&'w AgentId> {
    let id = agent_id::normalize(named);
    let had = view.agents.iter().any(|seen| seen.id == id);
    let stays = wanted.agents.iter().any(|agent| agent.id == id);
    let now = wanted.agents.iter().find(|agent| wanted.renamed.get(&agent.id) == Some(&id));
    now.filter(|_| had && !stays).map(|agent| &agent.id)
}

fn at<'w>(
    look: &Look<'_>,
    way: &[&str],
    new: &dyn Fn(&str) -> Option<&'w AgentId>,
    said: &mut Vec<ConfigChange>,
) -> Change {
    let Some((key, rest)) = way.split_first() else {
        return match look.value.as_array() {
            Some(_) => elements(look, &[], new, said),
            None => {
                let Some(id) = look.value.as_str().and_then(new) else { return Change::Keep };
                let change = Change::Put(json!(id.as_str()));
                said.push(ConfigChange::of(look.steps.to_string(), &change));
                change
            }
        };
    };
    if *key == "*" && look.value.is_array() {
        return elements(look, rest, new, said);
    }
    let inner = look.entries().filter(|(name, _)| *key == "*" || name == key);
    let changes: Vec<(String, Change)> = inner
        .map(|(name, inner)| (name.to_owned(), at(&inner, rest, new, said)))
        .filter(|(_, change)| !change.is_nothing())
        .collect();
    if changes.is_empty() { Change::Keep } else { Change::Patch(changes) }
}

fn elements<'w>(
    look: &Look<'_>,
    rest: &[&str],
    new: &dyn Fn(&str) -> Option<&'w AgentId>,
    said: &mut Vec<ConfigChange>,
) -> Change {
    let mut one = |(from, value)| {
        let inner = Look { value, steps: look.steps.index(from) };
        // A list within a list names nobody.
        let named = !(rest.is_empty() && inner.value.is_array());
        let change = if named { at(&inner, rest, new, said) } else { Change::Keep };
        Element { from: Some(from), change }
    };
    let all: Vec<Element> = look.value.as_array().into_iter().flatten().enumerate().map(&mut one).collect();
    match all.iter().all(|element| element.change.is_nothing()) {
        true => Change::Keep,
        false => Change::Elements(all),
    }
}
