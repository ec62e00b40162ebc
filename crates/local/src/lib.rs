//! The engine's ports on a local OpenClaw installation: stores, gateway, providers and ledger put together.
//!
//! [`Installation`] is the one type that callers need. It keeps the book from fingerprints to secrets; nothing that leaves it holds one.

pub mod ask;
pub mod book;
pub mod change;
pub mod clock;
mod configure;
mod deliver;
pub mod examine;
pub mod harden;
pub mod installation;
pub mod moved;
pub mod observe;
pub mod open;
pub mod owner;
mod prompt;
pub mod quarantine;
mod referred;
pub mod remember;
pub mod restore;
pub mod scrub;
mod standing;
pub mod vaulted;
pub mod watch;

pub use configure::ConfigWish;
pub use installation::{AskRelease, Guards, Installation, OpenOptions};
pub use keyshoal_ledger::{Adopt, Identity, RunDetail, RunSummary};
pub use open::OpenError;
