//! Moving an OpenClaw instance: the payload that an old machine exports and a new one imports, and what the import would make of it.
//!
//! [`gather()`] reads an installation without touching it. [`write()`] makes a payload of what was gathered, sealed with a one-time code, to a
//! recipient, or in the clear; [`open`] and [`Incoming::read`] read one that anybody may have made, within [`Limits`], and refuse with the
//! place what is not as it should be. [`preview()`] decides, without doing anything, what becomes of it: an [`ImportPlan`].

mod armour;
mod check;
pub mod entry;
pub mod error;
pub mod files;
pub mod gather;
mod limits;
pub mod manifest;
pub mod paths;
pub mod payload;
pub mod preview;
mod read;
mod referred;
mod sections;
pub mod vaulted;
mod wire;
mod write;

pub use error::{ReadError, WriteError};
pub use files::Draft;
pub use gather::{GatherError, GatherOptions, gather, gather_copy, gather_disabled, gather_open};
pub use limits::Limits;
pub use manifest::Manifest;
pub use payload::{FileEntry, Payload};
pub use preview::{Choice, Conflict, Facts, ImportPlan, MovedLogin, PlannedCredential, Question, preview};

pub use read::{Incoming, Key, SealedWith, Tail, open};
pub use write::{Form, Lock, write};
