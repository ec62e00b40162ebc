//! A small OAuth token endpoint whose refresh tokens work once.

use crate::Behaviour;
use crate::state::Inner;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Refresh tokens that are good, and those that are spent.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    live: BTreeSet<String>,
    spent: BTreeSet<String>,
    issued: u64,
}

impl Tokens {
    pub(crate) fn issue(&mut self, refresh: &str) {
        self.live.insert(refresh.to_owned());
    }
}

/// Answers a refresh. A token that was spent before is told so with OpenAI's body; the new access token is accepted from now on.
pub(crate) fn exchange(state: &mut Inner, refresh: Option<&str>) -> (u16, Value) {
    let tokens = &mut state.tokens;
    let refresh = refresh.unwrap_or_default();
    if tokens.spent.contains(refresh) {
        let message = "Your refresh token has already been used to generate a new access token. Please try signing in again.";
        return (
            401,
            json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": "refresh_token_reused"}}),
        );
    }
    if !tokens.live.remove(refresh) {
        return (
            400,
            json!({"error": "invalid_grant", "error_description": "Refresh token not found or invalid"}),
        );
    }
    tokens.spent.insert(refresh.to_owned());
    tokens.issued += 1;
    let (access, next) =
        (format!("emulated-access-{}", tokens.issued), format!("emulated-refresh-{}", tokens.issued));
    tokens.live.insert(next.clone());
    state.keys.insert(access.clone(), Behaviour::Ok);
    (200, json!({"access_token": access, "refresh_token": next, "expires_in": 3600, "token_type": "Bearer"}))
}

/// Reads the refresh token of a form or JSON body.
pub(crate) fn refresh_token(body: &str) -> Option<String> {
    if let Ok(json) = serde_json::from_str::<Value>(body) {
        return json.get("refresh_token")?.as_str().map(str::to_owned);
    }
    body.split('&').find_map(|pair| pair.strip_prefix("refresh_token=")).map(crate::wire::percent_decoded)
}
