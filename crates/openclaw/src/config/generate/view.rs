//! What a config holds of what is generated, as it is written: no variable is put in.

use super::references::SYSTEM_AGENT;
use crate::agent_id;
use crate::config::model::RosterForm;
use crate::config::notes::{Look, Steps};
use crate::config::{provider_id, substitute};
use keyshoal_core::vault::ModelChoice;
use keyshoal_core::{AgentId, CredentialKind, ProfileId, ProviderId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is generated, as a config has it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct View {
    /// In which form the agents stand.
    pub form: RosterForm,
    /// `agents.ownership: "explicit"`.
    pub explicit: bool,
    /// `agents.defaults.systemAgent.agentId`: who owns what nobody else does, under explicit ownership.
    pub system: Option<AgentId>,
    /// The agents, as written, in order.
    pub agents: Vec<Seen>,
    /// `agents.defaults.model`.
    pub models: Written,
    /// `bindings`, in order.
    pub bindings: Vec<Bound>,
    /// `auth.profiles`.
    pub profiles: BTreeMap<ProfileId, (String, String)>,
    /// `auth.order`: by the provider's normalised name, the name as written, and the list.
    pub order: BTreeMap<ProviderId, (String, Vec<ProfileId>)>,
}

/// An agent, as written.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Seen {
    pub id: AgentId,
    pub written_id: String,
    pub name: Option<String>,
    pub default: bool,
    pub models: Written,
    pub workspace: Option<String>,
    /// Whether the entry names a directory for its store.
    pub has_agent_dir: bool,
}

/// Models, and whether they are written as an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::config) struct Written {
    pub choice: ModelChoice,
    pub object: bool,
}

/// A binding, as written.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Bound {
    pub agent: AgentId,
    pub written_agent: String,
    /// Another program leads its conversation: it is no route.
    pub acp: bool,
    pub matching: Value,
    pub comment: Option<String>,
}

/// Says that a value cannot be understood, and which.
#[derive(Debug)]
pub(in crate::config) struct Strange {
    pub steps: Steps,
    pub problem: String,
}

type Found<T> = Result<T, Strange>;

impl View {
    /// Reads a config, alone or with what it includes.
    pub fn of(config: &Value) -> Found<Self> {
        let root = Look::root(config);
        object(&root)?;
        let agents = root.at("agents");
        let (form, seen) = agents.as_ref().map_or(Ok((RosterForm::Implicit, Vec::new())), roster)?;
        let models = match section(&root, &["agents", "defaults"])?.and_then(|defaults| defaults.at("model"))
        {
            Some(model) => self::models(&model)?,
            None => Written::default(),
        };
        let mut profiles = BTreeMap::new();
        for (id, profile) in section(&root, &["auth", "profiles"])?.iter().flat_map(Look::entries) {
            object(&profile)?;
            let text = |key| Ok(text_at(&profile, key)?.unwrap_or_default());
            profiles.insert(ProfileId::new(id), (text("provider")?, text("mode")?));
        }
        let mut order = BTreeMap::new();
        for (provider, ids) in section(&root, &["auth", "order"])?.iter().flat_map(Look::entries) {
            let ids = texts(&ids)?.into_iter().map(ProfileId::new).collect();
            if order.insert(provider_id(provider), (provider.to_owned(), ids)).is_some() {
                return Err(strange(&root.at("auth").unwrap_or(root), format!("orders {provider} twice")));
            }
        }
        let system = root.within(SYSTEM_AGENT);
        Ok(Self {
            form,
            system: system.and_then(|id| id.value.as_str()).map(agent_id::normalize),
            explicit: agents
                .and_then(|agents| agents.at("ownership"))
                .is_some_and(|word| word.value == "explicit"),
            agents: seen,
            models,
            bindings: root.at("bindings").map_or(Ok(Vec::new()), |bindings| self::bindings(&bindings))?,
            profiles,
            order,
        })
    }

    /// Returns the default agent, as the program decides it.
    pub fn default_agent(&self) -> Option<&AgentId> {
        let marked: Vec<_> = self.agents.iter().filter(|agent| agent.default).collect();
        let found = match (marked.as_slice(), self.form) {
            (_, _) if self.explicit && self.agents.len() > 1 => {
                self.agents.iter().find(|agent| Some(&agent.id) == self.system.as_ref())
            }
            ([only], _) => Some(*only),
            (_, RosterForm::Entries) => self.agents.first().filter(|_| self.agents.len() == 1),
            (marked, _) => marked.first().copied().or(self.agents.first()),
        };
        found.map(|agent| &agent.id)
    }
}

/// Looks at an object several keys deep; nothing where one of them is missing.
pub(super) fn section<'v>(root: &Look<'v>, way: &[&str]) -> Found<Option<Look<'v>>> {
    let mut at = root.clone();
    for key in way {
        match at.at(key) {
            None => return Ok(None),
            Some(next) => at = next,
        }
        object(&at)?;
    }
    Ok(Some(at))
}

fn roster(agents: &Look<'_>) -> Found<(RosterForm, Vec<Seen>)> {
    object(agents)?;
    let mut seen = Vec::new();
    let form = match (agents.at("entries"), agents.at("list")) {
        (Some(_), Some(_)) => return Err(strange(agents, "has both entries and list")),
        (Some(entries), None) => {
            object(&entries)?;
            for (key, entry) in entries.entries() {
                if !agent_id::is_entries_key(key) {
                    return Err(strange(&entry, "is not a valid agent id (a-z, 0-9, _ and -; at most 64)"));
                }
                seen.push(agent(key.to_owned(), &entry)?);
            }
            RosterForm::Entries
        }
        (None, Some(list)) => {
            for entry in elements(&list)? {
                object(&entry)?;
                let id = text_at(&entry, "id")?.ok_or_else(|| strange(&entry, "has no id"))?;
                seen.push(agent(id, &entry)?);
            }
            RosterForm::List
        }
        (None, None) => RosterForm::Implicit,
    };
    let mut ids = BTreeSet::new();
    if let Some(twice) = seen.iter().find(|agent| !ids.insert(agent.id.clone())) {
        return Err(strange(agents, format!("names the agent {} twice", twice.id)));
    }
    Ok((form, seen))
}

/// Reads one entry of the roster by itself; `key` is its id where it stands by name. Nothing where that cannot be understood.
pub(super) fn entry(key: Option<&str>, look: &Look<'_>) -> Option<Seen> {
    let id = match key {
        Some(key) => key.to_owned(),
        None => text_at(look, "id").ok()??,
    };
    agent(id, look).ok()
}

fn agent(written_id: String, entry: &Look<'_>) -> Found<Seen> {
    object(entry)?;
    if substitute::has_variable(&written_id) {
        return Err(strange(entry, "has an id that a variable decides"));
    }
    let default = match entry.at("default") {
        None => false,
        Some(mark) => mark.value.as_bool().ok_or_else(|| strange(&mark, "is neither true nor false"))?,
    };
    Ok(Seen {
        id: agent_id::normalize(&written_id),
        written_id,
        name: text_at(entry, "name")?,
        default,
        models: entry.at("model").map_or(Ok(Written::default()), |model| models(&model))?,
        workspace: text_at(entry, "workspace")?,
        has_agent_dir: entry.at("agentDir").is_some(),
    })
}

/// Reads a model: text or `{primary, fallbacks}`.
fn models(model: &Look<'_>) -> Found<Written> {
    if let Some(primary) = model.value.as_str() {
        let choice = ModelChoice { primary: Some(primary.to_owned()), fallbacks: Vec::new() };
        return Ok(Written { choice, object: false });
    }
    object(model)?;
    let fallbacks = model.at("fallbacks").map_or(Ok(Vec::new()), |all| texts(&all))?;
    Ok(Written { choice: ModelChoice { primary: text_at(model, "primary")?, fallbacks }, object: true })
}

fn bindings(bindings: &Look<'_>) -> Found<Vec<Bound>> {
    let mut found = Vec::new();
    for binding in elements(bindings)? {
        object(&binding)?;
        let agent = text_at(&binding, "agentId")?.ok_or_else(|| strange(&binding, "names no agent"))?;
        if substitute::has_variable(&agent) {
            return Err(strange(&binding, "names an agent that a variable decides"));
        }
        found.push(Bound {
            agent: agent_id::normalize(&agent),
            written_agent: agent,
            acp: binding.at("type").is_some_and(|kind| kind.value == "acp"),
            matching: binding.at("match").map_or(Value::Null, |found| found.value.clone()),
            comment: text_at(&binding, "comment")?,
        });
    }
    Ok(found)
}

/// Reads the mode of a profile.
pub(in crate::config) fn kind(mode: &str) -> CredentialKind {
    CredentialKind::parse(mode)
}

fn text_at(look: &Look<'_>, key: &str) -> Found<Option<String>> {
    let Some(found) = look.at(key) else { return Ok(None) };
    let text = found.value.as_str().ok_or_else(|| strange(&found, "is not text"))?;
    Ok(Some(text.to_owned()))
}

fn texts(look: &Look<'_>) -> Found<Vec<String>> {
    let text =
        |look: &Look<'_>| look.value.as_str().map(str::to_owned).ok_or_else(|| strange(look, "is not text"));
    elements(look)?.iter().map(text).collect()
}

fn elements<'v>(look: &Look<'v>) -> Found<Vec<Look<'v>>> {
    let all = look.value.as_array().ok_or_else(|| strange(look, "is not an array"))?;
    Ok(all.iter().enumerate().map(|(at, value)| Look { value, steps: look.steps.index(at) }).collect())
}

pub(super) fn object(look: &Look<'_>) -> Found<()> {
    if look.value.is_object() { Ok(()) } else { Err(strange(look, "is not an object")) }
}

fn strange(look: &Look<'_>, problem: impl Into<String>) -> Strange {
    Strange { steps: look.steps.clone(), problem: problem.into() }
}
