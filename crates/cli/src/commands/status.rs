//! `keyshoal status`: who holds what, who fails, and what is wrong.

use super::rotate::half_done;
use super::{Context, shared};
use crate::document::StatusDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::{self, OpenFor};
use crate::ui::Ui;
use crate::view::status::StatusView;
use keyshoal_engine::{AskPolicy, Look, LookOptions};

/// Arguments of `status`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal status
  keyshoal status --check          ask the providers now
  keyshoal status --json | jq .summary

Without --check nothing leaves this machine: verdicts are those that were remembered, with their age.")]
pub struct StatusArgs {
    /// Ask the providers now
    #[arg(long)]
    pub check: bool,
}

/// Looks and shows.
pub fn cmd_status(ui: &mut Ui, context: &Context<'_>, args: &StatusArgs) -> Result<Outcome, CommandError> {
    let wanted = OpenFor { offline: !args.check, ..OpenFor::default() };
    let (installation, held) = shared::open_held(ui, context, wanted)?;
    let ask = if args.check { AskPolicy::Now } else { AskPolicy::Offline };
    let options = LookOptions { ask, ask_all: args.check, ..LookOptions::default() };
    let look = shared::look(ui, &installation, &options)?;
    let mut view = StatusView::of(&look.observed, &look.knowledge, &look.desired, &look.judgement.findings);
    view.never_asked &= !args.check;
    view.unfinished_import = root::unfinished_import(installation.state_dir());
    if let Some(held) = &held {
        view.rotations = half_done(held)?;
    }
    ui.data(&render::status::screen(&view, ui.width()));
    ui.document(&StatusDocument::of(&view))?;
    let silent = if args.check { silent(&look) } else { 0 };
    if silent > 0 {
        ui.warn(&format!("{} got no answer from a provider", render::words::count(silent, "question")));
    }
    Ok(Outcome::attention_if(silent > 0 || view.needs_attention()))
}

/// Counts what was asked by this look and got no answer.
fn silent(look: &Look) -> usize {
    let now = look.knowledge.verdicts.values().filter(|verdict| verdict.at >= look.observed.at);
    now.filter(|verdict| verdict.kind.is_silence()).count()
}
