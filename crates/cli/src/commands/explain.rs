//! `keyshoal explain`: what an agent may send, from where, and why.

use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;

/// Arguments of `explain`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal explain stocks
  keyshoal explain stocks anthropic:default")]
pub struct ExplainArgs {
    /// Which agent
    pub agent: String,
    /// Only this profile
    pub profile: Option<String>,
}

/// Runs it.
pub fn cmd_explain(
    _ui: &mut Ui,
    _context: &Context<'_>,
    _args: &ExplainArgs,
) -> Result<Outcome, CommandError> {
    Err(CommandError::internal("not there yet"))
}
