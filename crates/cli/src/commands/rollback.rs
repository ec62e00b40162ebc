//! `keyshoal rollback`: takes a run back, profile by profile.

use crate::arguments::ActivateArgs;
use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;

/// Arguments of `rollback`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal rollback last
  keyshoal rollback 0192f3c4 --yes")]
pub struct RollbackArgs {
    /// Which run (the first digits of its id are enough; `last` is the newest)
    pub run: String,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
    /// Show what would be done, do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How the gateway is made to see it.
    #[command(flatten)]
    pub activate: ActivateArgs,
}

/// Runs it.
pub fn cmd_rollback(
    _ui: &mut Ui,
    _context: &Context<'_>,
    _args: &RollbackArgs,
) -> Result<Outcome, CommandError> {
    Err(CommandError::internal("not there yet"))
}
