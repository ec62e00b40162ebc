//! `keyshoal watch`: looks again whenever the installation changes.

use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;

/// Arguments of `watch`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal watch                         in a terminal
  keyshoal watch install-service         as a systemd user service; asks for the policy
  keyshoal watch --once --json           one round, for cron")]
pub struct WatchArgs {
    /// One round, then end
    #[arg(long)]
    pub once: bool,
    /// Do not ask providers
    #[arg(long)]
    pub offline: bool,
    /// What to do instead of watching.
    #[command(subcommand)]
    pub action: Option<WatchAction>,
}

/// Runs it.
pub fn cmd_watch(_ui: &mut Ui, _context: &Context<'_>, _args: &WatchArgs) -> Result<Outcome, CommandError> {
    Err(CommandError::internal("not there yet"))
}

/// What `watch` can do besides watching.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum WatchAction {
    /// Write the systemd user unit and the policy
    InstallService(InstallServiceArgs),
}

/// Arguments of `watch install-service`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct InstallServiceArgs {
    /// What the service may do; asked when it is not said
    #[arg(long, value_name = "POLICY")]
    pub policy: Option<crate::arguments::PolicyWord>,
    /// Print the unit and the policy, write nothing
    #[arg(long)]
    pub print: bool,
}
