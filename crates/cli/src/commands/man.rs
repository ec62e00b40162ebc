//! `keyshoal man`: manual pages, made from the same definitions as `--help`.

use crate::arguments::Cli;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::{Text, Ui};
use clap::CommandFactory as _;
use std::path::PathBuf;

/// Arguments of `man`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal man | man -l -
  keyshoal man --dir ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Write the pages of all commands into this directory
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Prints or writes the pages.
#[expect(clippy::disallowed_methods, reason = "the directory that the person names for the pages")]
pub fn cmd_man(ui: &mut Ui, args: &ManArgs) -> Result<Outcome, CommandError> {
    match &args.dir {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(|error| CommandError::internal(format!("the page could not be made: {error}")))?;
            ui.raw(&String::from_utf8_lossy(&page));
        }
        Some(dir) => {
            let failed = |error: std::io::Error| {
                CommandError::io(format!("the pages could not be written into {}: {error}", dir.display()))
                    .hint("name a directory that you may write")
            };
            std::fs::create_dir_all(dir).map_err(failed)?;
            clap_mangen::generate_to(Cli::command(), dir).map_err(failed)?;
            ui.say(&Text::of(format!("the pages are in {}", dir.display())));
        }
    }
    Ok(Outcome::Fine)
}
