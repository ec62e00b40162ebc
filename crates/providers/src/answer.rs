//! An answer, bounded and read once.

use serde_json::Value;

/// How much of a body is read: error bodies are small, and a list's beginning is enough to know it.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// Longer than a year, a time to wait is a mistake.
pub(crate) const LONGEST_WAIT: f64 = 366.0 * 24.0 * 3600.0;

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

    /// Returns the seconds to wait that the head or the body tells: Google's `RetryInfo`, ChatGPT's `resets_in_seconds`.
    pub(crate) fn wait(&self) -> Option<u64> {
        let told = || {
            let json = self.json()?;
            let error = json.get("error")?;
            let delay = |detail: &Value| {
                detail.get("retryDelay")?.as_str()?.strip_suffix('s')?.parse::<f64>().ok().map(f64::ceil)
            };
            let details = error.get("details").and_then(Value::as_array);
            let delay = details.and_then(|details| details.iter().find_map(delay));
            let seconds = delay.or_else(|| error.get("resets_in_seconds")?.as_f64())?;
            (0.0..=LONGEST_WAIT).contains(&seconds).then_some(seconds as u64)
        };
        self.retry_after.or_else(told)
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
    fn a_time_to_wait_is_found_in_the_head_or_the_body() {
        let wait = |head, body: &str| {
            Answer { retry_after: head, body: body.to_owned(), ..Answer::default() }.wait()
        };
        let google = r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.Help"},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.07s"}]}}"#;
        assert_eq!(wait(None, google), Some(35));
        assert_eq!(wait(Some(7), google), Some(7), "the head counts");
        assert_eq!(
            wait(None, r#"{"error":{"type":"usage_limit_reached","resets_in_seconds":602639}}"#),
            Some(602_639)
        );
        for nothing in
            ["", "{}", r#"{"error":{"resets_in_seconds":-1}}"#, r#"{"error":{"resets_in_seconds":1e300}}"#]
        {
            assert_eq!(wait(None, nothing), None, "{nothing}");
        }
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
