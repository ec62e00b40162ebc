//! What a provider says about a credential.

mod age;
mod words;

use crate::{CredentialKind, Endpoint, Fingerprint, Timestamp};
use serde::{Deserialize, Serialize};

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
///
/// It has no `Display`, so that a code cannot slip into a sentence: documents have [`Self::as_str`], people [`Self::short`] and
/// [`Self::clause`].
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

    /// Tells whether whoever was asked could not be reached, or is not the provider: nothing was learned of the value.
    pub fn is_silence(self) -> bool {
        matches!(
            self,
            Self::Dns
                | Self::Connect
                | Self::Tls
                | Self::Timeout
                | Self::ProviderDown
                | Self::UnexpectedAnswer
        )
    }

    /// Tells whether anybody was asked at all.
    pub fn was_asked(self) -> bool {
        !matches!(self, Self::MalformedKey | Self::Missing | Self::UnresolvedRef | Self::NotAsked)
    }

    /// Tells whether the provider gave no answer about the value, for a reason that may pass by itself.
    pub fn is_passing(self) -> bool {
        matches!(
            self,
            Self::RateLimited
                | Self::Dns
                | Self::Connect
                | Self::Tls
                | Self::Timeout
                | Self::ProviderDown
                | Self::UnexpectedAnswer
        )
    }

    /// Tells whether the provider has recognised the value as genuine (perhaps without credit or too fast).
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::Ok)
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
    /// Where the provider says whether it is down.
    #[serde(default)]
    pub status_page: Option<String>,
    /// Seconds that the provider asks to wait before the next request.
    #[serde(default)]
    pub retry_after: Option<u64>,
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
            status_page: None,
            retry_after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_that_was_remembered_before_it_had_every_field_is_read() {
        let text = r#"{"kind":"rate_limited","at":"2026-11-01T00:00:00Z","retryable":true,"http_status":429,
                       "request_id":"req_1","latency_ms":12,"advice":"later"}"#;
        let verdict: Verdict = serde_json::from_str(text).expect("a verdict");
        assert_eq!(
            (verdict.kind, verdict.retry_after, verdict.status_page),
            (VerdictKind::RateLimited, None, None)
        );
    }
}
