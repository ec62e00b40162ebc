//! `keyshoal.sync.v1`, `keyshoal.set.v1`, …: what a run did, each fact on its own.

use super::{ActionDocument, PlanDocument, VerdictDocument};
use crate::view::rotations::HalfDone;
use keyshoal_core::{ActivationOutcome, Plan, Receipt, RunId, StepState, Timestamp};
use serde::Serialize;

/// What a writing command prints with `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct RunDocument {
    schema: String,
    run: Option<RunId>,
    applied: bool,
    plan: PlanDocument,
    receipts: Vec<ReceiptDocument>,
    configured: Option<StepState>,
    activation: Option<ActivationOutcome>,
    rotations: Option<Vec<HalfDone>>,
    unfinished_import: Option<bool>,
    needs_attention: bool,
}

impl RunDocument {
    /// Makes it; `command` names the schema.
    pub fn new(command: &str, plan: &Plan) -> Self {
        Self {
            schema: format!("keyshoal.{}.v1", command.replace(' ', "_")),
            run: None,
            applied: false,
            plan: PlanDocument::of(plan),
            receipts: Vec::new(),
            configured: None,
            activation: None,
            rotations: None,
            unfinished_import: None,
            needs_attention: false,
        }
    }

    /// Adds what the run did.
    #[must_use]
    pub fn applied(
        mut self,
        run: Option<RunId>,
        receipts: &[Receipt],
        activation: &ActivationOutcome,
    ) -> Self {
        self.run = run;
        self.applied = true;
        self.receipts = receipts.iter().map(ReceiptDocument::of).collect();
        self.activation = Some(activation.clone());
        self
    }

    /// Says what came of the config.
    #[must_use]
    pub fn configured(mut self, state: Option<&StepState>) -> Self {
        self.configured = state.cloned();
        self
    }

    /// Says why nothing was done.
    #[must_use]
    pub fn because(mut self, activation: &ActivationOutcome) -> Self {
        self.activation = Some(activation.clone());
        self
    }

    /// Adds the rotations that are half done, where they were looked for.
    #[must_use]
    pub fn rotations(mut self, rotations: Option<Vec<HalfDone>>) -> Self {
        self.rotations = rotations;
        self
    }

    /// Says whether an import has not ended, where that was looked for.
    #[must_use]
    pub fn unfinished_import(mut self, is_there: Option<bool>) -> Self {
        self.unfinished_import = is_there;
        self
    }

    /// Says whether something needs attention (exit code 2).
    #[must_use]
    pub fn attention(mut self, needed: bool) -> Self {
        self.needs_attention = needed;
        self
    }
}

/// One receipt.
#[derive(Clone, Debug, Serialize)]
pub struct ReceiptDocument {
    #[serde(flatten)]
    action: ActionDocument,
    at: Timestamp,
    durable: StepState,
    merged_writes: u32,
    activated: &'static str,
    accepted: Option<VerdictDocument>,
    answered: StepState,
}

impl ReceiptDocument {
    /// Makes it.
    pub fn of(receipt: &Receipt) -> Self {
        Self {
            action: ActionDocument::of(&receipt.action),
            at: receipt.at,
            durable: receipt.durable.clone(),
            merged_writes: receipt.merged_writes,
            activated: activation_words(&receipt.activated),
            accepted: VerdictDocument::of(receipt.accepted.as_ref()),
            answered: receipt.answered.clone(),
        }
    }
}

/// Returns the word for what came of the gateway.
pub fn activation_words(outcome: &ActivationOutcome) -> &'static str {
    match outcome {
        ActivationOutcome::NotNeeded => "not_needed",
        ActivationOutcome::GatewayDown => "gateway_down",
        ActivationOutcome::Done { .. } => "done",
        ActivationOutcome::NotDone { .. } => "not_done",
        ActivationOutcome::Unknown { .. } => "unknown",
    }
}
