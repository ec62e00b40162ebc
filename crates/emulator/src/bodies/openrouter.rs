//! OpenRouter's refusals.

use super::Asked;
use crate::Behaviour;
use serde_json::{Value, json};

pub(super) fn refusal(behaviour: Behaviour, asked: &Asked<'_>) -> Option<(u16, Value)> {
    let refused =
        |status: u16, message: &str| Some((status, json!({"error": {"message": message, "code": status}})));
    match behaviour {
        Behaviour::Invalid if asked.key.is_none() => refused(401, "Missing Authentication header"),
        // It makes no difference between keys that never were, are deleted, or have expired.
        Behaviour::Invalid | Behaviour::Revoked | Behaviour::Expired => refused(401, "User not found."),
        // A key's own data still answers when its limit is used up; it then says so itself.
        Behaviour::Billing if asked.inference => refused(
            403,
            "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys",
        ),
        Behaviour::RateLimited { .. } => refused(429, "Rate limit exceeded: free-models-per-min. "),
        Behaviour::ModelMissing if asked.inference => {
            refused(404, &format!("No endpoints found for {}.", asked.model))
        }
        Behaviour::ServerError => refused(502, "Provider returned error"),
        _ => None,
    }
}
