//! `keyshoal recover`: a run that was interrupted is finished or undone.

use crate::arguments::ActivateArgs;
use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;

/// Arguments of `recover`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal recover                 show the open run
  keyshoal recover --finish
  keyshoal recover --undo")]
pub struct RecoverArgs {
    /// Do what is still to be done
    #[arg(long, conflicts_with = "undo")]
    pub finish: bool,
    /// Take back what was done
    #[arg(long)]
    pub undo: bool,
    /// How the gateway is made to see it.
    #[command(flatten)]
    pub activate: ActivateArgs,
}

/// Runs it.
pub fn cmd_recover(
    _ui: &mut Ui,
    _context: &Context<'_>,
    _args: &RecoverArgs,
) -> Result<Outcome, CommandError> {
    Err(CommandError::internal("not there yet"))
}
