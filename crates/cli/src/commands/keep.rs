//! `keyshoal keep`: marks a differing value as deliberate.

use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;

/// Arguments of `keep`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal keep academic anthropic:default
  keyshoal keep --undo academic anthropic:default")]
pub struct KeepArgs {
    /// Which agent
    pub agent: String,
    /// Which profile
    pub profile: String,
    /// Take the mark back
    #[arg(long)]
    pub undo: bool,
}

/// Runs it.
pub fn cmd_keep(_ui: &mut Ui, _context: &Context<'_>, _args: &KeepArgs) -> Result<Outcome, CommandError> {
    Err(CommandError::internal("not there yet"))
}
