//! `keyshoal set`: the whole rotation in one command.

use crate::arguments::ActivateArgs;
use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;
use std::path::PathBuf;

/// Arguments of `set`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal set anthropic                 paste the new key at a hidden prompt
  pass show anthropic | keyshoal set anthropic --yes
  keyshoal set openai:work --from-file ./key.txt")]
pub struct SetArgs {
    /// The provider (anthropic) or profile (anthropic:default)
    pub name: String,
    /// Read the value from this file instead of the prompt or stdin
    #[arg(long, value_name = "FILE")]
    pub from_file: Option<PathBuf>,
    /// The type of a new profile
    #[arg(long, value_name = "TYPE", default_value = "api-key")]
    pub r#type: crate::arguments::GivenType,
    /// Do not test it at the provider
    #[arg(long)]
    pub offline: bool,
    /// Do not ask before writing
    #[arg(long, short)]
    pub yes: bool,
    /// Show what would be done, do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How the gateway is made to see it.
    #[command(flatten)]
    pub activate: ActivateArgs,
}

/// Runs it.
pub fn cmd_set(_ui: &mut Ui, _context: &Context<'_>, _args: &SetArgs) -> Result<Outcome, CommandError> {
    Err(CommandError::internal("not there yet"))
}
