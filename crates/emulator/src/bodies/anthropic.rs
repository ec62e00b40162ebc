//! Anthropic's refusals.

use super::Asked;
use crate::Behaviour;
use serde_json::{Value, json};

pub(super) fn refusal(behaviour: Behaviour, asked: &Asked<'_>) -> Option<(u16, Value)> {
    let refused = |status: u16, kind: &str, message: &str| {
        let body = json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": asked.request_id});
        Some((status, body))
    };
    let bearer = asked.key.is_some_and(|key| key.starts_with("sk-ant-oat"));
    match behaviour {
        Behaviour::Invalid if asked.key.is_none() => {
            refused(401, "authentication_error", "x-api-key header is required")
        }
        Behaviour::Invalid if bearer => refused(401, "authentication_error", "Invalid bearer token"),
        // A deleted or disabled API key is answered like one that never was.
        Behaviour::Invalid | Behaviour::Revoked if !bearer => {
            refused(401, "authentication_error", "invalid x-api-key")
        }
        Behaviour::Revoked => {
            refused(403, "permission_error", "OAuth token has been revoked. Please obtain a new token.")
        }
        Behaviour::Expired => refused(
            401,
            "authentication_error",
            "OAuth token has expired. Please obtain a new token or refresh your existing token.",
        ),
        Behaviour::Billing if asked.inference => refused(
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
        ),
        Behaviour::RateLimited { .. } => refused(
            429,
            "rate_limit_error",
            "This request would exceed your account's rate limit. Please try again later.",
        ),
        Behaviour::Scope => {
            refused(403, "permission_error", "OAuth token does not meet scope requirement user:profile")
        }
        Behaviour::ModelMissing if asked.inference => {
            refused(404, "not_found_error", &format!("model: {}", asked.model))
        }
        Behaviour::ServerError => refused(529, "overloaded_error", "Overloaded"),
        _ => None,
    }
}
