//! `keyshoal keep`: marks a differing value as deliberate.

use super::{Context, marks, shared};
use crate::document::MarkDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::OpenFor;
use crate::root::holdings::Need;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::Fact;
use keyshoal_core::knowledge::KeptBy;
use keyshoal_engine::ports::Remember as _;

/// Arguments of `keep`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal keep academic anthropic:default
  keyshoal keep --undo academic anthropic:default

The mark holds for whatever the agent has later, too: it is the agent's own from now on. Where a vault
decides, what all share is nobody's own: keyshoal credential override AGENT PROFILE gives an agent its own.")]
pub struct KeepArgs {
    /// Which agent, by its id (keyshoal status shows them)
    pub agent: String,
    /// Which profile (anthropic:default)
    pub profile: String,
    /// Take the mark back
    #[arg(long)]
    pub undo: bool,
}

/// Marks, or takes the mark back.
pub fn cmd_keep(ui: &mut Ui, context: &Context<'_>, args: &KeepArgs) -> Result<Outcome, CommandError> {
    let wanted = OpenFor { offline: true, vault: Need::Certainly, ..OpenFor::default() };
    let installation = shared::open(ui, context, wanted)?;
    let mark = marks::find(ui, &installation, &args.agent, &args.profile)?;
    let (agent, profile) = (mark.agent.clone(), mark.profile.clone());
    if args.undo {
        if !mark.kept {
            ui.say(&Text::of(format!("{agent} {profile} has no such mark; nothing was changed")));
            ui.document(&MarkDocument::kept(&agent, &profile, mark.local, false))?;
            return Ok(Outcome::Fine);
        }
        installation.learn(&[Fact::KeptUndone { agent: agent.clone(), profile: profile.clone() }])?;
        ui.say(&Text::of(format!("{agent} {profile} is no deliberate override any more")));
        ui.document(&MarkDocument::kept(&agent, &profile, mark.local, false))?;
        return Ok(Outcome::Fine);
    }
    let fingerprint = mark.value()?;
    if mark.own {
        // A mark would outlive the override.
        ui.say(&Text::of(format!(
            "{agent} {profile} is its own by the vault's word already; nothing was changed"
        )));
        ui.document(&MarkDocument::kept(&agent, &profile, Some(fingerprint), false))?;
        return Ok(Outcome::Fine);
    }
    if mark.shared {
        return Err(CommandError::user(format!(
            "{agent} {profile}: {fingerprint} is what the vault shares with all, or once did, and no override; nothing was changed"
        ))
        .hint(format!("keyshoal credential override {agent} {profile}   gives it a value of its own")));
    }
    installation.learn(&[Fact::Kept { agent, profile, fingerprint, by: KeptBy::Person }])?;
    ui.say(&Text::toned(Tone::Info, "● kept ").plain(format!(
        "{} {} is a deliberate override now ({fingerprint}); nothing will replace it",
        mark.agent, mark.profile
    )));
    ui.document(&MarkDocument::kept(&mark.agent, &mark.profile, Some(fingerprint), true))?;
    Ok(Outcome::Fine)
}
