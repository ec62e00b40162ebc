//! `keyshoal restart`: apply, restart the gateway, verify.

use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;

/// Arguments of `restart`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal restart
  keyshoal restart --yes --restart-command 'systemctl --user restart openclaw-gateway'")]
pub struct RestartArgs {
    /// Your own command that restarts the gateway (run by sh -c)
    #[arg(long, value_name = "CMD")]
    pub restart_command: Option<String>,
    /// Agree to what is proposed, and to the restart
    #[arg(long, short)]
    pub yes: bool,
    /// Do not ask providers
    #[arg(long)]
    pub offline: bool,
}

/// Runs it.
pub fn cmd_restart(
    _ui: &mut Ui,
    _context: &Context<'_>,
    _args: &RestartArgs,
) -> Result<Outcome, CommandError> {
    Err(CommandError::internal("not there yet"))
}
