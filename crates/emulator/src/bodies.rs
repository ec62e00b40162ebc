//! Refusals, word for word as the providers send them, as far as that is public.
//!
//! Where a body comes from stands in the providers crate's `data/answers.json`, row by row.

mod anthropic;
mod codex;
mod gemini;
mod ollama;
mod openai;
mod openrouter;

use crate::{Behaviour, Dialect};
use serde_json::Value;

/// A refusal: status, body, and the seconds of `retry-after` where there are any.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) retry_after: Option<u32>,
}

impl Refusal {
    fn new(status: u16, body: Value) -> Self {
        Self { status, body, retry_after: None }
    }
}

/// What a refusal may mention.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) key: Option<&'a str>,
    pub(crate) model: &'a str,
    /// Whether the request wants an answer of a model, rather than a list or a key's own data.
    pub(crate) inference: bool,
    pub(crate) request_id: &'a str,
}

/// Returns the provider's refusal; `None` when this request is answered well.
pub(crate) fn refusal(dialect: Dialect, behaviour: Behaviour, asked: &Asked<'_>) -> Option<Refusal> {
    let untold = behaviour == Behaviour::Throttled;
    let behaviour = if untold { Behaviour::RateLimited { retry_after: 0 } } else { behaviour };
    let (status, body) = match dialect {
        Dialect::OpenAi | Dialect::Public | Dialect::OAuth => openai::refusal(behaviour, asked),
        Dialect::Anthropic => anthropic::refusal(behaviour, asked),
        Dialect::Gemini => gemini::refusal(behaviour, asked),
        Dialect::OpenRouter => openrouter::refusal(behaviour, asked),
        Dialect::Codex => codex::refusal(behaviour, asked),
        Dialect::Ollama => ollama::refusal(behaviour, asked),
    }?;
    let mut refusal = Refusal::new(status, body);
    if let Behaviour::RateLimited { retry_after } = behaviour
        && !untold
    {
        refusal.retry_after = Some(retry_after);
    }
    Some(refusal)
}

/// Shows a key the way OpenAI does in its refusals: first characters, stars, last four.
fn masked(key: &str) -> String {
    let tail: String = key.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
    let head: String = key.chars().take(8).collect();
    if key.chars().count() <= 12 {
        "*".repeat(key.chars().count())
    } else {
        format!("{head}{}{tail}", "*".repeat(key.chars().count() - 12))
    }
}
