//! The change of the roster: who stays, who leaves, who comes, and what becomes of their own keys.

use super::carried;
use super::change::{Change, Element, Member};
use super::references::SYSTEM_AGENT;
use super::report::{ConfigChange, Left, Report};
use super::sources::Sources;
use super::view::{Seen, View, Written};
use super::wanted::{Wanted, WantedAgent};
use super::weave;
use crate::agent_id;
use crate::config::model::RosterForm;
use crate::config::notes::Look;
use keyshoal_core::vault::ModelChoice;
use keyshoal_core::{AgentId, Secret};
use serde_json::{Map, Value, json};

/// Returns the change of `agents`, and says it.
pub(super) fn change(
    sources: &Sources,
    view: &View,
    wanted: &Wanted,
    entries_wanted: bool,
    report: &mut Report,
) -> Change {
    let form = match view.form {
        RosterForm::Implicit if entries_wanted => RosterForm::Entries,
        RosterForm::Implicit => RosterForm::List,
        written => written,
    };
    let key = if form == RosterForm::Entries { "entries" } else { "list" };
    let models = models("agents.defaults.model", &view.models, &wanted.models, report);
    let models = match models {
        Change::Keep => Change::Keep,
        change => Change::within(&["agents", "defaults", "model"], change),
    };
    if is_main_alone(view, wanted) {
        return models;
    }
    let plan = Plan { sources, view, wanted, form, key };
    let roster = plan.roster(report);
    models.and(plan.ownership(report)).and(roster)
}

/// Tells whether nothing has to be written: without a roster there is an agent `main`.
fn is_main_alone(view: &View, wanted: &Wanted) -> bool {
    let alone = match wanted.agents.as_slice() {
        [only] => {
            only.id.as_str() == agent_id::FALLBACK
                && only.name.is_none()
                && only.workspace.is_none()
                && only.models == ModelChoice::default()
                && !wanted.kept.contains_key(&only.id)
        }
        _ => false,
    };
    alone && view.agents.is_empty()
}

struct Plan<'a> {
    sources: &'a Sources,
    view: &'a View,
    wanted: &'a Wanted,
    form: RosterForm,
    key: &'static str,
}

impl Plan<'_> {
    /// Returns where the file has an agent, under its id or the one that it had.
    fn place_of(&self, agent: &AgentId) -> Option<usize> {
        let by = |id: &AgentId| self.view.agents.iter().position(|seen| seen.id == *id);
        let old = self
            .wanted
            .renamed
            .get(agent)
            .filter(|old| !self.wanted.agents.iter().any(|one| one.id == **old));
        by(agent).or_else(|| old.and_then(by))
    }

    fn roster(&self, report: &mut Report) -> Change {
        let places: Vec<Option<usize>> =
            self.wanted.agents.iter().map(|agent| self.place_of(&agent.id)).collect();
        for (at, seen) in self.view.agents.iter().enumerate() {
            if !places.contains(&Some(at)) {
                let way = match self.form {
                    RosterForm::Entries => seen.written_id.clone(),
                    _ => at.to_string(),
                };
                let entry =
                    weave::text_at(self.sources.text(), &["agents", self.key, &way]).unwrap_or_default();
                report.left.push(Left { id: seen.id.clone(), entry: Secret::new(entry) });
                report.changes.push(ConfigChange::new(self.path(&seen.id), "leaves the roster"));
            }
        }
        let marked = self.marked(&places);
        let (mut members, mut elements) = (Vec::new(), Vec::new());
        for (at, (agent, place)) in self.wanted.agents.iter().zip(&places).enumerate() {
            let seen = place.map(|place| &self.view.agents[place]);
            let change = match seen {
                Some(seen) => {
                    let change = self.kept(agent, seen, marked == Some(at), report);
                    change.and(self.named_in(seen, *place, report))
                }
                None => {
                    report.changes.push(ConfigChange::new(self.path(&agent.id), "joins the roster"));
                    Change::Put(self.new_entry(agent, marked == Some(at), report))
                }
            };
            let key = match seen {
                Some(seen) if seen.id == agent.id => seen.written_id.clone(),
                _ => agent.id.as_str().to_owned(),
            };
            members.push(Member {
                from: seen.map(|seen| seen.written_id.clone()),
                key,
                change: change.clone(),
            });
            elements.push(Element { from: *place, change });
        }
        let present: Vec<usize> = places.iter().copied().flatten().collect();
        if present.windows(2).any(|pair| pair[0] > pair[1]) {
            report.changes.push(ConfigChange::new(format!("agents.{}", self.key), "gets another order"));
        }
        let same = places.iter().copied().eq((0..self.view.agents.len()).map(Some));
        let still = same && elements.iter().all(|element| element.change.is_nothing());
        let renamed = members.iter().any(|member| member.from.as_ref() != Some(&member.key));
        match self.form {
            RosterForm::Entries if still && !renamed => Change::Keep,
            RosterForm::Entries => {
                Change::within(&["agents", "entries"], self.whole(Change::Members(members)))
            }
            _ if still => Change::Keep,
            _ => Change::within(&["agents", "list"], self.whole(Change::Elements(elements))),
        }
    }

    /// Returns the change, as a value where there is no roster yet.
    fn whole(&self, change: Change) -> Change {
        match self.view.form {
            RosterForm::Implicit => change.applied(None).map_or(Change::Keep, Change::Put),
            _ => change,
        }
    }

    /// Returns which agent is marked as the default, where one has to be.
    fn marked(&self, places: &[Option<usize>]) -> Option<usize> {
        let default = self.wanted.agents.iter().position(|agent| agent.default)?;
        let one_is = places.iter().flatten().any(|place| self.view.agents[*place].default);
        let by_itself = match self.form {
            RosterForm::Entries => self.wanted.agents.len() == 1,
            _ => default == 0,
        };
        (!self.view.explicit && (one_is || !by_itself)).then_some(default)
    }

    /// Without a default among several, entries need explicit ownership; under that, the default is the owner of what nobody else owns.
    fn ownership(&self, report: &mut Report) -> Change {
        let default = self.wanted.agents.iter().find(|agent| agent.default);
        let (way, value) = match (self.form, default) {
            (RosterForm::Entries, None) if !self.view.explicit && self.wanted.agents.len() > 1 => {
                (&["agents", "ownership"][..], "explicit")
            }
            (_, Some(agent)) if self.view.explicit && self.view.system.as_ref() != Some(&agent.id) => {
                (SYSTEM_AGENT, agent.id.as_str())
            }
            _ => return Change::Keep,
        };
        let change = Change::Put(json!(value));
        report.changes.push(ConfigChange::of(way.join("."), &change));
        Change::within(way, change)
    }

    /// Returns the change of other agents' ids that an entry holds.
    fn named_in(&self, seen: &Seen, place: Option<usize>, report: &mut Report) -> Change {
        let root = Look::root(&self.sources.root);
        let Some(all) = root.within(&["agents", self.key]) else { return Change::Keep };
        let entry = match self.form {
            RosterForm::Entries => all.at(&seen.written_id),
            _ => place.and_then(|at| Some(Look { value: all.value.get(at)?, steps: all.steps.index(at) })),
        };
        entry.map_or(Change::Keep, |entry| carried::of_entry(&entry, self.view, self.wanted, report))
    }

    /// Tells whether a value that the vault does not know may be OpenClaw's own: where it makes ownership explicit, it writes the workspace
    /// of the former default agent down, which would be another one without.
    fn is_migrated(&self, key: &str, wanted: Option<&String>) -> bool {
        key == "workspace" && wanted.is_none() && self.view.explicit
    }

    /// Returns the change of an agent's entry that is there.
    fn kept(&self, agent: &WantedAgent, seen: &Seen, marked: bool, report: &mut Report) -> Change {
        let path = self.path(&agent.id);
        let mut patch = Vec::new();
        if seen.id != agent.id {
            let what = format!("is called {} instead of {}", agent.id, seen.id);
            report.changes.push(ConfigChange::new(path.clone(), what));
            if self.form != RosterForm::Entries {
                patch.push(("id".to_owned(), Change::Put(json!(agent.id.as_str()))));
            }
        }
        for (key, now, wanted) in
            [("name", &seen.name, &agent.name), ("workspace", &seen.workspace, &agent.workspace)]
        {
            if now != wanted && !self.is_migrated(key, wanted.as_ref()) {
                let change = wanted.as_ref().map_or(Change::Drop, |text| Change::Put(json!(text)));
                report.changes.push(ConfigChange::of(format!("{path}.{key}"), &change));
                patch.push((key.to_owned(), change));
            }
        }
        let model = models(&format!("{path}.model"), &seen.models, &agent.models, report);
        if model != Change::Keep {
            patch.push(("model".to_owned(), model));
        }
        if self.wanted.usual_stores && seen.has_agent_dir {
            report.changes.push(ConfigChange::of(format!("{path}.agentDir"), &Change::Drop));
            patch.push(("agentDir".to_owned(), Change::Drop));
        }
        if seen.default != marked {
            let change = if marked { Change::Put(json!(true)) } else { Change::Drop };
            report.changes.push(ConfigChange::of(format!("{path}.default"), &change));
            patch.push(("default".to_owned(), change));
        }
        if patch.is_empty() { Change::Keep } else { Change::Patch(patch) }
    }

    /// Makes the entry of an agent that comes, over what it held when it left.
    fn new_entry(&self, agent: &WantedAgent, marked: bool, report: &mut Report) -> Value {
        let mut entry = Map::new();
        if self.form != RosterForm::Entries {
            entry.insert("id".to_owned(), json!(agent.id.as_str()));
        }
        if let Some(kept) = self.wanted.kept.get(&agent.id) {
            match json5::from_str::<Value>(kept.reveal_secret()) {
                Ok(Value::Object(kept)) => {
                    let ours = ["id", "name", "default", "workspace", "model"];
                    entry.extend(kept.into_iter().filter(|(key, _)| !ours.contains(&key.as_str())));
                }
                _ => report
                    .notes
                    .push(format!("what was kept of agent {} is no entry; it was left out", agent.id)),
            }
        }
        let named = [("name", &agent.name), ("workspace", &agent.workspace)];
        let named = named.into_iter().filter_map(|(key, text)| Some((key.to_owned(), json!(text.as_ref()?))));
        entry.extend(named);
        if marked {
            entry.insert("default".to_owned(), json!(true));
        }
        if let Some(model) = model_value(&agent.models) {
            entry.insert("model".to_owned(), model);
        }
        Value::Object(entry)
    }

    fn path(&self, agent: &AgentId) -> String {
        match self.form {
            RosterForm::Entries => format!("agents.entries.{agent}"),
            _ => format!("agents.list[{agent}]"),
        }
    }
}

/// Returns the change of a model.
fn models(path: &str, now: &Written, wanted: &ModelChoice, report: &mut Report) -> Change {
    if now.choice == *wanted {
        return Change::Keep;
    }
    let change = model_value(wanted).map_or(Change::Drop, Change::Put);
    report.changes.push(ConfigChange::of(path.to_owned(), &change));
    if !now.object || change == Change::Drop {
        return change;
    }
    let mut patch = Vec::new();
    if now.choice.primary != wanted.primary {
        let primary = wanted.primary.as_ref().map_or(Change::Drop, |text| Change::Put(json!(text)));
        patch.push(("primary".to_owned(), primary));
    }
    if now.choice.fallbacks != wanted.fallbacks {
        let none = wanted.fallbacks.is_empty();
        patch.push((
            "fallbacks".to_owned(),
            if none { Change::Drop } else { Change::Put(json!(wanted.fallbacks)) },
        ));
    }
    Change::Patch(patch)
}

/// Writes a model as the config has it.
fn model_value(models: &ModelChoice) -> Option<Value> {
    match (&models.primary, models.fallbacks.as_slice()) {
        (None, []) => None,
        (Some(primary), []) => Some(json!(primary)),
        (None, fallbacks) => Some(json!({ "fallbacks": fallbacks })),
        (Some(primary), fallbacks) => Some(json!({ "primary": primary, "fallbacks": fallbacks })),
    }
}
