//! What the emulator does with a key.

use serde::{Deserialize, Serialize};

/// Says how a key is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// It works.
    Ok,
    /// The provider does not know it.
    Invalid,
    /// The provider has revoked it or closed its account.
    Revoked,
    /// Its time is over.
    Expired,
    /// The account has no credit. At OpenAI and Anthropic only inference says so; a model list still answers, as the real ones do.
    Billing,
    /// Too many requests.
    RateLimited {
        /// Seconds for the `retry-after` header.
        retry_after: u32,
    },
    /// Too many requests, without a word of how long to wait.
    Throttled,
    /// It lacks a permission.
    Scope,
    /// The asked-for model does not exist for it; lists still answer.
    ModelMissing,
    /// The provider is broken (5xx).
    ServerError,
    /// The provider takes the request and never answers.
    Hang,
    /// Something else answers with a page (a captive portal).
    Garbage,
    /// The answer is a redirect to another host name.
    Redirect,
    /// The answer's head comes at once, its body drop by drop and never whole.
    Drip,
    /// The connection breaks off within the answer.
    CutOff,
    /// A good answer that says it is a page.
    WrongType,
    /// A list that goes on and on.
    Flood {
        /// How long it is.
        megabytes: u32,
    },
}
