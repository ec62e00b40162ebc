//! The roster: which agents there are, where their directories are, which models they use.

use super::model::{AgentEntry, Binding, RosterForm};
use super::models;
use super::notes::{Look, Notes, Steps};
use super::special::Layers;
use super::{ConfigError, text};
use crate::agent_id;
use crate::locate::{self, Locations};
use keyshoal_core::{AgentId, ProviderId};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What `agents` says.
pub(super) struct Roster {
    /// The agents, in order.
    pub(super) agents: Vec<AgentEntry>,
    /// The form in which they stand.
    pub(super) form: RosterForm,
    /// Whether ownership is explicit.
    pub(super) explicit_ownership: bool,
    /// Whether no agent is written.
    pub(super) implied: bool,
    /// How many agents are marked as the default.
    pub(super) default_marks: usize,
}

/// Reads `agents`. `entries` wins over `list`, as in the program.
pub(super) fn read(
    root: &Look<'_>,
    locations: &Locations,
    names: &models::ModelNames,
    notes: &mut Notes<'_>,
) -> Result<Roster, ConfigError> {
    let Some(agents) = root.at("agents") else {
        return Ok(implicit(RosterForm::Implicit, false, root, names, locations, notes));
    };
    if !agents.value.is_object() {
        return Err(roster_error(&agents, "an object", notes));
    }
    let explicit_ownership = agents.at("ownership").is_some_and(|word| word.value == "explicit");
    let (form, written) = written_agents(&agents, notes)?;
    if written.is_empty() {
        return Ok(implicit(form, explicit_ownership, root, names, locations, notes));
    }

    let defaults = agents.object_at("defaults", notes);
    let mut found: Vec<AgentEntry> = Vec::new();
    let mut marked = Vec::new();
    for (written_id, entry) in written {
        let id = agent_id::normalize(&written_id);
        let default = entry.is_true_at("default", notes);
        if let Some(at) = found.iter().position(|agent| agent.id == id) {
            notes.warn(
                &entry.steps,
                format_args!(
                    "is the agent {id} again (as {:?} before); OpenClaw ignores all but the first, and refuses the config since 2026.8",
                    found[at].written_id
                ),
            );
            // But its mark as the default counts.
            if default {
                marked.push(at);
            }
            continue;
        }
        if default {
            marked.push(found.len());
        }
        let agent_dir = match entry.text_at("agentDir", notes) {
            Some(dir) => locate::resolve(Path::new(&dir.replace('\0', "")), Some(&locations.home)).map_err(
                |error| {
                    ConfigError::invalid(notes.place(&entry.steps), error.to_string(), "correct agentDir")
                },
            )?,
            None => default_directory(locations, &id),
        };
        let layers = Layers { root, defaults: defaults.as_ref(), entry: Some(&entry) };
        let models = models::of_agent(&id, &layers, names, notes);
        let name = entry.text_at("name", notes);
        found.push(AgentEntry { id, written_id, name, default: false, agent_dir, models });
    }
    warn_of_ownership(form, explicit_ownership, (found.len(), marked.len()), &agents.steps, notes);
    // Releases with entries know a default only where it is certain; those with a list take the first.
    let default = match (form, marked.as_slice()) {
        (_, [only]) if !explicit_ownership => Some(*only),
        (RosterForm::Entries, _) => (found.len() == 1).then_some(0),
        (_, marked) => {
            (!explicit_ownership || found.len() == 1).then(|| marked.first().copied().unwrap_or(0))
        }
    };
    if let Some(agent) = default.and_then(|default| found.get_mut(default)) {
        agent.default = true;
    }
    let default_marks = marked.len();
    Ok(Roster { agents: found, form, explicit_ownership, implied: false, default_marks })
}

/// Says where nobody can tell whose the messages are that name no agent. Seen on 2026.8.2 and 2026.9.6, which have entries.
fn warn_of_ownership(
    form: RosterForm,
    explicit: bool,
    (agents, marked): (usize, usize),
    steps: &Steps,
    notes: &mut Notes<'_>,
) {
    match (form, explicit, marked) {
        (RosterForm::Entries, true, 1..) => {
            notes.warn(steps, "marks a default although its ownership is explicit; OpenClaw refuses the config: take the mark away");
        }
        (RosterForm::Entries, false, 0 | 2..) if agents > 1 => notes.warn(
            steps,
            "names several agents, and neither is ownership \"explicit\" nor exactly one of them the default; OpenClaw refuses the config",
        ),
        (RosterForm::List, false, 2..) => notes.warn(steps, "marks several agents as default"),
        _ => {}
    }
}

/// Reads the names of `agents.defaults.cliBackends`.
pub(super) fn cli_backends(root: &Look<'_>) -> BTreeSet<ProviderId> {
    let backends = root.within(&["agents", "defaults", "cliBackends"]);
    backends.iter().flat_map(Look::entries).map(|(name, _)| models::provider_id(name)).collect()
}

/// Reads `agents.defaults.systemAgent.agentId`: who owns what nobody else does, under explicit ownership.
pub(super) fn system_agent(root: &Look<'_>, notes: &mut Notes<'_>) -> Option<AgentId> {
    let system = root.within(&["agents", "defaults", "systemAgent"])?;
    system.text_at("agentId", notes).map(|written| agent_id::normalize(&written))
}

/// Refuses two agents with one directory, as the program does; agents that only bindings name count too.
///
/// The same directory by way of a symbolic link is a warning only: early releases accept it.
pub(super) fn refuse_shared_directories(
    agents: &[AgentEntry],
    bindings: &[Binding],
    locations: &Locations,
    notes: &mut Notes<'_>,
) -> Result<(), ConfigError> {
    let mut by_dir: BTreeMap<PathBuf, Vec<AgentId>> = BTreeMap::new();
    for agent in agents {
        by_dir.entry(agent.agent_dir.clone()).or_default().push(agent.id.clone());
    }
    for binding in bindings {
        let id = agent_id::normalize(&binding.agent);
        if !agents.iter().any(|agent| agent.id == id) {
            let named = by_dir.entry(default_directory(locations, &id)).or_default();
            if !named.contains(&id) {
                named.push(id);
            }
        }
    }
    let agents = Steps::default().key("agents");
    if let Some((dir, ids)) = by_dir.iter().find(|(_, ids)| ids.len() > 1) {
        let place = notes.place(&agents);
        return Err(ConfigError::SharedDirectory { place, agents: join(ids), dir: dir.clone() });
    }
    // Most are directories of their own, which a number tells sooner than a resolved path.
    let mut by_number: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (dir, ids) in by_dir {
        if let Ok(Some(meta)) = crate::files::metadata(&dir) {
            by_number.entry((meta.dev(), meta.ino())).or_default().push((dir, ids));
        }
    }
    let mut by_real: BTreeMap<PathBuf, Vec<AgentId>> = BTreeMap::new();
    for (dir, ids) in by_number.into_values().filter(|same| same.len() > 1).flatten() {
        if let Some(real) = crate::files::real_path(&dir) {
            by_real.entry(real).or_default().extend(ids);
        }
    }
    for (dir, ids) in by_real.iter().filter(|(_, ids)| ids.len() > 1) {
        notes.warn(
            &agents,
            format_args!(
                "gives {} one directory by symbolic links, {}; they share its credentials, and OpenClaw since 2026.8 refuses such a config",
                join(ids),
                dir.display()
            ),
        );
    }
    Ok(())
}

/// Returns the directory of an agent that names none.
fn default_directory(locations: &Locations, id: &AgentId) -> PathBuf {
    locations.state_dir.join("agents").join(id.as_str()).join("agent")
}

/// Returns the agents as written: id and entry.
fn written_agents<'v>(
    agents: &Look<'v>,
    notes: &mut Notes<'_>,
) -> Result<(RosterForm, Vec<(String, Look<'v>)>), ConfigError> {
    let (entries, list) = (agents.at("entries"), agents.at("list"));
    if let Some(entries) = entries {
        if !entries.value.is_object() {
            return Err(roster_error(&entries, "an object", notes));
        }
        if list.is_some() {
            notes.warn(
                &agents.steps,
                "has both entries and list (OpenClaw refuses the config); entries counts",
            );
        }
        let mut written = Vec::new();
        for (key, entry) in entries.entries() {
            if !agent_id::is_entries_key(key) {
                notes.warn(&entry.steps, "is not a valid agent id (a-z, 0-9, _ and -; at most 64)");
            }
            if !entry.value.is_object() {
                entry.complain("an object", notes);
                continue;
            }
            written.push((key.to_owned(), entry));
        }
        // JavaScript puts keys that look like array indices first, in numeric order; order decides about duplicates and the default.
        written.sort_by_key(|(key, _)| array_index(key).map_or((true, 0), |index| (false, index)));
        return Ok((RosterForm::Entries, written));
    }
    let Some(list) = list else { return Ok((RosterForm::Implicit, Vec::new())) };
    if !list.value.is_array() {
        return Err(roster_error(&list, "an array", notes));
    }
    let mut written = Vec::new();
    for entry in list.elements(notes) {
        if !entry.value.is_object() {
            entry.complain("an object", notes);
            continue;
        }
        match entry.at("id").and_then(|id| id.value.as_str()) {
            Some(id) => written.push((id.to_owned(), entry)),
            None => notes.warn(&entry.steps, "has no id; it was left out (OpenClaw refuses the config)"),
        }
    }
    Ok((RosterForm::List, written))
}

/// Returns the number that a key is, when JavaScript would treat it as an array index.
fn array_index(key: &str) -> Option<u32> {
    let number: u32 = key.parse().ok()?;
    (number != u32::MAX && number.to_string() == key).then_some(number)
}

/// Makes the roster of a config without agents: `main` alone.
fn implicit(
    form: RosterForm,
    explicit_ownership: bool,
    root: &Look<'_>,
    names: &models::ModelNames,
    locations: &Locations,
    notes: &mut Notes<'_>,
) -> Roster {
    let defaults = root.at("agents").and_then(|agents| agents.object_at("defaults", notes));
    let id = AgentId::new(agent_id::FALLBACK);
    let layers = Layers { root, defaults: defaults.as_ref(), entry: None };
    let models = models::of_agent(&id, &layers, names, notes);
    let agent_dir = default_directory(locations, &id);
    let written_id = id.as_str().to_owned();
    let main = AgentEntry { id, written_id, name: None, default: true, agent_dir, models };
    Roster { agents: vec![main], form, explicit_ownership, implied: true, default_marks: 0 }
}

/// Makes the error of a roster that cannot be read: guessing at agents would leave some with stale keys.
fn roster_error(look: &Look<'_>, wanted: &str, notes: &Notes<'_>) -> ConfigError {
    ConfigError::invalid(notes.place(&look.steps), format!("{} is not {wanted}", look.steps), text::WAY_OUT)
}

/// Joins ids for a message.
fn join(ids: &[AgentId]) -> String {
    ids.iter().map(AgentId::as_str).collect::<Vec<_>>().join(", ")
}
