//! What AI providers say about a credential.
//!
//! A [`Prober`] takes questions (does this value work at this endpoint?) and returns a [`keyshoal_core::Verdict`] for each. It is a
//! synchronous value with a runtime of its own inside. What it promises:
//!
//! - A credential is sent once per endpoint, and only where the agent itself would send it; redirects are never followed.
//! - A verdict that says "dead" (invalid, revoked, expired) comes from the provider's own words, never from a status alone.
//! - At endpoints that are not known to refuse strangers, a negative control asks first with a key that cannot be right.
//! - No secret and no foreign text that contains one gets into a verdict, an error or a `Debug` output.
//!
//! [`registry`] is the data about known providers; the classification rules are data as well, and `data/answers.json` holds real
//! answers with their public sources, by which the rules are tested.

mod advice;
mod answer;
mod client;
mod control;
mod endpoint;
mod probe;
mod prober;
pub mod registry;
mod rules;
mod shape;

pub use answer::Answer;
pub use client::{ProberError, ProberOptions};
pub use endpoint::Wire;
pub use prober::{Prober, Question, host_of};
pub use rules::classify;
