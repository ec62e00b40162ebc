//! The Gemini API's refusals.

use super::Asked;
use crate::Behaviour;
use serde_json::{Value, json};

pub(super) fn refusal(behaviour: Behaviour, asked: &Asked<'_>) -> Option<(u16, Value)> {
    let refused = |status: u16, name: &str, message: &str, reason: Option<&str>| {
        let details = reason.map(|reason| {
            json!([
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com",
                 "metadata": {"service": "generativelanguage.googleapis.com"}},
                {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": message},
            ])
        });
        let mut body = json!({"error": {"code": status, "message": message, "status": name}});
        if let Some(details) = details {
            body["error"]["details"] = details;
        }
        Some((status, body))
    };
    match behaviour {
        Behaviour::Invalid if asked.key.is_none() => refused(
            403,
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
            None,
        ),
        Behaviour::Invalid => refused(
            400,
            "INVALID_ARGUMENT",
            "API key not valid. Please pass a valid API key.",
            Some("API_KEY_INVALID"),
        ),
        Behaviour::Revoked => refused(
            403,
            "PERMISSION_DENIED",
            "Your API key was reported as leaked. Please use another API key.",
            None,
        ),
        Behaviour::Expired => refused(
            400,
            "INVALID_ARGUMENT",
            "API key expired. Please renew the API key.",
            Some("API_KEY_INVALID"),
        ),
        Behaviour::Billing => refused(
            403,
            "PERMISSION_DENIED",
            "This API method requires billing to be enabled. Please enable billing on project #0 by visiting https://console.developers.google.com/billing/enable?project=0 then retry. If you enabled billing for this project recently, wait a few minutes for the action to propagate to our systems and retry.",
            Some("BILLING_DISABLED"),
        ),
        Behaviour::RateLimited { .. } => refused(
            429,
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.",
            None,
        ),
        Behaviour::Scope => refused(
            403,
            "PERMISSION_DENIED",
            "Requests to this API generativelanguage.googleapis.com method google.ai.generativelanguage.v1beta.ModelService.ListModels are blocked.",
            Some("API_KEY_SERVICE_BLOCKED"),
        ),
        Behaviour::ModelMissing if asked.inference => refused(
            404,
            "NOT_FOUND",
            &format!(
                "models/{} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.",
                asked.model
            ),
            None,
        ),
        Behaviour::ServerError => {
            refused(503, "UNAVAILABLE", "The model is overloaded. Please try again later.", None)
        }
        _ => None,
    }
}
