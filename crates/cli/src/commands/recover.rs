//! `keyshoal recover`: a run that was interrupted is finished or undone.

use super::{Context, identity, restored, shared};
use crate::arguments::ActivateArgs;
use crate::document::RunDetailDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::OpenFor;
use crate::ui::{Text, Tone, Ui};
use keyshoal_local::restore::Direction;

/// Arguments of `recover`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal recover                 show the open run
  keyshoal recover --finish
  keyshoal recover --undo

A store that holds neither what was there before nor what should be there after is a conflict: it is left and reported.")]
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

/// Shows the open run, or brings it to its end.
pub fn cmd_recover(ui: &mut Ui, context: &Context<'_>, args: &RecoverArgs) -> Result<Outcome, CommandError> {
    let wanted = OpenFor {
        offline: true,
        restart_command: args.activate.restart_command.clone(),
        ..OpenFor::default()
    };
    let installation = shared::open(ui, context, wanted)?;
    let Some(run) = installation.open_run()? else {
        ui.data(
            &[Text::toned(Tone::Good, "✓ ").plain("every run has finished; there is nothing to recover")],
        );
        ui.document(&restored::Document::nothing("recover"))?;
        return Ok(Outcome::Fine);
    };
    let direction = match (args.finish, args.undo) {
        (true, _) => Direction::Finish,
        (_, true) => Direction::Undo,
        _ => {
            ui.data(&render::history::run(&run));
            ui.data(&[Text::of("say what shall become of it: keyshoal recover --finish, or --undo")]);
            ui.document(&RunDetailDocument::of(&run))?;
            return Ok(Outcome::Attention);
        }
    };
    if !identity::settle(ui, context, &installation)? {
        return Ok(Outcome::Attention);
    }
    let done = installation.recover(direction)?.unwrap_or_default();
    let what = restored::What {
        command: "recover",
        run: &run.summary.id,
        values: &done.values,
        config: done.config.as_ref(),
        files: &done.files,
    };
    restored::show(ui, &installation, what, args.activate.activate.mode())
}
