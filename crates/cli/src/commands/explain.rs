//! `keyshoal explain`: what an agent may send, from where, and why.

use super::{Context, shared};
use crate::document::ExplainDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::OpenFor;
use crate::ui::Ui;
use keyshoal_core::{ProfileId, Severity};
use keyshoal_engine::LookOptions;

/// Arguments of `explain`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal explain stocks
  keyshoal explain stocks anthropic:default

Per provider, in the order in which OpenClaw tries them: profiles, variables, and the key in the config (models.providers.X.apiKey).
The exit code is 2 where something of this agent needs attention, or where what it sends first for one of its models is known to be
rejected; no provider is asked.")]
pub struct ExplainArgs {
    /// Which agent, by its id (keyshoal status shows them)
    pub agent: String,
    /// Only this profile
    pub profile: Option<String>,
}

/// Looks and tells.
pub fn cmd_explain(ui: &mut Ui, context: &Context<'_>, args: &ExplainArgs) -> Result<Outcome, CommandError> {
    let installation = shared::open(ui, context, OpenFor { offline: true, ..OpenFor::default() })?;
    let look = shared::look(ui, &installation, &LookOptions::default())?;
    let agent = shared::find_agent(&look.observed, &args.agent)?;
    let profile = args.profile.as_deref().map(ProfileId::from);
    if let Some(wanted) = &profile {
        let known = agent.candidates.values().flatten().any(|one| one.profile.as_ref() == Some(wanted));
        if let (false, Some(why)) = (known, &agent.unknown) {
            return Err(CommandError::user(format!(
                "nobody can tell what agent {} has and inherits: {why}",
                agent.id
            ))
            .hint("mend or restore that store"));
        }
        if !known {
            let names: Vec<String> = agent
                .candidates
                .values()
                .flatten()
                .filter_map(|one| Some(one.profile.as_ref()?.to_string()))
                .collect();
            return Err(CommandError::user(format!(
                "agent {} has and inherits no profile {wanted}",
                agent.id
            ))
            .hint(format!("its profiles are: {}", names.join(", "))));
        }
    }
    let findings = &look.judgement.findings;
    let (profile, known, now) = (profile.as_ref(), &look.knowledge, look.now);
    ui.data(&render::explain::lines(agent, profile, known, findings, now));
    ui.document(&ExplainDocument::of(agent, profile, known, findings, now))?;
    let wrong = findings.iter().any(|one| {
        one.severity == Severity::Attention
            && one.agent.as_ref() == Some(&agent.id)
            && profile.is_none_or(|profile| one.profile.as_ref() == Some(profile))
    });
    let rejected = agent.candidates.keys().filter(|provider| agent.may_need(provider)).any(|provider| {
        let sent = agent.first(provider).filter(|one| profile.is_none() || one.profile.as_ref() == profile);
        let value = sent.and_then(|one| one.asked_by());
        let endpoint = agent.endpoints.get(provider);
        value.zip(endpoint).is_some_and(|(value, endpoint)| known.verdict_kind(value, endpoint).is_dead())
    });
    Ok(Outcome::attention_if(wrong || rejected || look.observed.is_vault_unheard()))
}
