//! What of a config stands in files that it includes: it is left as it is there, and what should be otherwise is told.
//!
//! Nothing but the root file is ever edited. A part that stands elsewhere and is as it is wanted hinders nothing. One that is not keeps all
//! that hangs together with it: an agent that left the roster alone would still have its bindings.

use super::change::Change;
use super::references::OWNERS;
use super::report::{ConfigChange, Held};
use super::sources::Sources;
use super::view::{self, Seen, View};
use super::wanted::{Wanted, WantedAgent, WantedBinding};
use crate::agent_id;
use crate::config::model::RosterForm;
use crate::config::notes::{Look, Steps};
use keyshoal_core::AgentId;
use keyshoal_core::vault::ModelChoice;
use serde_json::Value;

/// What hangs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Agents, and what names them.
    Roster,
    /// The model of all.
    Models,
    /// `auth`.
    Auth,
    /// What must not be left: keys and the way in depend on it.
    Needed,
}

/// A place of the config of which a part stands in an included file.
pub(super) struct Place {
    way: Vec<String>,
    /// Which entry of the roster there, where it is not all of it.
    entry: Option<usize>,
    part: Part,
}

/// Finds them, among what is generated.
pub(super) fn places(sources: &Sources, whole: &View, wanted: &Wanted) -> Vec<Place> {
    let own = View::of(&sources.root).ok();
    let (root, all) = (Look::root(&sources.root), Look::root(&sources.whole));
    let written =
        |way: &[&str]| root.within(way).map(|look| look.value) != all.within(way).map(|look| look.value);
    // What a person wrote beside what is generated may come from anywhere.
    let seen =
        |differs: &dyn Fn(&View) -> bool, way: &[&str]| own.as_ref().map_or_else(|| written(way), differs);
    let roster: &[&str] = match whole.form {
        RosterForm::Entries => &["agents", "entries"],
        _ => &["agents", "list"],
    };
    let agents = |own: &View| own.agents != whole.agents || own.form != whole.form;
    let entries = entries(sources, whole, roster);
    let mut places = Vec::new();
    for entry in entries.iter().flatten().copied() {
        let way = roster.iter().map(|key| (*key).to_owned()).collect();
        places.push(Place { way, entry: Some(entry), part: Part::Roster });
    }
    let mut add = |way: &[&str], part: Part, differs: bool| {
        if differs {
            let way = way.iter().map(|key| (*key).to_owned()).collect();
            places.push(Place { way, entry: None, part });
        }
    };
    add(roster, Part::Roster, entries.is_none() && seen(&agents, roster));
    for (way, part) in [
        (&["agents", "ownership"][..], Part::Roster),
        (&["broadcast"], Part::Roster),
        (OWNERS[0], Part::Roster),
        (OWNERS[1], Part::Roster),
        (OWNERS[2], Part::Roster),
        (&["gateway", "mode"], Part::Needed),
        (&["gateway", "port"], Part::Needed),
        (&["gateway", "bind"], Part::Needed),
        (&["gateway", "auth"], Part::Needed),
    ] {
        add(way, part, written(way));
    }
    let (models, bindings) = (&["agents", "defaults", "model"], &["bindings"]);
    let (profiles, order) = (&["auth", "profiles"], &["auth", "order"]);
    add(models, Part::Models, seen(&|own| own.models != whole.models, models));
    add(bindings, Part::Roster, seen(&|own| own.bindings != whole.bindings, bindings));
    add(profiles, Part::Auth, seen(&|own| own.profiles != whole.profiles, profiles));
    add(order, Part::Auth, seen(&|own| own.order != whole.order, order));
    for name in wanted.channels.keys() {
        add(&["channels", name], Part::Needed, written(&["channels", name]));
    }
    for name in wanted.secret_files.keys() {
        let way = ["secrets", "providers", name];
        add(&way, Part::Needed, written(&way));
    }
    places
}

/// Returns which entries of the roster stand in included files, by their places in it; `None` where the roster itself does.
fn entries(sources: &Sources, whole: &View, roster: &[&str]) -> Option<Vec<usize>> {
    let own = Look::root(&sources.root).within(roster)?;
    let all = Look::root(&sources.whole).within(roster)?;
    let stands = |at: usize, seen: &Seen| {
        let key = (whole.form == RosterForm::Entries).then_some(seen.written_id.as_str());
        let own = match key {
            Some(key) => own.at(key),
            None => own.value.get(at).map(|value| Look { value, steps: own.steps.index(at) }),
        };
        own.and_then(|own| view::entry(key, &own)).as_ref() == Some(seen)
    };
    let same = match (own.value, all.value) {
        (Value::Object(own), Value::Object(all)) => own.keys().eq(all.keys()),
        (Value::Array(own), Value::Array(all)) => own.len() == all.len(),
        _ => false,
    };
    if !same {
        return None;
    }
    let places = whole.agents.iter().enumerate();
    Some(places.filter(|(at, seen)| !stands(*at, seen)).map(|(at, _)| at).collect())
}

impl Place {
    /// Returns the way to what is included there: as deep as it has to be to stand in the config itself no more.
    pub fn steps(&self, sources: &Sources) -> Steps {
        let mut steps = Steps::default();
        let (mut own, mut all) = (Some(&sources.root), Some(&sources.whole));
        for key in &self.way {
            steps = steps.key(key);
            (own, all) = (own.and_then(|own| own.get(key)), all.and_then(|all| all.get(key)));
        }
        match (self.entry, all) {
            (Some(at), Some(Value::Array(_))) => {
                steps = steps.index(at);
                (own, all) = (own.and_then(|own| own.get(at)), all.and_then(|all| all.get(at)));
            }
            (Some(at), Some(Value::Object(members))) => {
                if let Some(key) = members.keys().nth(at) {
                    steps = steps.key(key);
                    (own, all) = (own.and_then(|own| own.get(key)), all.and_then(|all| all.get(key)));
                }
            }
            _ => {}
        }
        while let (Some(here), Some(whole)) = (own, all) {
            let differs = match (here, whole) {
                (Value::Object(_), Value::Object(members)) => members
                    .iter()
                    .find(|(key, value)| here.get(key.as_str()) != Some(*value))
                    .map(|(key, value)| (steps.key(key), here.get(key.as_str()), value)),
                (Value::Array(_), Value::Array(elements)) => elements
                    .iter()
                    .enumerate()
                    .find(|(at, value)| here.get(*at) != Some(*value))
                    .map(|(at, value)| (steps.index(at), here.get(at), value)),
                _ => None,
            };
            let Some((way, inner, value)) = differs else { break };
            (steps, own, all) = (way, inner, Some(value));
        }
        steps
    }

    /// Tells whether a change changes something there.
    pub fn is_changed_by(&self, view: &View, change: &Change) -> bool {
        let mut at = change;
        for key in &self.way {
            match at {
                Change::Patch(members) => match members.iter().find(|(name, _)| name == key) {
                    Some((_, inner)) => at = inner,
                    None => return false,
                },
                other => return !other.is_nothing(),
            }
        }
        let seen = self.entry.and_then(|entry| Some((entry, view.agents.get(entry)?)));
        match (seen, at) {
            (Some((entry, _)), Change::Elements(all)) => {
                all.iter().find(|one| one.from == Some(entry)).is_none_or(|one| !one.change.is_nothing())
            }
            (Some((_, seen)), Change::Members(all)) => all
                .iter()
                .find(|one| one.from.as_ref() == Some(&one.key) && one.key == seen.written_id)
                .is_none_or(|one| !one.change.is_nothing()),
            (_, at) => !at.is_nothing(),
        }
    }

    /// Has what hangs together with it be wanted as it stands; of the changes that were planned those that are left are told. `None` where it
    /// must not be left.
    pub fn left(
        &self,
        view: &View,
        wanted: &mut Wanted,
        planned: &[ConfigChange],
        place: String,
    ) -> Option<Held> {
        if let Some(paths) = self.entry.and_then(|entry| leave_entry(&view.agents[entry], view, wanted)) {
            let of = |one: &&ConfigChange| paths.iter().any(|path| one.path.starts_with(path));
            return Some(Held { place, changes: planned.iter().filter(of).cloned().collect() });
        }
        let of: &[&str] = match self.part {
            Part::Roster => {
                wanted.agents = as_they_stand(view);
                wanted.bindings = view.bindings.iter().filter(|bound| !bound.acp).map(bound).collect();
                wanted.renamed.clear();
                wanted.usual_stores = false;
                &[
                    "agents.list",
                    "agents.entries",
                    "agents.ownership",
                    "agents.defaults.heartbeat",
                    "agents.defaults.systemAgent",
                    "bindings",
                    "broadcast",
                    "talk",
                ]
            }
            Part::Models => {
                wanted.models = view.models.choice.clone();
                &["agents.defaults.model"]
            }
            Part::Auth => {
                wanted.profiles.clear();
                wanted.gone_profiles.clear();
                wanted.order.clear();
                &["auth."]
            }
            Part::Needed => return None,
        };
        let of = |one: &&ConfigChange| of.iter().any(|way| one.path.starts_with(way));
        Some(Held { place, changes: planned.iter().filter(of).cloned().collect() })
    }
}

/// Has one agent be wanted as its entry stands, and says which changes those were. `None` where more hangs together with it: it leaves or
/// gets another id, or another agent becomes the default.
fn leave_entry(seen: &Seen, view: &View, wanted: &mut Wanted) -> Option<[String; 2]> {
    let is_default = view.default_agent() == Some(&seen.id);
    let moves = wanted.usual_stores && seen.has_agent_dir;
    let agent = wanted.agents.iter_mut().find(|agent| agent.id == seen.id)?;
    let stands = WantedAgent {
        id: seen.id.clone(),
        name: seen.name.clone(),
        default: is_default,
        models: seen.models.choice.clone(),
        workspace: seen.workspace.clone(),
    };
    if moves || agent.default != is_default || *agent == stands {
        return None;
    }
    *agent = stands;
    Some([format!("agents.list[{}].", seen.id), format!("agents.entries.{}.", seen.id)])
}

fn as_they_stand(view: &View) -> Vec<WantedAgent> {
    let default = view.default_agent();
    let one = |id: &AgentId, name, models, workspace, default| WantedAgent {
        id: id.clone(),
        name,
        default,
        models,
        workspace,
    };
    let stand = view.agents.iter().map(|seen| {
        let (name, models) = (seen.name.clone(), seen.models.choice.clone());
        one(&seen.id, name, models, seen.workspace.clone(), default == Some(&seen.id))
    });
    let agents: Vec<WantedAgent> = stand.collect();
    match agents.is_empty() {
        true => vec![one(&AgentId::new(agent_id::FALLBACK), None, ModelChoice::default(), None, true)],
        false => agents,
    }
}

fn bound(bound: &super::view::Bound) -> WantedBinding {
    WantedBinding {
        agent: bound.agent.clone(),
        matching: bound.matching.clone(),
        comment: bound.comment.clone(),
    }
}
