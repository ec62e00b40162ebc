//! `keyshoal agent`: the roster that the vault keeps.

mod add;
mod enable;
mod rename;
mod workspace;

use super::Context;
use super::flow::{self, FlowArgs};
use super::{model, shared};
use crate::document::InstanceDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::ui::Ui;
use keyshoal_core::vault::{ModelChoice, VaultAgent, VaultInstance};
use keyshoal_core::{AgentId, StoreId};
use keyshoal_vault::Change;

/// Arguments of `agent`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal agent list
  keyshoal agent add research --model anthropic/claude-sonnet-4-5
  keyshoal agent rename research labs        it keeps its credentials; what stands under the old id is moved aside
  keyshoal agent disable labs                it leaves the roster and holds nothing of the vault's any more
  keyshoal agent remove labs")]
pub struct AgentArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: AgentAction,
}

/// What `agent` can do.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum AgentAction {
    /// List the agents
    List,
    /// Show one agent
    Show {
        /// Which
        agent: String,
    },
    /// Add an agent to the roster
    Add {
        /// Its id
        agent: String,
        /// What is said of it.
        #[command(flatten)]
        about: About,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Change what is said of an agent
    Set {
        /// Which
        agent: String,
        /// What is said of it.
        #[command(flatten)]
        about: About,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Give an agent another id
    Rename {
        /// Which
        agent: String,
        /// Its new id
        to: String,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Put the agents into another order: name all of them
    Order {
        /// The agents, in order
        #[arg(required = true)]
        agents: Vec<String>,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Take an agent into the roster again
    Enable {
        /// Which
        agent: String,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Take an agent out of the roster; the vault keeps it
    Disable {
        /// Which
        agent: String,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Take an agent out of the roster and out of the vault
    Remove {
        /// Which
        agent: String,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
}

/// What is said of an agent.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct About {
    /// Its display name
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// Its workspace directory
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<String>,
    /// Its model (provider/model) [default: what all agents use]
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// What comes after it (can be repeated) [default: what came after the model before]
    #[arg(long, value_name = "MODEL")]
    pub fallback: Vec<String>,
    /// Nothing comes after it
    #[arg(long, conflicts_with = "fallback")]
    pub no_fallback: bool,
    /// It answers what no binding names
    #[arg(long)]
    pub default: bool,
}

/// Returns an id for an agent. One that OpenClaw would write in another way is refused, with the command that takes that, and so is a word
/// of Keyshoal's own.
pub fn new_id(written: &str, with: impl FnOnce(&AgentId) -> String) -> Result<AgentId, CommandError> {
    let id = shared::agent(written);
    refuse_taken_word(&id)?;
    if id.as_str() == written.trim() {
        return Ok(id);
    }
    Err(CommandError::usage(format!(
        "OpenClaw takes small letters, digits, - and _ for an id: it would call this agent {id}"
    ))
    .hint(format!("if that is meant: {}", with(&id))))
}

/// Does it.
pub fn cmd_agent(ui: &mut Ui, context: &Context<'_>, args: &AgentArgs) -> Result<Outcome, CommandError> {
    match &args.action {
        AgentAction::List => show(ui, context, None),
        AgentAction::Show { agent } => show(ui, context, Some(agent)),
        AgentAction::Add { agent, about, flow: how } => add::add(ui, context, agent, about, how),
        AgentAction::Set { agent, about, flow: how } => {
            let flow = flow::begin(ui, context, how)?;
            let found = flow.agent(agent)?;
            if about.default && !found.enabled {
                return Err(CommandError::user(format!(
                    "{} is disabled: nobody would answer what no binding names; nothing was changed",
                    found.id
                ))
                .hint(format!("keyshoal agent enable {}   first; then this again", found.id)));
            }
            let mut changes = said(ui, found, about);
            if about.default {
                let mut next = found.clone();
                next.name = about.name.clone().or(next.name);
                next.workspace = about.workspace.clone().or(next.workspace);
                changes.extend(workspace::of_defaults(ui, &flow, Some(&next))?);
            }
            model::check(ui, context, &about.models())?;
            flow.go(ui, "agent", changes)
        }
        AgentAction::Rename { agent, to, flow: how } => rename::rename(ui, context, agent, to, how),
        AgentAction::Order { agents, flow: how } => {
            let flow = flow::begin(ui, context, how)?;
            let uids =
                agents.iter().map(|one| Ok(flow.agent(one)?.uid)).collect::<Result<_, CommandError>>()?;
            flow.go(ui, "agent", vec![Change::OrderAgents(uids)])
        }
        AgentAction::Enable { agent, flow: how } => enable::enable(ui, context, agent, true, how),
        AgentAction::Disable { agent, flow: how } => enable::enable(ui, context, agent, false, how),
        AgentAction::Remove { agent, flow: how } => enable::remove(ui, context, agent, how),
    }
}

/// Refuses an id that Keyshoal's own commands take for the store that all agents inherit from (`--from base`, `credential adopt base`).
fn refuse_taken_word(id: &AgentId) -> Result<(), CommandError> {
    let base = StoreId::Base.to_string();
    if id.as_str() != base {
        return Ok(());
    }
    Err(CommandError::user(format!(
        "no agent is called {base} by keyshoal: that is its word for the store that all agents inherit from, in commands and in what it shows"
    ))
    .hint("choose another id; --name gives an agent any name for people"))
}

impl About {
    fn models(&self) -> ModelChoice {
        ModelChoice { primary: self.model.clone(), fallbacks: self.fallback.clone() }
    }
}

/// Returns what changes of what is said of an agent: what was not named stays.
fn said(ui: &mut Ui, agent: &VaultAgent, about: &About) -> Vec<Change> {
    let uid = agent.uid;
    let mut changes = Vec::new();
    if about.name.is_some() || about.workspace.is_some() {
        changes.push(Change::SetAgent {
            agent: uid,
            name: about.name.clone().or_else(|| agent.name.clone()),
            workspace: about.workspace.clone().or_else(|| agent.workspace.clone()),
        });
    }
    if about.model.is_some() || !about.fallback.is_empty() || about.no_fallback {
        let primary = about.model.clone().or_else(|| agent.models.primary.clone());
        let after = model::Fallbacks { named: &about.fallback, none: about.no_fallback };
        let fallbacks = after.of(ui, primary.as_deref().unwrap_or_default(), &agent.models);
        let models = ModelChoice { primary, fallbacks };
        changes.push(Change::SetModels { agent: Some(uid), models });
    }
    if about.default {
        changes.push(Change::SetDefaultAgent(uid));
    }
    changes
}

/// Names what the vault has for an agent alone, to follow its id: nothing where it has nothing.
pub fn own_of(instance: &VaultInstance, agent: &VaultAgent) -> String {
    let own = flow::credentials_of(instance).filter(|one| one.agent == Some(agent.uid));
    let own: Vec<&str> = own.map(|one| one.profile.as_str()).collect();
    if own.is_empty() { String::new() } else { format!(", with its own {}", own.join(", ")) }
}

fn show(ui: &mut Ui, context: &Context<'_>, agent: Option<&String>) -> Result<Outcome, CommandError> {
    let how = FlowArgs::to_look();
    let flow = flow::begin(ui, context, &how)?;
    let mut instance = flow.instance().clone();
    if let Some(agent) = agent {
        let uid = flow.agent(agent)?.uid;
        instance.agents.retain(|one| one.uid == uid);
        instance.credentials.retain(|one| one.agent.is_none_or(|whose| whose == uid));
        instance.bindings.retain(|one| one.agent == uid);
    }
    ui.data(&render::instance::agents(&instance));
    ui.document(&InstanceDocument::of(&instance, &flow.installation.held_prints()))?;
    Ok(Outcome::Fine)
}
