//! What a payload's files become in the new state directory: the config, what it includes, `.env`, workspaces, sessions.

use crate::error::CommandError;
use crate::root::Target;
use keyshoal_openclaw::config::dotenv;
use keyshoal_openclaw::locate::{self, Locations};
use keyshoal_transfer::manifest::Part;
use keyshoal_transfer::{ImportPlan, Payload};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// Our own directory in a state directory: nothing of a payload goes there.
const OURS: &str = ".keyshoal";

/// Returns the first names, in the new state directory, of the files that the config includes and of the places that move there.
pub fn first_names(plan: &ImportPlan, state_dir: &Path) -> BTreeSet<String> {
    let first = |path: &str| path.split('/').next().map(str::to_owned);
    let moved = plan
        .moved_settings(state_dir)
        .into_iter()
        .filter_map(|(_, place)| first(Path::new(&place).strip_prefix(state_dir).ok()?.to_str()?));
    plan.included.iter().filter_map(|file| first(&file.name)).chain(moved).collect()
}

/// Writes the config's text as it was, the files that it includes, and the variables.
pub fn config(target: &mut Target, locations: &Locations, plan: &ImportPlan) -> Result<(), CommandError> {
    let beside = locations.config_path.parent().unwrap_or(target.dir()).to_owned();
    for file in &plan.included {
        if Path::new(&file.name).components().next() == Some(Component::Normal(OURS.as_ref())) {
            return Err(CommandError::user(format!(
                "the payload's config includes {}, which is a place of Keyshoal's own",
                file.name
            )));
        }
        target.put(&beside.join(&file.name), file.value.reveal_secret().as_bytes())?;
    }
    if !plan.variables.is_empty() {
        let variables = plan.variables.iter().map(|one| (one.name.as_str(), &one.value));
        let text = dotenv::text(variables).ok_or_else(|| {
            CommandError::user("a variable of the payload's .env has a value that no .env can hold")
                .hint("take it out there, and export again")
        })?;
        target.put(&target.dir().join(".env"), text.reveal_secret().as_bytes())?;
    }
    match &plan.config {
        Some(text) => target.put(&locations.config_path, text.reveal_secret().as_bytes()),
        None => Ok(()),
    }
}

/// Gives every agent whose files come along a workspace below the state directory, and says where that is another one than before.
pub fn workspaces(
    plan: &mut ImportPlan,
    payload: &Payload,
    locations: &Locations,
    defaults: bool,
) -> Vec<String> {
    plan.move_workspaces(&locations.state_dir);
    let mut said = Vec::new();
    for agent in &mut plan.agents {
        let has = payload.files.iter().any(|file| file.agent == agent.id && file.part == Part::Workspace);
        let usual = agent.workspace.is_none() && !defaults;
        if !has || usual || agent.workspace.as_deref().is_some_and(|named| below(named, locations).is_some())
        {
            continue;
        }
        let dir = locations.state_dir.join(format!("workspace-{}", agent.id)).display().to_string();
        said.push(format!("agent {} works in {dir}: its files came along", agent.id));
        agent.workspace = Some(dir);
    }
    said
}

/// Moves the files of a payload to their places.
pub fn files(
    target: &mut Target,
    plan: &ImportPlan,
    payload: &Payload,
    locations: &Locations,
) -> Result<u64, CommandError> {
    let mut moved = 0;
    for file in &payload.files {
        let Some(from) = &file.at else { continue };
        let agent = plan.agents.iter().find(|agent| agent.id == file.agent);
        let agent = agent.ok_or_else(|| CommandError::internal("a file of an agent that is in no roster"))?;
        let dir = match file.part {
            Part::Workspace => {
                let own = agent.workspace.as_deref().and_then(|named| below(named, locations));
                own.unwrap_or_else(|| usual(target.dir(), agent.id.as_str(), agent.default))
            }
            Part::Sessions => target.dir().join("agents").join(agent.id.as_str()).join("sessions"),
            Part::Database | Part::ChannelLogins => continue,
        };
        if let Some(Component::Normal(top)) =
            dir.strip_prefix(target.dir()).ok().and_then(|rest| rest.components().next())
            && target.had(top)
        {
            return Err(CommandError::user(format!(
                "{} is there already, and nothing is put into it",
                dir.display()
            ))
            .hint("move it aside, or name another state directory (--state-dir)"));
        }
        target.bring(from, &dir.join(&file.path))?;
        moved += 1;
    }
    Ok(moved)
}

/// Returns where the program has an agent's workspace when nothing is said.
fn usual(state_dir: &Path, id: &str, default: bool) -> PathBuf {
    match default {
        true => state_dir.join("workspace"),
        false => state_dir.join(format!("workspace-{id}")),
    }
}

/// Returns a workspace that lies where a payload may put files: in a directory of the state directory that is called like one.
fn below(named: &str, locations: &Locations) -> Option<PathBuf> {
    let path = locate::resolve(Path::new(named), Some(&locations.home)).ok()?;
    let rest = path.strip_prefix(&locations.state_dir).ok()?;
    let Some(Component::Normal(top)) = rest.components().next() else { return None };
    top.to_str().is_some_and(|top| top.starts_with("workspace")).then_some(path)
}
