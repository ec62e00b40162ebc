//! Taking an agent into the vault: a new one, or one that OpenClaw's own commands have made.

use super::{About, new_id, workspace};
use crate::commands::flow::{self, Flow, FlowArgs};
use crate::commands::{Context, model};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render::words;
use crate::ui::{Text, Ui};
use keyshoal_core::AgentId;
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
    refuse_known(&flow, &id)?;
    let (standing, bound) = flow.installation.standing_agent(&id)?;
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

/// Refuses an id that the vault has already, with the way to an agent that is only disabled.
fn refuse_known(flow: &Flow<'_>, id: &AgentId) -> Result<(), CommandError> {
    let Some(known) = flow.instance().agents.iter().find(|one| one.id == *id) else { return Ok(()) };
    if known.enabled {
        return Err(CommandError::user(format!("there is an agent {id} already")));
    }
    Err(CommandError::user(format!("there is an agent {id} already; it is disabled"))
        .hint(format!(
            "keyshoal agent enable {id}   takes it into the roster again, with what the vault has of it"
        ))
        .hint(format!("keyshoal agent remove {id}   has the vault forget it; then this again")))
}
