//! `keyshoal sync`: makes every agent hold the right credentials.

use crate::arguments::ActivateArgs;
use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;

/// Arguments of `sync`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal sync                          plan, one question per profile, apply, verify
  keyshoal sync --dry-run                only the plan
  keyshoal sync --yes --provider openai  no question, one provider
  keyshoal sync --from stocks            the value of agent stocks is the right one")]
pub struct SyncArgs {
    /// What to limit it to.
    #[command(flatten)]
    pub scope: crate::arguments::ScopeArgs,
    /// Show what would be done, do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Agree to what is proposed: replace what is dead, keep what is accepted, leave the rest
    #[arg(long, short)]
    pub yes: bool,
    /// How the gateway is made to see it.
    #[command(flatten)]
    pub activate: ActivateArgs,
}

/// Runs it.
pub fn cmd_sync(_ui: &mut Ui, _context: &Context<'_>, _args: &SyncArgs) -> Result<Outcome, CommandError> {
    Err(CommandError::internal("not there yet"))
}
