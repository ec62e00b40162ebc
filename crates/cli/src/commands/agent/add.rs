//! Taking an agent into the vault: a new one, or one that OpenClaw's own commands have made.

use super::{About, new_id, workspace};
use crate::commands::flow::{self, FlowArgs};
use crate::commands::{Context, model};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render::words;
use crate::ui::{Text, Ui};
use keyshoal_core::vault::{AgentUid, VaultAgent, VaultBinding};
use keyshoal_vault::Change;

/// Adds it. What stands of it in the config is its own, but for what is said otherwise.
pub fn add(
    ui: &mut Ui,
    context: &Context<'_>,
    agent: &str,
    about: &About,
    how: &FlowArgs,
) -> Result<Outcome, CommandError> {
    let flow = flow::begin(ui, context, how)?;
    let id = new_id(agent, |id| format!("keyshoal agent add {id} --name {agent:?}"))?;
    let uid = AgentUid(uuid::Uuid::new_v4());
    model::check(ui, context, &about.models())?;
    let known = flow.instance().agents.iter().any(|one| one.id == id);
    let (standing, bound) = if known { (None, Vec::new()) } else { flow.installation.standing_agent(&id)? };
    let mut new = VaultAgent {
        uid,
        id,
        name: about.name.clone(),
        enabled: true,
        default: false,
        models: about.models(),
        workspace: about.workspace.clone(),
    };
    let many = words::count(bound.len(), "binding");
    if let Some(standing) = standing {
        ui.say(&Text::of(format!(
            "{} stands in the config already: it is taken in as it stands there, with {many}",
            new.id
        )));
        new.name = new.name.or(standing.name);
        new.workspace = new.workspace.or(standing.workspace);
        new.models.primary = new.models.primary.or(standing.models.primary);
        if new.models.fallbacks.is_empty() && !about.no_fallback {
            new.models.fallbacks = standing.models.fallbacks;
        }
    } else if !bound.is_empty() {
        ui.say(&Text::of(format!("the config leads to {} already, with {many}: taken in as well", new.id)));
    }
    let mut bindings = flow.instance().bindings.clone();
    bindings.extend(bound.into_iter().map(|one| VaultBinding {
        agent: uid,
        matching: one.matching,
        comment: one.comment,
    }));
    let mut changes = vec![Change::AddAgent(new)];
    if bindings.len() > flow.instance().bindings.len() {
        changes.push(Change::SetBindings(bindings));
    }
    if about.default {
        changes.push(Change::SetDefaultAgent(uid));
        changes.extend(workspace::of_defaults(ui, &flow, None)?);
    }
    flow.go(ui, "agent", changes)
}
