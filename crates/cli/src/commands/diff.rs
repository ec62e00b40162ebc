//! `keyshoal diff`: what `sync` would do.

use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;

/// Arguments of `diff`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal diff
  keyshoal diff --provider anthropic --offline")]
pub struct DiffArgs {
    /// What to limit it to.
    #[command(flatten)]
    pub scope: crate::arguments::ScopeArgs,
}

/// Runs it.
pub fn cmd_diff(_ui: &mut Ui, _context: &Context<'_>, _args: &DiffArgs) -> Result<Outcome, CommandError> {
    Err(CommandError::internal("not there yet"))
}
