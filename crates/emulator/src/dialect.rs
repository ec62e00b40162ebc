//! Which provider a request is meant for.

use serde::{Deserialize, Serialize};

/// Names the provider that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// OpenAI, and custom providers that speak its API with its error bodies.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// Google's Gemini API.
    Gemini,
    /// OpenRouter: public model list, authenticated key endpoint.
    OpenRouter,
    /// The backend of ChatGPT.
    Codex,
    /// Ollama: public model list, keys for chats where they are set.
    Ollama,
    /// A custom OpenAI-compatible provider whose model list needs no key.
    Public,
    /// The OAuth token endpoint.
    OAuth,
}

impl Dialect {
    /// Chooses the provider: by the first path segment, else by the rest of the path and the headers.
    pub(crate) fn of(path: &str, anthropic_headers: bool) -> Self {
        match path.trim_start_matches('/').split('/').next() {
            Some("openai") => Self::OpenAi,
            Some("anthropic") => Self::Anthropic,
            Some("gemini") => Self::Gemini,
            Some("openrouter") => Self::OpenRouter,
            Some("chatgpt") => Self::Codex,
            Some("ollama") => Self::Ollama,
            Some("public") => Self::Public,
            Some("oauth") => Self::OAuth,
            _ if path.contains("/v1beta/") => Self::Gemini,
            _ if path.contains("/api/v1/") => Self::OpenRouter,
            _ if path.ends_with("/messages") || path.ends_with("/count_tokens") => Self::Anthropic,
            _ if path.ends_with("/oauth/token") => Self::OAuth,
            _ if path.ends_with("/chat/completions") || path.ends_with("/responses") => Self::OpenAi,
            _ if anthropic_headers => Self::Anthropic,
            _ => Self::OpenAi,
        }
    }
}
