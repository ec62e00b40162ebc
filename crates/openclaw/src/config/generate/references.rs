//! Other places that name agents: where one names an agent that the roster does not have, releases refuse the whole config.
//!
//! Seen in the schemas of 2026.3.28 to 2026.9.6: `broadcast` in all of them, the others since 2026.8.

use super::change::{Change, Element};
use super::report::{ConfigChange, Report};
use super::view::View;
use super::wanted::Wanted;
use crate::agent_id;
use crate::config::notes::{Look, Steps};
use keyshoal_core::AgentId;
use serde_json::{Value, json};

/// Who owns what nobody else does, where ownership is explicit.
pub(super) const SYSTEM_AGENT: &[&str] = &["agents", "defaults", "systemAgent", "agentId"];
/// Who owns what nobody else does.
pub(super) const OWNERS: [&[&str]; 3] =
    [&["agents", "defaults", "heartbeat", "agentId"], SYSTEM_AGENT, &["talk", "agentId"]];

/// What becomes of an agent that is named somewhere.
enum Fate<'a> {
    Stays,
    Renamed(&'a AgentId),
    Gone,
}

/// Returns the change of these places: renamed agents under their new ids, and without those that left.
pub(super) fn change(config: &Value, view: &View, wanted: &Wanted, report: &mut Report) -> Change {
    let root = Look::root(config);
    let mut all = Change::Keep;
    // Under explicit ownership that is the default agent, which the roster decides.
    let decided = |way: &[&str]| {
        way == SYSTEM_AGENT && view.explicit && wanted.agents.iter().any(|agent| agent.default)
    };
    for way in OWNERS.into_iter().filter(|way| !decided(way)) {
        let Some(named) = root.within(way).and_then(|look| look.value.as_str()) else { continue };
        let successor = successor(&agent_id::normalize(named), view, wanted);
        let change = match fate(named, view, wanted) {
            // As `openclaw doctor --fix` of 2026.9.6 writes the default agent down for the heartbeat and for Talk.
            Fate::Stays
                if let Some(new) = successor
                    && is_alone(&root, way) =>
            {
                Change::Put(json!(new.as_str()))
            }
            Fate::Stays if let Some(new) = successor => {
                report.notes.push(format!(
                    "{} names {named}, who was the default agent, and stays so: name {new} there if that is meant",
                    way.join(".")
                ));
                continue;
            }
            Fate::Stays => continue,
            Fate::Renamed(new) => Change::Put(json!(new.as_str())),
            Fate::Gone => Change::Drop,
        };
        report.changes.push(ConfigChange::of(way.join("."), &change));
        all = all.and(Change::within(way, change));
    }
    for (peer, entry) in root.at("broadcast").iter().flat_map(Look::entries) {
        let (list, way) = match entry.at("agents") {
            Some(list) => (list, &["agents"][..]),
            None => (entry.clone(), &[][..]),
        };
        let change = match broadcast(&list, view, wanted) {
            Change::Keep => continue,
            Change::Drop => Change::Drop,
            change => Change::within(way, change),
        };
        report
            .changes
            .push(ConfigChange::of(Steps::default().key("broadcast").key(peer).to_string(), &change));
        all = all.and(Change::Patch(vec![(
            "broadcast".to_owned(),
            Change::Patch(vec![(peer.to_owned(), change)]),
        )]));
    }
    all
}

/// Returns who is the default agent in the place of this one, under explicit ownership.
fn successor<'a>(named: &AgentId, view: &View, wanted: &'a Wanted) -> Option<&'a AgentId> {
    let new = wanted.agents.iter().find(|agent| agent.default).map(|agent| &agent.id)?;
    (view.explicit && view.system.as_ref() == Some(named) && new != named).then_some(new)
}

/// Tells whether nothing else stands beside the owner of something.
fn is_alone(root: &Look<'_>, way: &[&str]) -> bool {
    let beside = root.within(&way[..way.len() - 1]).and_then(|look| look.value.as_object());
    beside.is_some_and(|beside| beside.len() == 1)
}

/// Returns the change of one list of agents; it goes when nobody is left.
fn broadcast(list: &Look<'_>, view: &View, wanted: &Wanted) -> Change {
    let Some(ids) = list.value.as_array() else { return Change::Keep };
    let mut elements = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let change = match id.as_str().map(|id| fate(id, view, wanted)) {
            None | Some(Fate::Stays) => Change::Keep,
            Some(Fate::Renamed(new)) => Change::Put(json!(new.as_str())),
            Some(Fate::Gone) => continue,
        };
        elements.push(Element { from: Some(at), change });
    }
    match (
        elements.is_empty(),
        elements.len() == ids.len() && elements.iter().all(|one| one.change.is_nothing()),
    ) {
        (_, true) => Change::Keep,
        (true, _) => Change::Drop,
        _ => Change::Elements(elements),
    }
}

/// Says what becomes of an agent. Only those that the roster had so far can leave it.
fn fate<'a>(named: &str, view: &View, wanted: &'a Wanted) -> Fate<'a> {
    let id = agent_id::normalize(named);
    let had = view.agents.iter().any(|seen| seen.id == id);
    if !had || wanted.agents.iter().any(|agent| agent.id == id) {
        return Fate::Stays;
    }
    let new = wanted.agents.iter().find(|agent| wanted.renamed.get(&agent.id) == Some(&id));
    new.map_or(Fate::Gone, |agent| Fate::Renamed(&agent.id))
}
