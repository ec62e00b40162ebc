//! OpenAI's refusals.

use super::{Asked, masked};
use crate::Behaviour;
use serde_json::{Value, json};

pub(super) fn refusal(behaviour: Behaviour, asked: &Asked<'_>) -> Option<(u16, Value)> {
    let refused = |status: u16, message: &str, kind: &str, code: Value| {
        Some((status, json!({"error": {"message": message, "type": kind, "param": null, "code": code}})))
    };
    match behaviour {
        Behaviour::Invalid => match asked.key {
            Some(key) => refused(
                401,
                &format!(
                    "Incorrect API key provided: {}. You can find your API key at https://platform.openai.com/account/api-keys.",
                    masked(key)
                ),
                "invalid_request_error",
                json!("invalid_api_key"),
            ),
            None => refused(
                401,
                "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the API from your browser and are prompted for a username and password. You can obtain an API key from https://platform.openai.com/account/api-keys.",
                "invalid_request_error",
                Value::Null,
            ),
        },
        Behaviour::Revoked => refused(
            401,
            "The OpenAI account associated with this API key has been deactivated. Please check your email for more information.",
            "invalid_request_error",
            json!("account_deactivated"),
        ),
        Behaviour::Expired => refused(
            401,
            "Provided authentication token is expired. Please try signing in again.",
            "invalid_request_error",
            json!("token_expired"),
        ),
        Behaviour::Billing if asked.inference => refused(
            429,
            "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
            "insufficient_quota",
            json!("insufficient_quota"),
        ),
        Behaviour::RateLimited { .. } => refused(
            429,
            &format!(
                "Rate limit reached for {} in organization org-emulated on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. Visit https://platform.openai.com/account/rate-limits to learn more.",
                asked.model
            ),
            "requests",
            json!("rate_limit_exceeded"),
        ),
        Behaviour::Scope => {
            let scope = if asked.inference { "model.request" } else { "api.model.read" };
            let message = format!(
                "You have insufficient permissions for this operation. Missing scopes: {scope}. Check that you have the correct role in your organization (Reader, Writer, Owner) and project (Member, Owner), and if you're using a restricted API key, that it has the necessary scopes."
            );
            // Lists answer with the text alone, inference with an object.
            if asked.inference {
                refused(401, &message, "invalid_request_error", Value::Null)
            } else {
                Some((403, json!({"error": message})))
            }
        }
        Behaviour::ModelMissing if asked.inference => refused(
            404,
            &format!("The model `{}` does not exist or you do not have access to it.", asked.model),
            "invalid_request_error",
            json!("model_not_found"),
        ),
        Behaviour::ServerError => refused(
            500,
            "The server had an error while processing your request. Sorry about that!",
            "server_error",
            Value::Null,
        ),
        _ => None,
    }
}
