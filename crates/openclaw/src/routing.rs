//! Which agent answers a message: the program's `resolveAgentRoute`, as a pure function of the config.
//!
//! Only bindings of the message's channel and account count: a binding without an account is for `default` alone, one with `*` for
//! every account. All that a binding names must hold; any one of its roles is enough. Of those that hold, the highest [`Tier`] wins, and
//! within it the first in the config. Without any, the default agent answers.
//!
//! What is different between the releases (read in the code of 2026.3.28, 2026.5.28, 2026.6.11, 2026.8.2 and 2026.9.6, and held against
//! each of them by a test, after what 2026.8.2 and 2026.9.6 do to a roster when they load it):
//!
//! | | 2026.3.28 | 5.28, 6.11 | 8.2 | 9.6 |
//! |---|---|---|---|---|
//! | a binding to the conversation `*` | is for one called `*` | is for every one of its kind, below a thread's parent | same | same |
//! | a binding to an agent that is not in the roster | the default agent answers | same | nobody answers, but `main` is always there | same |
//! | the same where no agent is written at all | that agent answers | same | nobody answers, but under explicit ownership that agent | same |
//! | nothing holds, and no agent of several is marked as the default | the first of the list answers | same | nobody answers | same |
//! | nothing holds, and several are marked | the first of them answers | same | nobody answers | same |
//! | nothing holds, under explicit ownership | no such thing | same | the only agent, if there is one | `agents.defaults.systemAgent` first |
//!
//! Between 2026.5.28 and 2026.6.11 nothing differs. That 2026.9.6 leaves unusable bindings out before it looks, and files groups and channels
//! under one word, changes no answer. Session keys differ more (`groupScope`, `mainKey`), but say nothing about who answers.
//!
//! When these two load a roster of several agents of which one is marked, they add a binding to it for every configured channel that has none for
//! all accounts. Who answers is the same; the program's own word for it is `binding.channel` then, and `default` here, as the config is written.
//!
//! Not looked at: what a channel decides before it asks (an agent of a Telegram topic, `broadcast`, conversations that ACP leads).

mod derive;
mod findings;
mod query;
mod reorder;
mod resolve;
mod rules;
mod target;

pub use derive::{Derived, Origin, derive};
pub use findings::{Finding, FindingKind, Severity, examine};
pub use query::{Query, QueryError};
pub use reorder::default_moved;
pub use resolve::{Answer, Mismatch, Passed, Refusal, Route, Tier, decide, default_agent, resolve};
pub use rules::Rules;

#[cfg(test)]
mod tests;
