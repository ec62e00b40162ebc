//! `keyshoal binding`: which messages go to which agent.

use super::Context;
use super::flow::{self, FlowArgs};
use crate::document::InstanceDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::ui::Ui;
use keyshoal_core::vault::{AgentUid, VaultBinding, VaultInstance};
use keyshoal_vault::Change;
use serde_json::{Map, Value, json};

/// Arguments of `binding`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal binding list
  keyshoal binding add stocks --channel telegram --account work
  keyshoal binding add research --channel slack --peer channel:C0123 --at 1
  keyshoal binding add ops --match '{\"channel\":\"discord\",\"guildId\":\"42\",\"roles\":[\"admin\"]}'
  keyshoal binding remove 2

keyshoal route QUERY   tells which agent answers a message, by the rules of the installed release.")]
pub struct BindingArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: BindingAction,
}

/// What `binding` can do.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum BindingAction {
    /// List the bindings, in their order
    #[command(alias = "show")]
    List,
    /// Send messages that match to an agent
    #[command(alias = "set")]
    Add {
        /// To whom
        agent: String,
        /// Which messages.
        #[command(flatten)]
        matching: Matching,
        /// At which place in the list, from 1 [default: the end]
        #[arg(long, value_name = "N")]
        at: Option<usize>,
        /// A note of yours
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Remove a binding
    Remove {
        /// Its place in the list, from 1
        number: usize,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
}

/// Which messages.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Matching {
    /// The channel (telegram, slack, …)
    #[arg(long, value_name = "CHANNEL", required_unless_present = "matching")]
    pub channel: Option<String>,
    /// The channel's account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// The conversation: KIND:ID with KIND direct, group or channel
    #[arg(long, value_name = "KIND:ID")]
    pub peer: Option<String>,
    /// All of it, as OpenClaw's `match` in JSON
    #[arg(long = "match", value_name = "JSON", conflicts_with_all = ["channel", "account", "peer"])]
    pub matching: Option<String>,
}

impl Matching {
    fn value(&self) -> Result<Value, CommandError> {
        if let Some(text) = &self.matching {
            let value: Value = serde_json::from_str(text)
                .map_err(|error| CommandError::usage(format!("--match is no JSON: {error}")))?;
            return match value.get("channel").and_then(Value::as_str) {
                Some(_) => Ok(value),
                None => Err(CommandError::usage("--match names no channel")),
            };
        }
        let mut matching = Map::new();
        matching.insert("channel".to_owned(), json!(self.channel));
        if let Some(account) = &self.account {
            matching.insert("accountId".to_owned(), json!(account));
        }
        if let Some(peer) = &self.peer {
            let (kind, id) = peer.split_once(':').ok_or_else(|| {
                CommandError::usage(format!("--peer {peer} names no kind: direct:ID, group:ID or channel:ID"))
            })?;
            matching.insert("peer".to_owned(), json!({ "kind": kind, "id": id }));
        }
        Ok(Value::Object(matching))
    }
}

/// Does it.
pub fn cmd_binding(ui: &mut Ui, context: &Context<'_>, args: &BindingArgs) -> Result<Outcome, CommandError> {
    match &args.action {
        BindingAction::List => list(ui, context),
        BindingAction::Add { agent, matching, at, comment, flow: how } => {
            let matching = matching.value()?;
            let flow = flow::begin(ui, context, how)?;
            let agent = flow.agent(agent)?.uid;
            let mut bindings = flow.instance().bindings.clone();
            refuse_twice(ui, flow.instance(), agent, &matching)?;
            let place = at.map_or(bindings.len(), |at| at.saturating_sub(1).min(bindings.len()));
            bindings.insert(place, VaultBinding { agent, matching, comment: comment.clone() });
            flow.go(ui, "binding", vec![Change::SetBindings(bindings)])
        }
        BindingAction::Remove { number, flow: how } => {
            let flow = flow::begin(ui, context, how)?;
            let mut bindings = flow.instance().bindings.clone();
            if *number == 0 || *number > bindings.len() {
                let many = render::words::count(bindings.len(), "binding");
                return Err(CommandError::user(format!("there is no binding {number}; there are {many}"))
                    .hint("keyshoal binding list   shows them with their numbers"));
            }
            bindings.remove(number - 1);
            flow.go(ui, "binding", vec![Change::SetBindings(bindings)])
        }
    }
}

/// Refuses a binding that is there already, and warns of one that matches what another one matches: only the first is ever reached.
fn refuse_twice(
    ui: &mut Ui,
    instance: &VaultInstance,
    agent: AgentUid,
    matching: &Value,
) -> Result<(), CommandError> {
    let same = instance.bindings.iter().enumerate().filter(|(_, one)| one.matching == *matching);
    let same: Vec<(usize, AgentUid)> = same.map(|(at, one)| (at + 1, one.agent)).collect();
    if let Some((number, _)) = same.iter().find(|(_, whose)| *whose == agent) {
        return Err(CommandError::user(format!("binding {number} says just that; nothing was changed"))
            .hint("keyshoal binding list   shows them with their numbers"));
    }
    if let Some((number, whose)) = same.first() {
        let whose = instance.agents.iter().find(|one| one.uid == *whose);
        ui.warn(&format!(
            "binding {number} sends the same messages to {}: only the first of them in the list is ever reached; keyshoal route --all   shows it",
            whose.map_or("another agent", |agent| agent.id.as_str())
        ));
    }
    Ok(())
}

fn list(ui: &mut Ui, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let how = FlowArgs::to_look();
    let flow = flow::begin(ui, context, &how)?;
    ui.data(&render::instance::bindings(flow.instance()));
    ui.document(&InstanceDocument::of(flow.instance(), &flow.installation.held_prints()))?;
    Ok(Outcome::Fine)
}
