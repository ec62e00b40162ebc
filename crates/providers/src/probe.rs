//! The requests that ask, and what a success must look like.

use crate::Wire;
use crate::answer::Answer;
use crate::endpoint::Target;
use crate::login;
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
    /// How much of a ChatGPT plan is used, as the program itself asks.
    Usage,
    /// The shortest possible answer of a model: costs a token.
    Completion,
}

/// A key that cannot be right, of the shape that the wire's keys have.
pub(crate) fn stranger(wire: Wire) -> Secret {
    Secret::new(match wire {
        Wire::OpenAi | Wire::OpenRouter | Wire::Ollama => "sk-keyshoal-negative-control-not-a-key-0000000000",
        Wire::Anthropic => {
            "sk-ant-api03-keyshoal-negative-control-not-a-key-00000000000000000000000000000000000000000000000-AA"
        }
        Wire::Gemini => "AIzaKeyshoalNegativeControlNotAKey00000",
        Wire::Codex => "eyJhbGciOiJub25lIn0.e30.keyshoal-negative-control-not-a-token",
    })
}

impl Target {
    /// Returns what to ask the provider itself for.
    pub(crate) fn purpose(&self) -> Purpose {
        match self.wire {
            Wire::OpenRouter => Purpose::Key,
            Wire::Codex => Purpose::Usage,
            Wire::OpenAi | Wire::Anthropic | Wire::Gemini | Wire::Ollama => Purpose::List,
        }
    }

    /// Builds the request; `None` when the secret cannot stand in a header, or there is no such question.
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
            (Wire::Codex, Purpose::Completion) => return None,
            (_, Purpose::Key) => ("key".to_owned(), None),
            (_, Purpose::Usage) | (Wire::Codex, Purpose::List) => ("wham/usage".to_owned(), None),
            (Wire::Ollama, Purpose::List) => ("api/tags".to_owned(), None),
            (Wire::Ollama, Purpose::Completion) => ("api/chat".to_owned(), Some(local_chat(model))),
            (Wire::OpenAi | Wire::OpenRouter, Purpose::List) => ("models".to_owned(), None),
            (Wire::Anthropic, Purpose::List) => ("v1/models?limit=1".to_owned(), None),
            (Wire::Gemini, Purpose::List) => ("models?pageSize=1".to_owned(), None),
            (Wire::OpenAi, Purpose::Completion) if self.responses => {
                ("responses".to_owned(), Some(response(model)))
            }
            (Wire::OpenAi | Wire::OpenRouter, Purpose::Completion) => {
                let newer = self.known.is_some_and(|known| known.name == "openai");
                ("chat/completions".to_owned(), Some(if newer { newer_chat(model) } else { chat(model) }))
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
        if self.bare {
            return Some(request.headers(self.dress.headers.clone()));
        }
        let request = match self.wire {
            Wire::OpenAi | Wire::OpenRouter | Wire::Ollama => {
                request.header("authorization", hidden(format!("Bearer {text}"))?)
            }
            Wire::Codex => {
                let request = request.header("authorization", hidden(format!("Bearer {text}"))?);
                match login::read(text).and_then(|login| login.account) {
                    Some(account) => request.header("chatgpt-account-id", hidden(account)?),
                    None => request,
                }
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
        };
        // What the config says counts over what the wire format does, and `authHeader` over both, as in the program.
        let mut changed = self.dress.headers.clone();
        if self.dress.bearer {
            changed.insert("authorization", hidden(format!("Bearer {text}"))?);
        }
        Some(request.headers(changed))
    }

    /// Joins a path to the base URL as the program does: Anthropic's base and a server's of Ollama may or may not end in `/v1`, that of
    /// ChatGPT in `/codex`.
    fn url(&self, path: &str) -> Option<Url> {
        let mut base = self.base.clone();
        base.set_query(None);
        base.set_fragment(None);
        let text = base.as_str().trim_end_matches('/');
        let ending = match self.wire {
            Wire::Anthropic | Wire::Ollama => "/v1",
            Wire::Codex => "/codex",
            Wire::OpenAi | Wire::Gemini | Wire::OpenRouter => "",
        };
        let text = text.strip_suffix(ending).unwrap_or(text);
        Url::parse(&format!("{text}/{path}")).ok()
    }
}

fn chat(model: &str) -> Value {
    json!({"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]})
}

/// OpenAI's newer models refuse `max_tokens`, and think before they answer.
fn newer_chat(model: &str) -> Value {
    json!({"model": model, "max_completion_tokens": 16, "messages": [{"role": "user", "content": "hi"}]})
}

fn local_chat(model: &str) -> Value {
    json!({"model": model, "stream": false, "options": {"num_predict": 1}, "messages": [{"role": "user", "content": "hi"}]})
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
        Purpose::Completion => ["choices", "content", "candidates", "output", "message"]
            .iter()
            .any(|field| has(field))
            .then_some(VerdictKind::Ok),
        Purpose::Usage => {
            let limit = json.as_ref()?.get("rate_limit");
            let reached = limit.and_then(|limit| limit.get("limit_reached")).and_then(Value::as_bool);
            (limit.is_some() || has("plan_type")).then_some(match reached {
                Some(true) => VerdictKind::RateLimited,
                Some(false) | None => VerdictKind::Ok,
            })
        }
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
