//! `keyshoal replace`: says that a differing value may be replaced.

use super::{Context, marks, shared};
use crate::document::MarkDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::OpenFor;
use crate::root::holdings::Need;
use crate::ui::{Text, Ui};
use keyshoal_core::Fact;
use keyshoal_engine::ports::Remember as _;

/// Arguments of `replace`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal replace academic anthropic:default && keyshoal sync

It holds for the value that the agent has now, and for no other. Nothing is written before the next sync.")]
pub struct ReplaceArgs {
    /// Which agent, by its id (keyshoal status shows them)
    pub agent: String,
    /// Which profile (anthropic:default)
    pub profile: String,
}

/// Remembers it.
pub fn cmd_replace(ui: &mut Ui, context: &Context<'_>, args: &ReplaceArgs) -> Result<Outcome, CommandError> {
    let wanted = OpenFor { offline: true, vault: Need::Certainly, ..OpenFor::default() };
    let installation = shared::open(ui, context, wanted)?;
    let mark = marks::find(ui, &installation, &args.agent, &args.profile)?;
    let fingerprint = mark.value()?;
    let (agent, profile) = (mark.agent.clone(), mark.profile.clone());
    if mark.own {
        return Err(CommandError::user(format!(
            "{agent} {profile}: {fingerprint} is what the vault has for it alone, and no sync replaces that; nothing was changed"
        ))
        .hint(format!(
            "keyshoal credential override {agent} {profile} --remove   gives it what all share"
        )));
    }
    let mut facts = Vec::new();
    if mark.kept {
        facts.push(Fact::KeptUndone { agent: agent.clone(), profile: profile.clone() });
    }
    facts.push(Fact::MayReplace { agent, profile, fingerprint });
    installation.learn(&facts)?;
    ui.say(&Text::of(format!(
        "{} {}: {fingerprint} may be replaced; `keyshoal sync` does it",
        mark.agent, mark.profile
    )));
    ui.document(&MarkDocument::may_replace(&mark.agent, &mark.profile, fingerprint))?;
    Ok(Outcome::Fine)
}
