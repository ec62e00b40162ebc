//! Ollama's refusals.

use super::Asked;
use crate::Behaviour;
use serde_json::{Value, json};

pub(super) fn refusal(behaviour: Behaviour, asked: &Asked<'_>) -> Option<(u16, Value)> {
    match behaviour {
        Behaviour::Invalid | Behaviour::Revoked | Behaviour::Expired => {
            Some((401, json!({"error": "unauthorized"})))
        }
        Behaviour::ModelMissing if asked.inference => {
            Some((404, json!({"error": format!("model '{}' not found, try pulling it first", asked.model)})))
        }
        Behaviour::RateLimited { .. } => Some((429, json!({"error": "too many requests"}))),
        Behaviour::ServerError => Some((500, json!({"error": "internal server error"}))),
        _ => None,
    }
}
