//! `keyshoal status`: who holds what, who fails, and what is wrong.

use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;

/// Arguments of `status`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal status
  keyshoal status --check          ask the providers now
  keyshoal status --json | jq .summary")]
pub struct StatusArgs {
    /// Ask the providers now (without it, nothing leaves this machine)
    #[arg(long)]
    pub check: bool,
}

/// Runs it.
pub fn cmd_status(_ui: &mut Ui, _context: &Context<'_>, _args: &StatusArgs) -> Result<Outcome, CommandError> {
    Err(CommandError::internal("not there yet"))
}
