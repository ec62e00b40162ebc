//! `keyshoal completions SHELL`.

use crate::arguments::Cli;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;
use clap::CommandFactory as _;
use clap_complete::Shell;

/// Arguments of `completions`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal completions bash > ~/.local/share/bash-completion/completions/keyshoal
  keyshoal completions zsh > ~/.zfunc/_keyshoal
  keyshoal completions fish > ~/.config/fish/completions/keyshoal.fish")]
pub struct CompletionsArgs {
    /// Which shell
    pub shell: Shell,
}

/// Prints the script.
pub fn cmd_completions(ui: &mut Ui, args: &CompletionsArgs) -> Result<Outcome, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "keyshoal", &mut script);
    ui.raw(&String::from_utf8_lossy(&script));
    Ok(Outcome::Fine)
}
