//! What of a config stands in files that it includes: it is left as it is there, and what should be otherwise is told.
//!
//! Nothing but the root file is ever edited. A part that stands elsewhere and is as it is wanted hinders nothing. One that is not keeps all
//! that hangs together with it: an agent that left the roster alone would still have its bindings.

use super::change::Change;
use super::references::OWNERS;
use super::report::{ConfigChange, Held};
use super::sources::Sources;
use super::view::View;
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
    let mut places = Vec::new();
    let mut add = |way: &[&str], part: Part, differs: bool| {
        if differs {
            places.push(Place { way: way.iter().map(|key| (*key).to_owned()).collect(), part });
        }
    };
    add(roster, Part::Roster, seen(&agents, roster));
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

impl Place {
    /// Returns the way to what is included there: as deep as it has to be to stand in the config itself no more.
    pub fn steps(&self, sources: &Sources) -> Steps {
        let mut steps = Steps::default();
        let (mut own, mut all) = (Some(&sources.root), Some(&sources.whole));
        for key in &self.way {
            steps = steps.key(key);
            (own, all) = (own.and_then(|own| own.get(key)), all.and_then(|all| all.get(key)));
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
    pub fn is_changed_by(&self, change: &Change) -> bool {
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
        !at.is_nothing()
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
