//! Asking the providers which of differing values are alive.

use crate::commands::Context;
use crate::error::CommandError;
use keyshoal_core::{Fingerprint, VerdictKind};
use keyshoal_providers::{Limits, Prober, ProberOptions, Question};
use keyshoal_transfer::preview::asks;
use keyshoal_transfer::{ImportPlan, Payload};
use std::collections::BTreeMap;

/// Asks about each value once. Logins are not asked about: a provider may end one that turns up at another address than its gateway's.
pub fn ask(
    context: &Context<'_>,
    payload: &Payload,
    plan: &ImportPlan,
) -> Result<BTreeMap<Fingerprint, VerdictKind>, CommandError> {
    let asked = asks(payload, plan);
    let questions: Vec<Question> =
        asked.iter().map(|one| Question::new(one.ask.clone(), one.secret.clone())).collect();
    if questions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let prober = Prober::new(ProberOptions {
        ca_file: context.globals.ca_file.clone(),
        limits: Limits { max_requests: context.globals.max_requests, ..Limits::default() },
        ask_logins: false,
        ..ProberOptions::default()
    });
    let prober = prober.map_err(|error| CommandError::io(error.to_string()))?;
    let verdicts = prober.ask(&questions);
    Ok(asked.iter().zip(verdicts).map(|(one, verdict)| (one.ask.fingerprint, verdict.kind)).collect())
}
