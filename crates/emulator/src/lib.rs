//! A provider that speaks real error bodies and records who asked, for demos, tests, and people who try things.
//!
//! One [`Emulator`] plays several providers at once. The first path segment chooses one (`/openai/v1`, `/anthropic`,
//! `/gemini/v1beta`, `/openrouter/api/v1`, `/chatgpt/backend-api`, `/ollama`, `/public/v1` for a custom provider whose model list
//! needs no key); without one, the rest of the path does (`…/v1/messages` is Anthropic's, `…/v1/chat/completions` OpenAI's). Keys are told
//! apart by exact text: a key is accepted, or answered with a [`Behaviour`].
//!
//! It only ever listens on 127.0.0.1. The log holds the keys as they were sent, so that a test can say who used which:
//! never point an agent with a real key at it.

mod behaviour;
mod bodies;
mod control;
mod dialect;
mod faults;
mod marker;
mod oauth;
mod record;
mod respond;
mod serve;
mod state;
mod wire;

pub use behaviour::Behaviour;
pub use dialect::Dialect;
pub use record::Recorded;
pub use serve::{Emulator, serve_forever};
pub use state::Config;
