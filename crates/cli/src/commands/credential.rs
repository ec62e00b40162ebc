//! `keyshoal credential`: what the vault gives the agents.

pub mod entry;
mod left;
pub mod restore;
pub mod value;

use super::flow::{self, Flow, FlowArgs};
use super::{Context, rotate};
use crate::document::InstanceDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::ui::{Text, Ui};
use keyshoal_core::vault::{CredentialUid, VaultAgent, VaultCredential};
use keyshoal_core::{CredentialKind, ProviderId};
use keyshoal_vault::{Change, NewCredential};

pub use value::ValueArgs;

/// Arguments of `credential`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal credential list
  keyshoal credential set anthropic                        the key that all agents share, at a hidden prompt
  keyshoal credential override academic anthropic          a key of academic's own, for its own usage and limits
  keyshoal credential override academic anthropic --remove back to the shared one
  keyshoal credential adopt stocks openai:work             what stocks holds goes into the vault
  keyshoal credential remove groq:default                  taken back from every agent
  keyshoal credential restore anthropic                    the value before the present one, which the vault still has

Every change is tested at the provider, shown as a plan, and then brought to every agent. A value is never taken from the command
line, where others could see it.")]
pub struct CredentialArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: CredentialAction,
}

/// What `credential` can do.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum CredentialAction {
    /// List the credentials and their versions
    List,
    /// Show one credential with all its versions
    Show {
        /// The profile, or a provider
        name: String,
        /// This agent's override
        #[arg(long, value_name = "AGENT")]
        agent: Option<String>,
    },
    /// Give what all agents share a new value, or add it
    #[command(alias = "add")]
    Set {
        /// The profile (anthropic:default) or provider (anthropic)
        name: String,
        /// Where the value comes from.
        #[command(flatten)]
        value: ValueArgs,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Give one agent a value of its own
    Override {
        /// Whose
        agent: String,
        /// The profile or provider
        name: String,
        /// Take the override back: the agent shares what all share again
        #[arg(long)]
        remove: bool,
        /// Where the value comes from.
        #[command(flatten)]
        value: ValueArgs,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Take what an agent holds into the vault: as its override, or, from the store that all inherit from, as what all share
    Adopt {
        /// Whose (base: the store that agents inherit from)
        agent: String,
        /// The profile
        profile: String,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Bring back a value that is retired or removed: the vault keeps it for 30 days
    #[command(after_help = "\
The value that was in use last is brought back, or the one that --version names (keyshoal credential show lists them). Its provider is
asked about it first; one that is rejected comes back only with --offline.")]
    Restore {
        /// The profile, or a provider
        name: String,
        /// This version [default: the one that was in use last]
        #[arg(long, value_name = "N")]
        version: Option<u32>,
        /// This agent's override
        #[arg(long, value_name = "AGENT")]
        agent: Option<String>,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Take a credential back from every agent; one agent's own goes by: override AGENT PROFILE --remove
    Remove {
        /// The profile or provider
        name: String,
        /// Named only to be told of the command for one agent's own.
        #[arg(long, value_name = "AGENT", hide = true)]
        agent: Option<String>,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
}

/// Does it.
pub fn cmd_credential(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &CredentialArgs,
) -> Result<Outcome, CommandError> {
    match &args.action {
        CredentialAction::List => list(ui, context),
        CredentialAction::Show { name, agent } => show(ui, context, name, agent.as_deref()),
        CredentialAction::Set { name, value, flow: how } => {
            let flow = flow::begin(ui, context, how)?;
            set(ui, flow, how, name, None, value, &format!("credential set {name}"))
        }
        CredentialAction::Override { agent, name, remove: true, flow: how, .. } => {
            let flow = flow::begin(ui, context, how)?;
            let credential = existing(&flow, name, Some(agent))?;
            left::warn(ui, &flow, &credential)?;
            flow.go(ui, "credential", vec![Change::DropCredential(credential.uid)])
        }
        CredentialAction::Restore { name, version, agent, flow: how } => {
            let flow = flow::begin(ui, context, how)?;
            restore::restore(ui, flow, how, name, agent.as_deref(), *version)
        }
        CredentialAction::Override { agent, name, value, flow: how, .. } => {
            let flow = flow::begin(ui, context, how)?;
            let agent = flow.agent(agent)?.clone();
            let to = format!("credential override {} {name}", agent.id);
            set(ui, flow, how, name, Some(&agent), value, &to)
        }
        CredentialAction::Adopt { agent, profile, flow: how } => {
            let flow = flow::begin(ui, context, how)?;
            let adopted = entry::adopted(&flow, agent, profile)?;
            flow.require(&adopted.changes)?;
            ui.say(&adopted.said());
            flow.go(ui, "credential", adopted.changes)
        }
        CredentialAction::Remove { name, agent: Some(agent), .. } => {
            Err(CommandError::usage("credential remove takes a credential back from every agent").hint(format!(
                "keyshoal credential override {agent} {name} --remove   takes {agent}'s own back: it shares what all share again"
            )))
        }
        CredentialAction::Remove { name, flow: how, .. } => {
            let flow = flow::begin(ui, context, how)?;
            let credential = existing(&flow, name, None)?;
            left::warn(ui, &flow, &credential)?;
            flow.go(ui, "credential", vec![Change::DropCredential(credential.uid)])
        }
    }
}

/// Does what `keyshoal set` is asked for, where a vault says what is right.
pub fn set_by_vault(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &super::set::SetArgs,
) -> Result<Outcome, CommandError> {
    if args.agent.len() > 1 {
        return Err(CommandError::usage("this installation has a vault: one agent's override at a time"));
    }
    let (from_file, came) = (args.from_file.clone(), args.came.clone());
    let value = ValueArgs { from_file, from_fd: None, r#type: args.r#type, came };
    let how = FlowArgs {
        dry_run: args.dry_run,
        yes: args.yes,
        offline: args.offline,
        why: None,
        activate: args.activate.clone(),
    };
    let flow = flow::begin(ui, context, &how)?;
    let agent = args.agent.first().map(|name| flow.agent(name).cloned()).transpose()?;
    set(ui, flow, &how, &args.name, agent.as_ref(), &value, &args.command())
}

/// Reads a value, tries it, and puts it into the vault: as a new version of what is there, or as a new credential.
fn set(
    ui: &mut Ui,
    flow: Flow<'_>,
    how: &FlowArgs,
    name: &str,
    agent: Option<&VaultAgent>,
    args: &ValueArgs,
    to: &str,
) -> Result<Outcome, CommandError> {
    let there = flow.credential(name, agent)?.cloned();
    let shared = flow.credential(name, None)?.cloned();
    let model = there.as_ref().or(shared.as_ref());
    let profile = model.map_or_else(|| flow::profile_named(name), |one| one.profile.clone());
    let provider = model.map_or_else(|| provider_of(&profile), |one| one.provider.clone());
    let kind = args.kind().or_else(|| model.map(|one| one.kind.clone())).unwrap_or(CredentialKind::ApiKey);
    entry::require_key(&profile, &provider, &kind)?;
    if let Some(there) = &there {
        rotate::refuse_half_done(&flow.held, there)?;
    }
    let secret = value::read(ui, args, name, to)?;
    let before = match &there {
        Some(there) => flow.entry(there.uid)?,
        None => None,
    };
    let value = entry::with_secret(before.as_ref(), &provider, &kind, &secret)?;
    value::try_it(ui, &flow, &secret, &provider, &kind, agent, flow::asks(how))?;
    if entry::is_same(&profile, before.as_ref(), &value) {
        // A version of its own would take the place of the one before, which is the way back.
        ui.say(&Text::of(format!("{profile}: this is the current value already; the vault stays as it is")));
        return flow.go(ui, "credential", Vec::new());
    }
    let changes = match there {
        Some(there) => {
            let credential = there.uid;
            vec![Change::StageVersion { credential, value, expires: None }, Change::Publish(credential)]
        }
        None => vec![Change::PutCredential(NewCredential {
            uid: CredentialUid(uuid::Uuid::new_v4()),
            profile,
            provider,
            kind,
            agent: agent.map(|agent| agent.uid),
            value,
            expires: None,
            origin: None,
        })],
    };
    flow.go(ui, "credential", changes)
}

fn provider_of(profile: &keyshoal_core::ProfileId) -> ProviderId {
    ProviderId::new(profile.as_str().split(':').next().unwrap_or_default())
}

fn existing(flow: &Flow<'_>, name: &str, agent: Option<&String>) -> Result<VaultCredential, CommandError> {
    let agent = agent.map(|agent| flow.agent(agent)).transpose()?;
    let found = flow.credential(name, agent)?.cloned();
    if found.is_none() && agent.is_none() {
        // One that a single agent has is named as well.
        return Err(flow.no_credential(name, None));
    }
    found.ok_or_else(|| {
        let whose = agent.map_or_else(String::new, |agent| format!(" of {}'s own", agent.id));
        CommandError::user(format!("the vault has no credential {name}{whose}"))
            .hint("keyshoal credential list   shows what there is")
    })
}

fn list(ui: &mut Ui, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let how = FlowArgs::to_look();
    let flow = flow::begin(ui, context, &how)?;
    let prints = flow.installation.held_prints();
    ui.data(&render::instance::credentials(flow.instance(), &prints));
    ui.document(&InstanceDocument::of(flow.instance(), &prints))?;
    Ok(Outcome::Fine)
}

fn show(
    ui: &mut Ui,
    context: &Context<'_>,
    name: &str,
    agent: Option<&str>,
) -> Result<Outcome, CommandError> {
    let how = FlowArgs::to_look();
    let flow = flow::begin(ui, context, &how)?;
    let agent = agent.map(str::to_owned);
    let whose = agent.as_ref().map(|agent| flow.agent(agent)).transpose()?;
    // One that was removed is shown as long as the vault has its values.
    let found = match restore::had(&flow, name, whose)? {
        Some(found) => found,
        None => existing(&flow, name, agent.as_ref())?,
    };
    let prints = flow.installation.held_prints();
    ui.data(&render::instance::versions(&found, &prints));
    let mut instance = flow.instance().clone();
    instance.credentials.retain(|one| one.uid == found.uid);
    ui.document(&InstanceDocument::of(&instance, &prints))?;
    Ok(Outcome::Fine)
}
