//! `keyshoal replace`: says that a differing value may be replaced.

use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;

/// Arguments of `replace`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal replace academic anthropic:default && keyshoal sync")]
pub struct ReplaceArgs {
    /// Which agent
    pub agent: String,
    /// Which profile
    pub profile: String,
}

/// Runs it.
pub fn cmd_replace(
    _ui: &mut Ui,
    _context: &Context<'_>,
    _args: &ReplaceArgs,
) -> Result<Outcome, CommandError> {
    Err(CommandError::internal("not there yet"))
}
