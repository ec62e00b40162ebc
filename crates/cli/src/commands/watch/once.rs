//! One round of a watch, for timers.

use crate::commands::{report, shared};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;
use keyshoal_core::ActivationMode;
use keyshoal_engine::{AskPolicy, LookOptions, SyncOptions, Unattended};
use keyshoal_local::Installation;

/// Looks once, and repairs what is certain where the policy allows it.
pub fn round(
    ui: &mut Ui,
    installation: &Installation,
    repair: bool,
    ask: AskPolicy,
    activate: ActivationMode,
) -> Result<Outcome, CommandError> {
    let options = SyncOptions {
        look: LookOptions { ask, ..LookOptions::default() },
        dry_run: !repair,
        assume_yes: repair,
        activate,
        command: "watch".to_owned(),
        ..SyncOptions::default()
    };
    let progress = ui.progress();
    let done = keyshoal_engine::sync(installation, &options, &mut Unattended, &mut shared::shown(&progress));
    drop(progress);
    report::show(ui, "watch_once", &done?)
}
