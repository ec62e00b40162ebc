//! An answer, bounded and read once.

use serde_json::Value;

/// How much of a body is read: error bodies are small, and a list's beginning is enough to know it.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// What a server answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The content type, as sent.
    pub content_type: String,
    /// At most the first 64 KiB of the body.
    pub body: String,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// Seconds that the provider asks to wait.
    pub retry_after: Option<u64>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
}

/// The words of an error body, lower-cased, wherever the provider puts them. Empty where there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// Whether the body is a JSON document.
    pub(crate) json: bool,
    /// `error.code` or `code`.
    pub(crate) code: String,
    /// `error.type`, or Google's `error.status`.
    pub(crate) kind: String,
    /// Google's `ErrorInfo.reason`.
    pub(crate) reason: String,
    /// The text for people.
    pub(crate) message: String,
}

impl Answer {
    /// Returns the body as JSON, when it is.
    pub(crate) fn json(&self) -> Option<Value> {
        let value: Value = serde_json::from_str(&self.body).ok()?;
        // Google wraps the error of a streaming method in an array.
        match value {
            Value::Array(mut items) if items.len() == 1 => items.pop(),
            Value::Object(_) => Some(value),
            _ => None,
        }
    }

    /// Tells whether the body is a page for people.
    pub(crate) fn is_page(&self) -> bool {
        let start = self.body.trim_start();
        self.content_type.starts_with("text/html") || start.starts_with("<!") || start.starts_with("<html")
    }

    /// Returns the words of an error body.
    pub(crate) fn words(&self) -> Words {
        let Some(json) = self.json() else { return Words::default() };
        let error = json.get("error").unwrap_or(&Value::Null);
        let text = |value: Option<&Value>| match value {
            Some(Value::String(text)) => text.to_lowercase(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let first = |candidates: &[Option<&Value>]| {
            candidates.iter().map(|value| text(*value)).find(|text| !text.is_empty()).unwrap_or_default()
        };
        let detail = json.get("detail");
        let reason = error
            .get("details")
            .and_then(Value::as_array)
            .and_then(|details| details.iter().find_map(|detail| detail.get("reason")));
        Words {
            json: true,
            code: first(&[error.get("code"), json.get("code")]),
            kind: first(&[
                error.get("type"),
                error.get("status"),
                json.get("type").filter(|kind| *kind != "error"),
            ]),
            reason: text(reason),
            message: first(&[
                error.get("message"),
                Some(error),
                json.get("message"),
                detail,
                detail.and_then(|detail| detail.get("message")),
                json.get("msg"),
            ]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(body: &str) -> Words {
        Answer { body: body.to_owned(), ..Answer::default() }.words()
    }

    #[test]
    fn words_are_found_wherever_providers_put_them() {
        assert_eq!(words(r#"{"error":{"message":"A b","type":"T","code":"C"}}"#).message, "a b");
        assert_eq!(words(r#"{"error":"You have insufficient"}"#).message, "you have insufficient");
        assert_eq!(words(r#"{"message":"Unauthorized","request_id":"1"}"#).message, "unauthorized");
        assert_eq!(words(r#"{"detail":"Unauthorized"}"#).message, "unauthorized");
        assert_eq!(
            words(r#"{"type":"error","error":{"type":"authentication_error","message":"x"}}"#).kind,
            "authentication_error"
        );
        let google = r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]"#;
        assert_eq!(
            (words(google).reason.as_str(), words(google).kind.as_str(), words(google).code.as_str()),
            ("api_key_invalid", "invalid_argument", "400")
        );
        assert!(!words("<html>").json);
        assert!(!words("").json);
    }
}
