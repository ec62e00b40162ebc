//! What a provider says about a credential.

use crate::{CredentialKind, Fingerprint, ProviderId, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Says whom to ask: the agent's own base URL and API kind for a provider.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// The provider's name in the config.
    pub provider: ProviderId,
    /// OpenClaw's word for the wire format (`openai-completions`, `anthropic-messages`, …); `None` for a built-in default.
    pub api: Option<String>,
    /// The base URL; `None` for the provider's public one.
    pub base_url: Option<String>,
    /// A model that the config uses there, for providers that can only be asked by a completion.
    pub model: Option<String>,
}

impl Endpoint {
    /// Returns the base URL as it may be shown: without anything secret that it may carry.
    pub fn shown_url(&self) -> Option<String> {
        self.base_url.as_deref().map(without_secrets)
    }

    /// Returns the key under which a verdict is remembered: provider, wire format and base URL, without anything secret that the URL may carry.
    pub fn key(&self) -> String {
        let url = self.shown_url().unwrap_or_else(|| "-".to_owned());
        format!("{}|{}|{url}", self.provider, self.api.as_deref().unwrap_or("-"))
    }
}

/// Cuts user name, password, query and fragment out of a URL.
pub fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or(url);
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{host}{path}").trim_end_matches('/').to_owned()
}

/// One question to a provider: does this value work at this endpoint?
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask {
    /// Which value. The room that holds the secrets finds it by this.
    pub fingerprint: Fingerprint,
    /// How it is sent.
    pub kind: CredentialKind,
    /// Whom.
    pub endpoint: Endpoint,
}

/// The documented set of verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// The provider accepted it.
    Ok,
    /// The provider does not know it.
    InvalidKey,
    /// The provider has revoked or disabled it.
    Revoked,
    /// It cannot be a key of this provider; decided before any request.
    MalformedKey,
    /// Its time is over.
    Expired,
    /// It is genuine but lacks a permission.
    MissingScope,
    /// The account has no credit or a spending limit is reached.
    Billing,
    /// Too many requests.
    RateLimited,
    /// The credential is fine, the model is not available to it.
    ModelUnavailable,
    /// A policy (region, terms, content) forbids it.
    Policy,
    /// The name could not be resolved.
    Dns,
    /// No connection.
    Connect,
    /// TLS failed.
    Tls,
    /// No answer in time.
    Timeout,
    /// The provider answers 5xx.
    ProviderDown,
    /// The answer is not the provider's (a proxy, a captive portal).
    UnexpectedAnswer,
    /// Nothing certain can be said.
    Unknown,
    /// There was nothing to ask with.
    Missing,
    /// It is a reference that we do not resolve.
    UnresolvedRef,
    /// It was not asked.
    NotAsked,
}

impl VerdictKind {
    /// Returns its word in JSON documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::InvalidKey => "invalid_key",
            Self::Revoked => "revoked",
            Self::MalformedKey => "malformed_key",
            Self::Expired => "expired",
            Self::MissingScope => "missing_scope",
            Self::Billing => "billing",
            Self::RateLimited => "rate_limited",
            Self::ModelUnavailable => "model_unavailable",
            Self::Policy => "policy",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::ProviderDown => "provider_down",
            Self::UnexpectedAnswer => "unexpected_answer",
            Self::Unknown => "unknown",
            Self::Missing => "missing",
            Self::UnresolvedRef => "unresolved_ref",
            Self::NotAsked => "not_asked",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
    }

    /// Tells whether the value is certainly of no use any more. Only these verdicts ever justify replacing a value.
    pub fn is_dead(self) -> bool {
        matches!(self, Self::InvalidKey | Self::Revoked | Self::Expired)
    }

    /// Tells whether anybody was asked at all.
    pub fn was_asked(self) -> bool {
        !matches!(self, Self::MalformedKey | Self::Missing | Self::UnresolvedRef | Self::NotAsked)
    }

    /// Tells whether the provider has recognised the value as genuine (perhaps without credit or too fast).
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::Ok)
    }
}

impl fmt::Display for VerdictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One answer, with what helps the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What was said.
    pub kind: VerdictKind,
    /// When.
    pub at: Timestamp,
    /// Whether asking again later may help.
    pub retryable: bool,
    /// HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// How long it took.
    pub latency_ms: Option<u64>,
    /// What the person can do, one line. Never holds secret material.
    pub advice: Option<String>,
}

impl Verdict {
    /// Makes a bare verdict.
    pub fn new(kind: VerdictKind, at: Timestamp) -> Self {
        Self {
            kind,
            at,
            retryable: false,
            http_status: None,
            request_id: None,
            latency_ms: None,
            advice: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_an_endpoint_carries_no_secret_of_its_url() {
        let key = |url: &str| {
            Endpoint { provider: "acme".into(), api: None, base_url: Some(url.to_owned()), model: None }.key()
        };
        assert_eq!(
            key("https://me:pa@ss@api.acme.test:8443/v1/?key=k#f"),
            "acme|-|https://api.acme.test:8443/v1"
        );
        assert_eq!(key("http://127.0.0.1:1/v1"), "acme|-|http://127.0.0.1:1/v1");
        assert_eq!(key("acme.test"), "acme|-|acme.test");
    }
}
