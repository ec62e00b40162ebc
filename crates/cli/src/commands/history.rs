//! `keyshoal history`: the runs that wrote something.

use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;

/// Arguments of `history`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal history
  keyshoal history 0192f3c4")]
pub struct HistoryArgs {
    /// How many, the newest first
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 20)]
    pub number: usize,
    /// Show one run with all its steps
    pub run: Option<String>,
}

/// Runs it.
pub fn cmd_history(
    _ui: &mut Ui,
    _context: &Context<'_>,
    _args: &HistoryArgs,
) -> Result<Outcome, CommandError> {
    Err(CommandError::internal("not there yet"))
}
