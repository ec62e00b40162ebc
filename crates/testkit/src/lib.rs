//! The real OpenClaw, for tests: five releases of it, each with a state directory of its own, a gateway that answers, and a recorded
//! provider. Nothing here is part of the shipped program.
//!
//! Everything binds and connects to the loopback interface only, lives below one temporary folder, and ends when it is dropped.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read and write files, clocks and the environment as they like"
)]

pub mod cache;
pub mod http;
pub mod instance;
pub mod real;
pub mod real_store;
pub mod stores;
pub mod telegram;
pub mod template;

pub use instance::{Instance, Reply};
pub use real::{RealOpenClaw, Release, releases};
pub use rusqlite;
