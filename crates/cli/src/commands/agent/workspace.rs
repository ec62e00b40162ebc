//! An agent goes on working where it works: what OpenClaw derives from its id, or from its being the default agent, is written down before
//! that changes.

use crate::commands::flow::Flow;
use crate::error::CommandError;
use crate::ui::{Text, Ui};
use keyshoal_core::vault::VaultAgent;
use keyshoal_vault::Change;

/// Returns the change that writes the workspace of an agent down, and says so. `None` where it is written, or not there.
pub fn pinned(ui: &mut Ui, flow: &Flow<'_>, agent: &VaultAgent) -> Result<Option<Change>, CommandError> {
    if agent.workspace.is_some() || !agent.enabled {
        return Ok(None);
    }
    let Some(path) = flow.installation.implied_workspace(&agent.id)? else { return Ok(None) };
    let path = path.display().to_string();
    ui.say(&Text::of(format!("{} goes on working in {path}: the config names it from now on", agent.id)));
    Ok(Some(Change::SetAgent { agent: agent.uid, name: agent.name.clone(), workspace: Some(path) }))
}

/// Returns the changes that write the workspaces down of the agent that is the default so far and of the one that shall be.
pub fn of_defaults(
    ui: &mut Ui,
    flow: &Flow<'_>,
    next: Option<&VaultAgent>,
) -> Result<Vec<Change>, CommandError> {
    if next.is_some_and(|next| next.default) {
        return Ok(Vec::new());
    }
    let so_far = flow.instance().agents.iter().find(|agent| agent.default);
    let all = so_far.into_iter().chain(next).map(|agent| pinned(ui, flow, agent));
    Ok(all.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}
