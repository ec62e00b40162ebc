//! Reads what every dialect's request has in common, and writes their good answers.

pub(crate) mod anthropic;
pub(crate) mod codex;
pub(crate) mod gemini;
pub(crate) mod ollama;
pub(crate) mod openai;
pub(crate) mod openrouter;

use crate::Behaviour;
use axum::http::{HeaderMap, Uri};
use serde_json::Value;

/// A good answer: a JSON document or a finished stream of server-sent events.
#[derive(Debug)]
pub(crate) enum Answer {
    Json(Value),
    Events(String),
    NotFound,
}

/// What a good answer needs of the request.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) path: &'a str,
    pub(crate) model: &'a str,
    pub(crate) stream: bool,
    pub(crate) text: &'a str,
    pub(crate) models: &'a [String],
    pub(crate) request_id: &'a str,
    pub(crate) behaviour: Behaviour,
    pub(crate) second: i64,
}

/// Returns the key wherever a client may put it.
pub(crate) fn key(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text("authorization")
        .and_then(|value| value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")))
        .map(|(_, key)| key.trim().to_owned());
    text("x-api-key")
        .or_else(|| text("x-goog-api-key"))
        .map(str::to_owned)
        .or(bearer)
        .or_else(|| query(uri, "key"))
        .filter(|key| !key.is_empty())
}

/// Returns a query parameter, percent-decoded.
pub(crate) fn query(uri: &Uri, name: &str) -> Option<String> {
    uri.query()?
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
        .map(|(_, value)| percent_decoded(value))
}

/// Decodes `%2F` and `+`.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let hex: Vec<u8> = rest.by_ref().take(2).collect();
                let code = std::str::from_utf8(&hex).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
                bytes.push(code.unwrap_or(b'%'));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Writes one server-sent event.
fn event(out: &mut String, name: Option<&str>, data: &Value) {
    if let Some(name) = name {
        out.push_str(&format!("event: {name}\n"));
    }
    out.push_str(&format!("data: {data}\n\n"));
}

/// Writes an event whose data repeats its name as `type`, as Anthropic and OpenAI's responses do.
fn typed(out: &mut String, name: &str, mut data: Value) {
    data["type"] = name.into();
    event(out, Some(name), &data);
}
