//! What a run did, each fact on its own.

use super::{plan, words};
use crate::ui::{Grid, Text, Tone};
use keyshoal_core::instance::ActivationWay;
use keyshoal_core::{ActivationOutcome, Receipt, StepState};

/// An answer of the last so many seconds belongs to the run.
const FRESH: i64 = 60;

/// Returns one line per action.
pub fn lines(receipts: &[Receipt]) -> Vec<Text> {
    grid(receipts, |receipt| vec![accepted(receipt), answered(&receipt.answered)])
}

/// Returns one line per action, without who was asked: whether the agents work with it is proved apart from the writes, and said so.
pub fn writes(receipts: &[Receipt]) -> Vec<Text> {
    grid(receipts, |_| Vec::new())
}

fn grid(receipts: &[Receipt], asked: impl Fn(&Receipt) -> Vec<Text>) -> Vec<Text> {
    let mut grid = Grid::bare();
    for receipt in receipts {
        let mut row = vec![
            Text::of(plan::whose(&receipt.action)),
            Text::of(receipt.action.profile().as_str()),
            plan::deed(&receipt.action),
            durable(receipt),
        ];
        row.extend(asked(receipt));
        grid.row(row);
    }
    grid.lines(usize::MAX, 0)
}

fn durable(receipt: &Receipt) -> Text {
    match &receipt.durable {
        StepState::Done => Text::toned(Tone::Good, "✓ durable").plain(words::merged(receipt.merged_writes)),
        StepState::Conflict { found } => {
            Text::toned(Tone::Bad, "✗ conflict").plain(format!(": {found} stood there, nothing was written"))
        }
        StepState::Failed { reason } => Text::toned(Tone::Bad, "✗ failed").plain(format!(": {reason}")),
        StepState::Skipped { reason } => Text::toned(Tone::Doubt, "· skipped").plain(format!(": {reason}")),
        StepState::NotAsked => Text::toned(Tone::Dim, "not done"),
    }
}

/// Returns what came of the config.
pub fn config(state: &StepState) -> Text {
    let text = Text::of("config: ");
    match state {
        StepState::Done => text.join(&Text::toned(Tone::Good, "✓ written and read back")),
        StepState::Conflict { found } => {
            text.join(&Text::toned(Tone::Bad, "✗ conflict")).plain(format!(": {found}"))
        }
        StepState::Failed { reason } => {
            text.join(&Text::toned(Tone::Bad, "✗ failed")).plain(format!(": {reason}"))
        }
        StepState::Skipped { reason } => {
            text.join(&Text::toned(Tone::Doubt, "· skipped")).plain(format!(": {reason}"))
        }
        StepState::NotAsked => text.plain("not touched"),
    }
}

fn accepted(receipt: &Receipt) -> Text {
    match &receipt.accepted {
        // What was said long ago is no proof of this run's.
        Some(said) if receipt.at.duration_since(said.at).as_secs() >= FRESH => {
            words::verdict_aged(Some(said), receipt.at)
        }
        Some(said) => words::verdict(said.kind),
        None => Text::toned(Tone::Dim, "provider not asked"),
    }
}

fn answered(state: &StepState) -> Text {
    match state {
        StepState::Done => Text::toned(Tone::Good, "✓ agent answered"),
        StepState::NotAsked => Text::toned(Tone::Dim, "agent not asked"),
        StepState::Skipped { reason } => Text::toned(Tone::Dim, format!("agent not asked: {reason}")),
        StepState::Failed { reason } => Text::toned(Tone::Bad, "✗ agent failed").plain(format!(": {reason}")),
        StepState::Conflict { found } => {
            Text::toned(Tone::Bad, "✗ agent uses another").plain(format!(": {found}"))
        }
    }
}

/// Returns what came of the gateway, where there is something to say.
pub fn activation(outcome: &ActivationOutcome) -> Text {
    match outcome {
        ActivationOutcome::NotNeeded => Text::toned(Tone::Dim, "gateway: nothing to do"),
        ActivationOutcome::GatewayDown => {
            Text::of("gateway: not running; it reads the stores when it starts")
        }
        ActivationOutcome::Done {
            way: way @ (ActivationWay::RestartRpc | ActivationWay::RestartCommand),
            ..
        } => Text::toned(Tone::Good, "✓ gateway: ")
            .plain(format!("has restarted and is ready ({})", way_words(*way))),
        ActivationOutcome::Done { way, .. } => Text::toned(Tone::Good, "✓ gateway: ")
            .plain(format!("has read its stores again ({})", way_words(*way))),
        ActivationOutcome::NotDone { reason, needs_restart } => {
            let word = if *needs_restart { "needs a restart: " } else { "not activated: " };
            Text::toned(Tone::Bad, "✗ gateway: ").plain(format!("{word}{reason}"))
        }
        ActivationOutcome::Unknown { reason } => {
            Text::toned(Tone::Doubt, "! gateway: ").plain(format!("unknown whether it holds them: {reason}"))
        }
    }
}

/// Returns how a gateway was made to read its stores again.
pub fn way_words(way: ActivationWay) -> &'static str {
    match way {
        ActivationWay::AuthRefresh => "models.authRefresh",
        ActivationWay::SecretsReload => "secrets.reload",
        ActivationWay::ConfigTouch => "config touched",
        ActivationWay::RestartRpc => "asked by RPC",
        ActivationWay::RestartCommand => "by your command",
    }
}
