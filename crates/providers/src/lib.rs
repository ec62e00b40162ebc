//! What AI providers say about a credential.
//!
//! A [`Prober`] takes questions (does this value work at this endpoint?) and returns a [`keyshoal_core::Verdict`] for each. It is a
//! synchronous value with a runtime of its own inside. What it promises:
//!
//! - A credential is sent once per endpoint, and only where the agent itself would send it; redirects are never followed.
//! - A verdict that says "dead" (invalid, revoked, expired) comes from the provider's own words, never from a status alone.
//! - A request is sent as the agent's config wants it, or not at all: its headers, its proxy, its place for the credential.
//! - Requests are bounded: at once, per provider, over all; and they end where nobody answers. What was not asked is said to be.
//! - At endpoints that are not known to refuse strangers, a negative control asks first with a key that cannot be right.
//! - No secret and no foreign text that contains one gets into a verdict, an error or a `Debug` output.
//!
//! [`registry`] is the data about known providers; the classification rules are data as well, and `data/answers.json` holds real
//! answers with their public sources, by which the rules are tested.

mod advice;
mod answer;
mod bare;
mod client;
mod control;
mod dns;
mod endpoint;
mod limits;
mod login;
mod probe;
mod prober;
pub mod registry;
mod round;
mod rules;
mod shape;
mod transport;

pub use answer::Answer;
pub use client::{ProberError, ProberOptions, ProxyVariables};
pub use endpoint::Wire;
pub use limits::{Limits, Requests};
pub use prober::{Prober, Question, host_of};
pub use rules::classify;
