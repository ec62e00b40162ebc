//! What the ledger promises, seen from outside.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these tests look at files from outside, and copy and damage them"
)]

mod copies;
mod crash;
mod damage;
mod files;
mod journal;
mod journal_model;
mod lock;
mod looks;
mod memory;
mod quarantine;
mod rules;
mod schema;
mod secrets;
mod world;
