//! The refusals of ChatGPT's backend.

use super::{Asked, openai};
use crate::Behaviour;
use serde_json::{Value, json};

pub(super) fn refusal(behaviour: Behaviour, asked: &Asked<'_>) -> Option<(u16, Value)> {
    let refused = |message: &str, code: &str| {
        let kind = "invalid_request_error";
        Some((401, json!({"error": {"message": message, "type": kind, "param": null, "code": code}})))
    };
    match behaviour {
        Behaviour::Invalid => Some((401, json!({"detail": "Unauthorized"}))),
        Behaviour::Revoked => refused(
            "Your authentication token has been invalidated. Please try signing in again.",
            "token_invalidated",
        ),
        Behaviour::RateLimited { .. } => Some((
            429,
            json!({"error": {"type": "usage_limit_reached", "message": "The usage limit has been reached",
                             "plan_type": "plus", "resets_at": 1_775_549_913, "resets_in_seconds": 602_639}}),
        )),
        // How much of the plan is used is told all the same.
        Behaviour::Billing | Behaviour::Scope => None,
        other => openai::refusal(other, asked),
    }
}
