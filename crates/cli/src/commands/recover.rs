//! `keyshoal recover`: a run that was interrupted is finished or undone. Where a vault says what is right, it is finished by what the
//! vault wants, and taken back there.

mod way_back;

use super::rotate::half_done;
use super::sync::{self, SyncArgs};
use super::{Context, identity, restored, shared};
use crate::arguments::{ActivateArgs, ScopeArgs};
use crate::document::RunDetailDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::holdings::{self, Held, Need};
use crate::root::{self, OpenFor, UnfinishedImport};
use crate::ui::{Text, Tone, Ui};
use keyshoal_local::restore::Direction;
use way_back::way_back;

const FINISH: &str = "keyshoal recover --finish   brings everything to what the vault wants";

/// Arguments of `recover`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal recover                 show the open run
  keyshoal recover --finish
  keyshoal recover --undo

A store that holds neither what was there before nor what should be there after is a conflict: it is left and reported.

Where a vault says what is right, --finish does what keyshoal sync --yes does, and --undo names the command that takes it back in the
vault: stores that were put back alone would be behind the vault, and the next sync would undo it.")]
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
        vault: Need::Not,
        ..OpenFor::default()
    };
    let installation = shared::open(ui, context, wanted)?;
    let Some(run) = installation.open_run()? else {
        let held = holdings::hold(ui, context.world, context.globals, &installation, Need::IfAtHand)?;
        return nothing(ui, held.as_ref(), root::unfinished_import(installation.state_dir()));
    };
    // Files that are no stores are nothing that a vault knows of.
    let is_the_vaults = installation.vault_id()?.is_some() && run.files.is_empty();
    if (args.finish || args.undo) && !identity::settle(ui, context, &installation)? {
        return Ok(Outcome::Attention);
    }
    let need = if is_the_vaults && args.finish { Need::Certainly } else { Need::IfAtHand };
    let held = holdings::hold(ui, context.world, context.globals, &installation, need)?;
    let direction = match (args.finish, args.undo) {
        (true, _) => Direction::Finish,
        (_, true) => Direction::Undo,
        _ => {
            ui.data(&render::history::run(&run));
            let ways = match is_the_vaults {
                false => vec!["say what shall become of it: keyshoal recover --finish, or --undo".to_owned()],
                true => [vec![FINISH.to_owned()], way_back(&run, held.as_ref())?].concat(),
            };
            ui.data(&ways.into_iter().map(Text::of).collect::<Vec<_>>());
            ui.document(&RunDetailDocument::of(&run))?;
            return Ok(Outcome::Attention);
        }
    };
    if is_the_vaults && args.finish {
        let scope = ScopeArgs { offline: true, ..ScopeArgs::default() };
        let wanted = SyncArgs { scope, yes: true, activate: args.activate.clone(), ..SyncArgs::default() };
        return sync::go(ui, context, &installation, held.as_ref(), &wanted);
    }
    if is_the_vaults {
        let mut refused = CommandError::user(
            "a vault says what is right here, and the next sync would do again what an undo of the stores takes back: nothing was written",
        );
        refused.hints = way_back(&run, held.as_ref())?;
        return Err(refused.hint(FINISH));
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

/// Says that no run is open. A rotation that is half done is another matter, and told where the vault can be asked.
///
/// Nor is an import that broke off a run.
fn nothing(
    ui: &mut Ui,
    held: Option<&Held>,
    import: Option<UnfinishedImport>,
) -> Result<Outcome, CommandError> {
    let rotations = held.map(half_done).transpose()?.unwrap_or_default();
    let sign = match rotations.is_empty() && import.is_none() {
        true => Text::toned(Tone::Good, "✓ "),
        false => Text::new(),
    };
    ui.data(&[sign.plain("every run has finished; there is nothing to recover")]);
    ui.data(&render::status::half_done(&rotations));
    ui.data(&render::status::unfinished_imports(import, ui.width()));
    let outcome = Outcome::attention_if(!rotations.is_empty() || import.is_some());
    ui.document(&restored::Document::nothing("recover").beside(rotations, import.is_some()))?;
    Ok(outcome)
}
