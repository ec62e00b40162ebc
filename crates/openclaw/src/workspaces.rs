//! Where agents work: their workspace directories, and the directories of their sessions.

use crate::config::{Config, RawConfig, model::AgentEntry};
use crate::locate::{self, Locations};
use crate::{Environment, agent_id, files};
use keyshoal_core::AgentId;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The place of an agent's workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// What the config says of it, as written.
    pub written: Option<String>,
    /// Where it is. It need not exist.
    pub path: PathBuf,
}

/// Returns an agent's entry in the config as written: the first with its id, as in the program.
pub fn written_entry<'v>(config: &'v Value, id: &AgentId) -> Option<&'v Value> {
    let agents = config.get("agents")?;
    if let Some(Value::Object(entries)) = agents.get("entries") {
        return entries.iter().find(|(key, _)| agent_id::normalize(key) == *id).map(|(_, entry)| entry);
    }
    let list = agents.get("list")?.as_array()?;
    list.iter().find(|entry| {
        entry.get("id").and_then(Value::as_str).is_some_and(|written| agent_id::normalize(written) == *id)
    })
}

/// Returns an agent's workspace.
///
/// The rules are those of `resolveAgentWorkspaceDir` in 2026.3.28 and 2026.6.11: the agent's own; for the default agent that of the
/// defaults, else `workspace`; for others `<that of the defaults>/<id>` (since 2026.6), else `workspace-<id>`. Where releases differ, the
/// directory that exists counts.
pub fn of_agent(
    locations: &Locations,
    env: &Environment,
    config: &Config,
    raw: Option<&RawConfig>,
    agent: &AgentEntry,
) -> Workspace {
    let entry = raw.and_then(|raw| written_entry(&raw.value, &agent.id));
    let is_default = config.default_agent().is_some_and(|default| default.id == agent.id);
    place(locations, env, raw, (&agent.id, is_default), entry.and_then(text))
}

/// Returns the workspace of an agent that the config does not have, and whose entry would name this one.
pub fn of_absent(
    locations: &Locations,
    env: &Environment,
    raw: Option<&RawConfig>,
    id: &AgentId,
    written: Option<&str>,
) -> Workspace {
    place(locations, env, raw, (id, false), written.map(str::to_owned))
}

/// Returns the workspace that an entry names.
fn text(entry: &Value) -> Option<String> {
    let text = entry.get("workspace").and_then(Value::as_str);
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn place(
    locations: &Locations,
    env: &Environment,
    raw: Option<&RawConfig>,
    (id, is_default): (&AgentId, bool),
    written: Option<String>,
) -> Workspace {
    let resolved = |written: &str| {
        let written = written.replace('\0', "");
        locate::resolve(Path::new(&written), Some(&locations.home)).unwrap_or_else(|_| PathBuf::from(written))
    };
    if let Some(own) = &written {
        return Workspace { path: resolved(own), written };
    }
    let shared = raw.and_then(|raw| raw.value.pointer("/agents/defaults")).and_then(text);
    let path = match (shared, is_default) {
        (Some(shared), true) => resolved(&shared),
        (Some(shared), false) => {
            let within = resolved(&shared).join(id.as_str());
            let beside = locations.state_dir.join(format!("workspace-{id}"));
            if files::exists(&within) || !files::exists(&beside) { within } else { beside }
        }
        (None, true) => {
            match env.get("OPENCLAW_WORKSPACE_DIR").map(str::trim).filter(|dir| !dir.is_empty()) {
                Some(named) => resolved(named),
                None => {
                    let (inside, early) =
                        (locations.state_dir.join("workspace"), locations.home.join(".openclaw/workspace"));
                    if files::exists(&inside) || !files::exists(&early) { inside } else { early }
                }
            }
        }
        (None, false) => locations.state_dir.join(format!("workspace-{id}")),
    };
    Workspace { written, path }
}

/// Returns the directory of an agent's session files. Since 2026.8 the sessions themselves stand in the agent's database.
pub fn sessions_of(locations: &Locations, id: &AgentId) -> PathBuf {
    locations.state_dir.join("agents").join(id.as_str()).join("sessions")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use serde_json::json;
    use std::collections::BTreeMap;

    /// Returns where each agent works, below the home, with these directories there and this `agents` in the config.
    fn places(agents: &Value, there: &[&str], vars: &[(&str, &str)]) -> Vec<String> {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("state");
        for dir in there.iter().chain(&["state"]) {
            files::make_private_dir(&home.path().join(dir)).unwrap();
        }
        let text = json!({ "agents": agents }).to_string();
        let mut file = files::create_new(&state.join("openclaw.json")).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        let vars: BTreeMap<String, String> =
            vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let env = Environment { vars: vars.into_iter().collect(), home: Some(home.path().to_owned()) };
        let locations = locate::locate(&env, Some(&state), None).unwrap();
        let config = config::load(&locations, &env).unwrap();
        let raw = config::raw(&locations).unwrap();
        let place = |agent| of_agent(&locations, &env, &config, raw.as_ref(), agent).path;
        let below = |path: PathBuf| path.strip_prefix(home.path()).unwrap_or(&path).display().to_string();
        config.agents.iter().map(place).map(below).collect()
    }

    #[test]
    fn agents_work_where_the_program_has_them_work() {
        let two = json!({ "list": [{ "id": "main", "default": true }, { "id": "Stocks" }] });
        assert_eq!(places(&two, &[], &[]), ["state/workspace", "state/workspace-stocks"]);
        assert_eq!(places(&two, &[".openclaw/workspace"], &[])[0], ".openclaw/workspace");
        assert_eq!(places(&two, &[".openclaw/workspace", "state/workspace"], &[])[0], "state/workspace");
        assert_eq!(places(&two, &[], &[("OPENCLAW_WORKSPACE_DIR", "/srv/w")])[0], "/srv/w");
        let shared = json!({ "defaults": { "workspace": "~/w" }, "list": two["list"] });
        assert_eq!(places(&shared, &[], &[]), ["w", "w/stocks"]);
        assert_eq!(places(&shared, &["state/workspace-stocks"], &[])[1], "state/workspace-stocks");
        let own = json!({ "entries": { "main": { "default": true }, "stocks": { "workspace": " ~/own " } } });
        assert_eq!(places(&own, &[], &[]), ["state/workspace", "own"]);
        assert_eq!(places(&json!({}), &[], &[]), ["state/workspace"]);
    }
}
