//! The frames of the gateway's protocol: requests, responses, events.

use super::GatewayError;
use super::wire::line;
use serde_json::{Value, json};

/// One frame from the gateway.
#[derive(Debug)]
pub enum Frame {
    /// Something happened; nobody asked.
    Event {
        /// Its name.
        name: String,
        /// What it carries.
        payload: Value,
    },
    /// The answer to a request.
    Response {
        /// The request's id.
        id: String,
        /// What was asked for, or why not.
        result: Result<Value, Failure>,
    },
    /// A kind of frame we do not know.
    Other,
}

/// The gateway's error shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// `INVALID_REQUEST`, `UNAVAILABLE`, `NOT_PAIRED`, …
    pub code: String,
    /// Its own words, cut to a line.
    pub message: String,
    /// `details.code`, a finer word for handshakes (`AUTH_TOKEN_MISMATCH`, `PAIRING_REQUIRED`).
    pub detail: Option<String>,
    /// Whether it says that trying again may help.
    pub retryable: bool,
}

impl Failure {
    fn read(value: &Value) -> Self {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(line).unwrap_or_default();
        Self {
            code: text("code"),
            message: text("message"),
            detail: value.pointer("/details/code").and_then(Value::as_str).map(line),
            retryable: value.get("retryable").and_then(Value::as_bool).unwrap_or(false)
                || text("code") == "UNAVAILABLE",
        }
    }

    /// Makes it the failure of a call.
    pub fn of_call(self, method: &str) -> GatewayError {
        if self.message.starts_with("unknown method") {
            return GatewayError::NoSuchMethod { method: method.to_owned() };
        }
        if self.message.starts_with("missing scope") {
            return GatewayError::NoAdmin { version: None, with_device: false };
        }
        GatewayError::Call {
            method: method.to_owned(),
            code: self.code,
            message: self.message,
            retryable: self.retryable,
        }
    }
}

/// Writes a request.
pub fn request(id: &str, method: &str, params: &Value) -> String {
    json!({ "type": "req", "id": id, "method": method, "params": params }).to_string()
}

/// Reads a frame.
pub fn read(text: &str) -> Result<Frame, GatewayError> {
    let mut value: Value = serde_json::from_str(text)
        .map_err(|error| GatewayError::Protocol { why: format!("a frame that is no JSON: {error}") })?;
    let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    match word(&value, "type").as_deref() {
        Some("event") => Ok(Frame::Event {
            name: word(&value, "event").unwrap_or_default(),
            payload: value.get_mut("payload").map(Value::take).unwrap_or_default(),
        }),
        Some("res") => {
            let id = word(&value, "id")
                .ok_or_else(|| GatewayError::Protocol { why: "a response without an id".into() })?;
            let result = if value.get("ok").and_then(Value::as_bool) == Some(true) {
                Ok(value.get_mut("payload").map(Value::take).unwrap_or_default())
            } else {
                Err(Failure::read(value.get("error").unwrap_or(&Value::Null)))
            };
            Ok(Frame::Response { id, result })
        }
        _ => Ok(Frame::Other),
    }
}
