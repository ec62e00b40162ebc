//! The requests that ask, and what a success must look like.

use crate::Wire;
use crate::answer::Answer;
use crate::endpoint::Target;
use keyshoal_core::{Secret, Timestamp, VerdictKind};
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use url::Url;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The list of models: costs nothing.
    List,
    /// OpenRouter's own word on the key.
    Key,
    /// The shortest possible answer of a model: costs a token.
    Completion,
}

/// A key that cannot be right, of the shape that the wire's keys have.
pub(crate) fn stranger(wire: Wire) -> Secret {
    Secret::new(match wire {
        Wire::OpenAi | Wire::OpenRouter => "sk-keyshoal-negative-control-not-a-key-0000000000",
        Wire::Anthropic => {
            "sk-ant-api03-keyshoal-negative-control-not-a-key-00000000000000000000000000000000000000000000000-AA"
        }
        Wire::Gemini => "AIzaKeyshoalNegativeControlNotAKey00000",
    })
}

impl Target {
    /// Returns what to ask the provider itself for.
    pub(crate) fn purpose(&self) -> Purpose {
        if self.wire == Wire::OpenRouter { Purpose::Key } else { Purpose::List }
    }

    /// Builds the request; `None` when the secret cannot stand in a header.
    pub(crate) fn request(
        &self,
        client: &reqwest::Client,
        purpose: Purpose,
        secret: &Secret,
    ) -> Option<reqwest::RequestBuilder> {
        let model = self.model.as_deref().unwrap_or_default();
        let text = secret.reveal_secret();
        let hidden = |text: String| {
            let mut value = HeaderValue::try_from(text).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        let (path, body) = match (self.wire, purpose) {
            (_, Purpose::Key) => ("key".to_owned(), None),
            (Wire::OpenAi | Wire::OpenRouter, Purpose::List) => ("models".to_owned(), None),
            (Wire::Anthropic, Purpose::List) => ("v1/models?limit=1".to_owned(), None),
            (Wire::Gemini, Purpose::List) => ("models?pageSize=1".to_owned(), None),
            (Wire::OpenAi, Purpose::Completion) if self.responses => {
                ("responses".to_owned(), Some(response(model)))
            }
            (Wire::OpenAi | Wire::OpenRouter, Purpose::Completion) => {
                ("chat/completions".to_owned(), Some(chat(model)))
            }
            (Wire::Anthropic, Purpose::Completion) => ("v1/messages".to_owned(), Some(chat(model))),
            (Wire::Gemini, Purpose::Completion) => {
                (format!("models/{model}:generateContent"), Some(content()))
            }
        };
        let url = self.url(&path)?;
        let request = match body {
            Some(body) => client.post(url).json(&body),
            None => client.get(url),
        };
        let request = request.header("accept", "application/json");
        Some(match self.wire {
            Wire::OpenAi | Wire::OpenRouter => {
                request.header("authorization", hidden(format!("Bearer {text}"))?)
            }
            Wire::Gemini => request.header("x-goog-api-key", hidden(text.to_owned())?),
            // The program tells the two apart by the same prefix.
            Wire::Anthropic if text.contains("sk-ant-oat") => request
                .header("authorization", hidden(format!("Bearer {text}"))?)
                .header("anthropic-beta", "oauth-2025-04-20")
                .header("anthropic-version", "2023-06-01"),
            Wire::Anthropic => request
                .header("x-api-key", hidden(text.to_owned())?)
                .header("anthropic-version", "2023-06-01"),
        })
    }

    /// Joins a path to the base URL as the program does: Anthropic's base may or may not end in `/v1`.
    fn url(&self, path: &str) -> Option<Url> {
        let mut base = self.base.clone();
        base.set_query(None);
        base.set_fragment(None);
        let text = base.as_str().trim_end_matches('/');
        let text = if self.wire == Wire::Anthropic { text.strip_suffix("/v1").unwrap_or(text) } else { text };
        Url::parse(&format!("{text}/{path}")).ok()
    }
}

fn chat(model: &str) -> Value {
    json!({"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]})
}

/// The shortest that OpenAI allows is 16 tokens.
fn response(model: &str) -> Value {
    json!({"model": model, "max_output_tokens": 16, "input": "hi"})
}

fn content() -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 1}})
}

/// Says what a success means; `None` when it does not look like one.
pub(crate) fn success(purpose: Purpose, answer: &Answer, now: Timestamp) -> Option<VerdictKind> {
    if !(200..300).contains(&answer.status) || answer.is_page() {
        return None;
    }
    let json = answer.json();
    let has = |field: &str| json.as_ref().is_some_and(|json| json.get(field).is_some());
    if has("error") {
        return None;
    }
    match purpose {
        // A list may be longer than what is read of it, so its beginning must do.
        Purpose::List => {
            let cut = json.is_none() && answer.body.len() >= crate::answer::MAX_BODY;
            let begins = |field| answer.body.trim_start().starts_with('{') && answer.body.contains(field);
            (has("data") || has("models") || (cut && (begins("\"data\"") || begins("\"models\""))))
                .then_some(VerdictKind::Ok)
        }
        Purpose::Completion => ["choices", "content", "candidates", "output"]
            .iter()
            .any(|field| has(field))
            .then_some(VerdictKind::Ok),
        Purpose::Key => {
            let data = json.as_ref()?.get("data")?;
            let is = |field: &str| data.get(field).and_then(Value::as_bool).unwrap_or(false);
            let ended = data
                .get("expires_at")
                .and_then(Value::as_str)
                .and_then(|text| text.parse::<Timestamp>().ok())
                .is_some_and(|end| end <= now);
            let left = data.get("limit_remaining").and_then(Value::as_f64);
            Some(if ended {
                VerdictKind::Expired
            } else if is("is_management_key") || is("is_provisioning_key") {
                VerdictKind::MissingScope
            } else if left.is_some_and(|left| left <= 0.0) {
                VerdictKind::Billing
            } else {
                VerdictKind::Ok
            })
        }
    }
}
