//! A restart of the gateway that a person has agreed to, and what it changes in a run's report.

use super::shared;
use crate::error::CommandError;
use crate::ui::{Answer, Text, Ui};
use keyshoal_core::{
    ActivationMode, ActivationNeed, ActivationOutcome, Fact, Severity, StepState, activation,
};
use keyshoal_engine::ports::{Change as _, Remember as _};
use keyshoal_engine::{LookOptions, Outcome, SyncReport};
use keyshoal_local::Installation;

/// Restarts the gateway, waits until it is ready, looks again, and puts what came of it into the report.
pub fn restart(
    ui: &mut Ui,
    installation: &Installation,
    report: &mut SyncReport,
    look: &LookOptions,
) -> Result<(), CommandError> {
    let progress = ui.progress();
    progress.wait("restarting the gateway and waiting until it is ready …");
    report.activation = installation.activate(ActivationNeed::Restart, ActivationMode::Restart);
    drop(progress);
    let proven = matches!(report.activation, ActivationOutcome::Done { .. });
    if proven {
        let digest = activation::digest(&report.after.observed);
        installation.learn(&[Fact::Activated { digest }])?;
    }
    report.after = shared::look(ui, installation, look)?;
    for receipt in &mut report.receipts {
        receipt.activated = report.activation.clone();
    }
    let wrong = report.after.judgement.findings.iter().any(|one| one.severity == Severity::Attention);
    let fine = |state: &StepState| matches!(state, StepState::Done | StepState::Skipped { .. });
    let failed = report.receipts.iter().any(|one| !fine(&one.durable));
    report.outcome = if proven && !wrong && !failed { Outcome::Done } else { Outcome::Attention };
    if proven && report.plan.activation == ActivationNeed::Restart {
        ui.say(&Text::of("only the restart helped: the gateway does not see such a change otherwise"));
    }
    if !proven {
        ui.warn("no restart was proven");
    }
    Ok(())
}

/// Asks once whether the gateway may be restarted, where only that helps and somebody is there.
pub fn offer(
    ui: &mut Ui,
    installation: &Installation,
    report: &mut SyncReport,
    mode: ActivationMode,
    look: &LookOptions,
) -> Result<(), CommandError> {
    let ActivationOutcome::NotDone { reason, needs_restart: true } = &report.activation else {
        return Ok(());
    };
    if mode != ActivationMode::Auto || !ui.can_ask() {
        return Ok(());
    }
    let question = [
        Text::of(format!("the gateway was not made to see this: {reason}")),
        Text::of("requests that are on their way may fail: restart it now?"),
    ];
    if report.run.is_some() {
        ui.has_changed();
    }
    if ui.ask(&question, false)? == Some(Answer::Yes) {
        restart(ui, installation, report, look)?;
    }
    Ok(())
}
