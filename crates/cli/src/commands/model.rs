//! `keyshoal model`: which models the agents use.

use super::Context;
use super::flow::{self, FlowArgs};
use crate::document::InstanceDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root;
use crate::ui::{Text, Ui};
use keyshoal_core::vault::ModelChoice;
use keyshoal_openclaw::config;
use keyshoal_vault::Change;

/// Arguments of `model`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal model show
  keyshoal model set anthropic/claude-sonnet-4-5 --fallback openai/gpt-5
  keyshoal model set --agent research openai/gpt-5          what came after its model before stays
  keyshoal model set --agent research openai/gpt-5 --no-fallback
  keyshoal model remove --agent research        it uses what all agents use again")]
pub struct ModelArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: ModelAction,
}

/// What `model` can do.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum ModelAction {
    /// Show which models the agents use
    #[command(alias = "list")]
    Show,
    /// Set the model of all agents, or of one
    #[command(alias = "add")]
    Set {
        /// The model (provider/model)
        model: String,
        /// What comes after it (can be repeated) [default: what came after the model before]
        #[arg(long, value_name = "MODEL")]
        fallback: Vec<String>,
        /// Nothing comes after it
        #[arg(long, conflicts_with = "fallback")]
        no_fallback: bool,
        /// Only this agent's
        #[arg(long, value_name = "AGENT")]
        agent: Option<String>,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
    /// Set none: an agent uses what all use, and all what OpenClaw uses
    Remove {
        /// Only this agent's
        #[arg(long, value_name = "AGENT")]
        agent: Option<String>,
        /// How it is done.
        #[command(flatten)]
        flow: FlowArgs,
    },
}

/// Does it.
pub fn cmd_model(ui: &mut Ui, context: &Context<'_>, args: &ModelArgs) -> Result<Outcome, CommandError> {
    let (agent, how) = match &args.action {
        ModelAction::Show => return show(ui, context),
        ModelAction::Set { agent, flow, .. } | ModelAction::Remove { agent, flow } => (agent, flow),
    };
    let flow = flow::begin(ui, context, how)?;
    let agent = agent.as_ref().map(|agent| flow.agent(agent)).transpose()?;
    let present = agent.map_or(&flow.instance().models, |agent| &agent.models);
    let models = match &args.action {
        ModelAction::Set { model, fallback, no_fallback, .. } => {
            let after = Fallbacks { named: fallback, none: *no_fallback };
            ModelChoice { primary: Some(model.clone()), fallbacks: after.of(ui, model, present) }
        }
        _ => ModelChoice::default(),
    };
    check(ui, context, &models)?;
    let agent = agent.map(|agent| agent.uid);
    flow.go(ui, "model", vec![Change::SetModels { agent, models }])
}

/// What a person says of the models that come after one.
pub struct Fallbacks<'a> {
    /// Those that are named.
    pub named: &'a [String],
    /// There are to be none.
    pub none: bool,
}

impl Fallbacks<'_> {
    /// Returns what comes after a model: what is named, else what came after the present one, which is said.
    pub fn of(&self, ui: &mut Ui, model: &str, present: &ModelChoice) -> Vec<String> {
        if self.none || !self.named.is_empty() {
            return self.named.to_vec();
        }
        let stay: Vec<String> = present.fallbacks.iter().filter(|one| *one != model).cloned().collect();
        if !stay.is_empty() && present.primary.as_deref() != Some(model) {
            let all = stay.join(", ");
            ui.say(&Text::of(format!(
                "after {model} comes what came before: {all} (--no-fallback: nothing)"
            )));
        }
        stay
    }
}

/// Refuses what names no model, and warns of models of providers whose models the config lists itself, and that are not among those.
pub fn check(ui: &mut Ui, context: &Context<'_>, models: &ModelChoice) -> Result<(), CommandError> {
    let locations = root::locations(context.world, context.globals)?;
    let config = config::load(&locations, &context.world.environment)
        .map_err(|error| CommandError::config(error.to_string()))?;
    for written in models.primary.iter().chain(&models.fallbacks) {
        let no_model = || {
            CommandError::user(format!("{written:?} names no model; nothing was changed"))
                .hint("a model is called PROVIDER/MODEL, or by an alias of the config; keyshoal model remove   sets none")
        };
        let (provider, model) = config.model_of(written).ok_or_else(no_model)?;
        if !written.contains('/') && *written == model {
            ui.warn(&format!(
                "{written} names no provider, so OpenClaw takes it for a model of {provider}: whoever uses it needs a credential of {provider}; write \
                 PROVIDER/{written} if another one is meant"
            ));
        }
        let listed = config.providers.get(&provider).map(|declared| declared.models.as_slice());
        let has_blank =
            |text: &str| text.contains(|letter: char| letter.is_whitespace() || letter.is_control());
        let is_listed = listed.is_some_and(|listed| listed.contains(&model));
        if has_blank(provider.as_str()) || has_blank(&model) && !is_listed {
            return Err(no_model());
        }
        if let Some(listed @ [_, ..]) = listed
            && !listed.contains(&model)
        {
            ui.warn(&format!(
                "{written} is not among the models that the config lists for {provider} ({}); whoever uses it fails, unless OpenClaw \
                 knows it by itself",
                listed.join(", ")
            ));
        }
    }
    Ok(())
}

fn show(ui: &mut Ui, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let how = FlowArgs::to_look();
    let flow = flow::begin(ui, context, &how)?;
    ui.data(&render::instance::models(flow.instance()));
    ui.document(&InstanceDocument::of(flow.instance(), &flow.installation.held_prints()))?;
    Ok(Outcome::Fine)
}
