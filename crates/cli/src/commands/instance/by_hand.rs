//! What somebody has changed in the config: taken into the vault, or put back to what the vault has.

use crate::commands::flow::{self, Flow, FlowArgs};
use crate::commands::{Context, agent};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render::words;
use crate::root::holdings::DELIVERED;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::AgentId;
use keyshoal_core::vault::{AgentUid, VaultAgent, VaultBinding, VaultInstance};
use keyshoal_engine::ports::Observe as _;
use keyshoal_openclaw::config::by_hand::ByHand;
use keyshoal_openclaw::config::generate::WantedBinding;
use keyshoal_vault::Change;
use std::collections::BTreeMap;

/// Takes it into the vault.
pub fn adopt(ui: &mut Ui, context: &Context<'_>, how: &FlowArgs) -> Result<Outcome, CommandError> {
    let flow = flow::begin(ui, context, how)?;
    flow.installation.config_edit()?;
    let found = flow.installation.changed_by_hand();
    if found.is_empty() && flow.installation.strangers().is_empty() {
        return Err(CommandError::user("nothing of the config was changed by somebody else")
            .hint("keyshoal diff   shows what the vault would change"));
    }
    require_nobody_renamed(&flow)?;
    let changes = changes(ui, &flow, found)?;
    flow.go(ui, "instance", changes)
}

/// Makes what the vault has never heard of its own: each agent as it stands, as `agent add` does.
fn joining(ui: &mut Ui, flow: &Flow<'_>) -> Result<(Vec<VaultAgent>, Vec<WantedBinding>), CommandError> {
    let (agents, bound) = flow.installation.standing_strangers()?;
    let mut joining = Vec::new();
    for standing in agents {
        let id = agent::new_id(standing.id.as_str(), |id| format!("keyshoal agent add {id}"))?;
        let many = bound.iter().filter(|binding| binding.agent == id).count();
        ui.say(&Text::of(format!(
            "{id} is taken in as it stands in the config, with {}",
            words::count(many, "binding")
        )));
        joining.push(VaultAgent {
            uid: AgentUid(uuid::Uuid::new_v4()),
            id,
            name: standing.name,
            enabled: true,
            default: false,
            models: standing.models,
            workspace: standing.workspace,
        });
    }
    Ok((joining, bound))
}

/// Says what becomes of an agent that somebody has taken out of the config.
fn disabling(instance: &VaultInstance, agent: &VaultAgent) -> Text {
    Text::toned(Tone::Strong, format!("{} is disabled", agent.id)).plain(format!(
        ": it is not in the config any more. The vault keeps it{}; nothing that the vault gave it stays in its store. keyshoal agent enable {} \
         takes it back",
        agent::own_of(instance, agent),
        agent.id
    ))
}

/// Refuses where an agent is gone and one is there that the vault does not know: only a person can tell whether it is the same, which would
/// lose its credentials.
fn require_nobody_renamed(flow: &Flow<'_>) -> Result<(), CommandError> {
    let Some(undecided) = flow.installation.undecided() else { return Ok(()) };
    let named: Vec<&str> = undecided.strangers.iter().map(AgentId::as_str).collect();
    let [rename, add] = undecided.ways();
    Err(CommandError::user(format!(
        "{} is not in the config any more, and the vault does not know {}, which is there; nothing was changed",
        undecided.gone,
        named.join(", ")
    ))
    .hint(rename)
    .hint(format!("{add}; then this again")))
}

/// Puts back what the vault has.
pub fn deliver(ui: &mut Ui, context: &Context<'_>, how: &FlowArgs) -> Result<Outcome, CommandError> {
    let flow = flow::begin(ui, context, how)?;
    flow.installation.config_edit()?;
    let is_changed = !flow.installation.changed_by_hand().is_empty();
    let changes = is_changed.then(|| Change::RemoveDocument(DELIVERED.to_owned()));
    flow.go(ui, "instance", changes.into_iter().collect())
}

fn changes(ui: &mut Ui, flow: &Flow<'_>, found: Vec<ByHand>) -> Result<Vec<Change>, CommandError> {
    let instance = flow.instance();
    let mut agents: BTreeMap<AgentId, VaultAgent> =
        instance.agents.iter().map(|agent| (agent.id.clone(), agent.clone())).collect();
    let (joining, bound) = joining(ui, flow)?;
    let uid = |id: &AgentId| -> Result<AgentUid, CommandError> {
        let known = instance.agents.iter().chain(&joining).find(|agent| agent.id == *id);
        known.map(|agent| agent.uid).ok_or_else(|| CommandError::user(format!("the vault has no agent {id}")))
    };
    let of = |one: WantedBinding| -> Result<VaultBinding, CommandError> {
        Ok(VaultBinding { agent: uid(&one.agent)?, matching: one.matching, comment: one.comment })
    };
    let mut first: Vec<Change> = joining.iter().cloned().map(Change::AddAgent).collect();
    let mut rest = Vec::new();
    let mut bindings = (!bound.is_empty()).then(|| instance.bindings.clone());
    for one in found {
        match one {
            ByHand::Gone(id) => {
                if let Some(agent) = agents.get(&id) {
                    ui.say(&disabling(instance, agent));
                }
                rest.push(Change::EnableAgent { agent: uid(&id)?, enabled: false });
            }
            ByHand::Name(id, name) => {
                if let Some(agent) = agents.get_mut(&id) {
                    agent.name = name;
                }
            }
            ByHand::Workspace(id, workspace) => {
                if let Some(agent) = agents.get_mut(&id) {
                    agent.workspace = workspace;
                }
            }
            ByHand::AgentModels(id, models) => {
                rest.push(Change::SetModels { agent: Some(uid(&id)?), models });
            }
            ByHand::Default(Some(id)) => first.push(Change::SetDefaultAgent(uid(&id)?)),
            ByHand::Default(None) => ui.warn(
                "the config has no default agent any more; the vault keeps the one it has: keyshoal agent set AGENT --default   names another",
            ),
            ByHand::Models(models) => rest.push(Change::SetModels { agent: None, models }),
            ByHand::Bindings(theirs) => {
                let mut made = theirs.into_iter().map(&of).collect::<Result<Vec<_>, CommandError>>()?;
                // Those of disabled agents stand in no config.
                let off = |whose: AgentUid| instance.agents.iter().any(|one| one.uid == whose && !one.enabled);
                made.extend(instance.bindings.iter().filter(|one| off(one.agent)).cloned());
                bindings = Some(made);
            }
            ByHand::Order(provider, profiles) => rest.push(Change::SetOrder { provider, profiles }),
        }
    }
    if let Some(mut all) = bindings {
        for one in bound {
            all.push(of(one)?);
        }
        rest.push(Change::SetBindings(all));
    }
    let said = agents.into_values().filter(|agent| !instance.agents.contains(agent));
    rest.extend(said.map(|agent| Change::SetAgent {
        agent: agent.uid,
        name: agent.name,
        workspace: agent.workspace,
    }));
    first.extend(rest);
    Ok(first)
}
