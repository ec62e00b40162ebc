//! The change of `bindings`: routes as they are wanted; bindings of the type `acp`, and those to agents that no roster has, are the person's
//! own and stay where they are.

use super::change::{Change, Element};
use super::report::{ConfigChange, Report};
use super::view::{Bound, View};
use super::wanted::{Wanted, WantedBinding};
use keyshoal_core::AgentId;
use serde_json::{Map, Value, json};

/// Returns the change of `bindings`, and says it.
pub(super) fn change(exists: bool, view: &View, wanted: &Wanted, report: &mut Report) -> Change {
    let pairs = pair(view, wanted);
    let mut elements = Vec::new();
    let own = |(at, seen): (usize, &Bound)| {
        seen.acp || is_to_nobody(seen, view, wanted) && !pairs.contains(&Some(at))
    };
    let own: Vec<bool> = view.bindings.iter().enumerate().map(own).collect();
    let own_after = |after: Option<usize>, report: &mut Report, elements: &mut Vec<Element>| {
        let from = after.map_or(0, |at| at + 1);
        let many = own[from..].iter().take_while(|own| **own).count();
        for at in from..from + many {
            elements.extend(stays(at, view, wanted, report));
        }
    };
    // What is a person's own stays behind the route that it stood behind.
    own_after(None, report, &mut elements);
    for (binding, place) in wanted.bindings.iter().zip(&pairs) {
        let seen = place.map(|place| &view.bindings[place]);
        let change = match seen {
            Some(seen) => changed(binding, seen, report),
            None => {
                report.changes.push(ConfigChange::new("bindings", format!("one more for {}", binding.agent)));
                Change::Put(new(binding))
            }
        };
        elements.push(Element { from: *place, change });
        if let Some(place) = *place {
            own_after(Some(place), report, &mut elements);
        }
    }
    for (at, seen) in view.bindings.iter().enumerate().filter(|(at, _)| !own[*at]) {
        if !pairs.contains(&Some(at)) {
            report
                .changes
                .push(ConfigChange::new(format!("bindings[{at}]"), format!("removed ({})", seen.agent)));
            own_after(Some(at), report, &mut elements);
        }
    }
    let places: Vec<usize> = elements.iter().filter_map(|element| element.from).collect();
    if places.windows(2).any(|pair| pair[0] > pair[1]) {
        report.changes.push(ConfigChange::new("bindings", "get another order"));
    }
    let same = elements.iter().map(|element| element.from).eq((0..view.bindings.len()).map(Some));
    if same && elements.iter().all(|element| element.change.is_nothing()) {
        return Change::Keep;
    }
    let change = Change::Elements(elements);
    let change = if exists { change } else { change.applied(None).map_or(Change::Keep, Change::Put) };
    Change::within(&["bindings"], change)
}

/// Finds for each wanted binding the one in the file: first one that is the same, then one that matches the same messages.
fn pair(view: &View, wanted: &Wanted) -> Vec<Option<usize>> {
    let mut taken = vec![false; view.bindings.len()];
    let mut pairs = vec![None; wanted.bindings.len()];
    for likeness in [Likeness::Same, Likeness::ButForItsComment, Likeness::MatchesTheSame] {
        for (binding, pair) in wanted.bindings.iter().zip(&mut pairs).filter(|(_, pair)| pair.is_none()) {
            let found = view
                .bindings
                .iter()
                .enumerate()
                .position(|(at, seen)| !seen.acp && !taken[at] && likeness.holds(seen, binding, wanted));
            if let Some(at) = found {
                taken[at] = true;
                *pair = Some(at);
            }
        }
    }
    pairs
}

/// How a binding of the file is like one that is wanted.
#[derive(Clone, Copy)]
enum Likeness {
    Same,
    ButForItsComment,
    MatchesTheSame,
}

impl Likeness {
    fn holds(self, seen: &Bound, binding: &WantedBinding, wanted: &Wanted) -> bool {
        let agent = *current(&seen.agent, wanted) == binding.agent;
        let so = match self {
            Self::Same => agent && seen.comment == binding.comment,
            Self::ButForItsComment => agent,
            Self::MatchesTheSame => true,
        };
        so && seen.matching == binding.matching
    }
}

/// Returns the id that an agent of the file has now.
fn current<'a>(agent: &'a AgentId, wanted: &'a Wanted) -> &'a AgentId {
    if wanted.agents.iter().any(|one| one.id == *agent) {
        return agent;
    }
    wanted.renamed.iter().find(|(_, old)| *old == agent).map_or(agent, |(new, _)| new)
}

/// Tells whether a binding leads to an agent that stands in no roster, neither the one that is there nor the one that is wanted.
fn is_to_nobody(seen: &Bound, view: &View, wanted: &Wanted) -> bool {
    let agent = current(&seen.agent, wanted);
    !view.agents.iter().any(|one| one.id == seen.agent) && !wanted.agents.iter().any(|one| one.id == *agent)
}

/// Returns what becomes of a person's own binding: it goes with an agent that leaves, and follows one that is renamed.
fn stays(at: usize, view: &View, wanted: &Wanted, report: &mut Report) -> Option<Element> {
    let seen = &view.bindings[at];
    let agent = current(&seen.agent, wanted);
    if !wanted.agents.iter().any(|one| one.id == *agent) && !is_to_nobody(seen, view, wanted) {
        report.changes.push(ConfigChange::new(format!("bindings[{at}]"), format!("removed ({agent})")));
        return None;
    }
    let change = if *agent == seen.agent {
        Change::Keep
    } else {
        report.changes.push(ConfigChange::new(format!("bindings[{at}].agentId"), format!("set to {agent}")));
        Change::Patch(vec![("agentId".to_owned(), Change::Put(json!(agent.as_str())))])
    };
    Some(Element { from: Some(at), change })
}

fn changed(binding: &WantedBinding, seen: &Bound, report: &mut Report) -> Change {
    let mut patch = Vec::new();
    if binding.agent != seen.agent {
        patch.push(("agentId", Change::Put(json!(binding.agent.as_str()))));
    }
    if binding.comment != seen.comment {
        patch.push((
            "comment",
            binding.comment.as_ref().map_or(Change::Drop, |text| Change::Put(json!(text))),
        ));
    }
    for (key, change) in &patch {
        report.changes.push(ConfigChange::of(format!("bindings ({}).{key}", binding.agent), change));
    }
    let patch: Vec<_> = patch.into_iter().map(|(key, change)| (key.to_owned(), change)).collect();
    if patch.is_empty() { Change::Keep } else { Change::Patch(patch) }
}

fn new(binding: &WantedBinding) -> Value {
    let mut made = Map::new();
    made.insert("agentId".to_owned(), json!(binding.agent.as_str()));
    if let Some(comment) = &binding.comment {
        made.insert("comment".to_owned(), json!(comment));
    }
    made.insert("match".to_owned(), binding.matching.clone());
    Value::Object(made)
}
