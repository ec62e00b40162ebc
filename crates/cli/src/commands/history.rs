//! `keyshoal history`: the runs that wrote something.

use super::{Context, shared};
use crate::document::{HistoryDocument, RunDetailDocument};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::OpenFor;
use crate::ui::Ui;
use keyshoal_engine::ports::Clock as _;

/// Arguments of `history`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal history
  keyshoal history last
  keyshoal history 0192f3c4")]
pub struct HistoryArgs {
    /// How many, the newest first
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 20)]
    pub number: usize,
    /// Show one run with all its steps (the first digits of its id are enough; "last" is the newest)
    pub run: Option<String>,
}

/// Lists the runs, or the steps of one.
pub fn cmd_history(ui: &mut Ui, context: &Context<'_>, args: &HistoryArgs) -> Result<Outcome, CommandError> {
    let installation = shared::open(ui, context, OpenFor { offline: true, ..OpenFor::default() })?;
    if let Some(wanted) = &args.run {
        let run = shared::find_run(&installation, wanted)?;
        ui.data(&render::history::run(&run));
        ui.document(&RunDetailDocument::of(&run))?;
        return Ok(Outcome::Fine);
    }
    let runs = installation.history(args.number)?;
    ui.data(&render::history::list(&runs, installation.now()));
    ui.document(&HistoryDocument::of(&runs))?;
    Ok(Outcome::Fine)
}
