//! The engine's ports on a local OpenClaw installation: stores, gateway, providers and ledger put together.
//!
//! [`Installation`] is the one type that callers need. It keeps the book from fingerprints to secrets; nothing that leaves it holds one.

pub mod book;
pub mod clock;
pub mod harden;
pub mod owner;
