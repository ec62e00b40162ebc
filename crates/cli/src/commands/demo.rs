//! `keyshoal demo`: everything on a throwaway installation.

use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;

/// Arguments of `demo`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal demo
  keyshoal demo --keep")]
pub struct DemoArgs {
    /// Leave the installation there and say where
    #[arg(long)]
    pub keep: bool,
}

/// Runs it.
pub fn cmd_demo(_ui: &mut Ui, _context: &Context<'_>, _args: &DemoArgs) -> Result<Outcome, CommandError> {
    Err(CommandError::internal("not there yet"))
}
