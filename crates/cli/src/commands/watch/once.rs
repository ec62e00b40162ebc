//! One round of a watch, for timers.

use super::{WatchArgs, opened, policy::WatchPolicy};
use crate::commands::{Context, report, shared};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;
use keyshoal_engine::{LookOptions, SyncOptions, Unattended};

/// Looks once, and repairs what is certain where the policy allows it.
pub fn cmd_once(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &WatchArgs,
    policy: &WatchPolicy,
) -> Result<Outcome, CommandError> {
    let offline = args.offline || !policy.ask_providers;
    let (installation, repair) = opened(ui, context, policy, offline)?;
    let options = SyncOptions {
        look: LookOptions { ask: shared::ask_policy(offline), ..LookOptions::default() },
        dry_run: !repair,
        assume_yes: repair,
        activate: policy.activate,
        command: "watch".to_owned(),
        ..SyncOptions::default()
    };
    let progress = ui.progress();
    let done = keyshoal_engine::sync(&installation, &options, &mut Unattended, &mut shared::shown(&progress));
    drop(progress);
    report::show(ui, "watch_once", &done?)
}
