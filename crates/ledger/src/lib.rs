//! What Keyshoal remembers of one OpenClaw instance.
//!
//! The memory lies in `<state directory>/.keyshoal/`: a SQLite database with every value (by fingerprint) that the source and
//! the agents were seen to have, the marks that people set, what providers said, and the journal of every run; and a lock file
//! that lets one run write at a time. Secrets are in it only as journal images, sealed with a key that lies elsewhere.
//!
//! Every method of [`Ledger`] is one whole transaction, and may be called from any thread.

mod database;
mod directory;
mod expiry;
mod recall;
mod schema;
mod stored;
mod vault_mark;

pub mod error;
pub mod identity;
pub mod journal;
pub mod keys;
pub mod learn;
pub mod ledger;
pub mod lock;
mod looks;
pub mod quarantine;

pub use error::LedgerError;
pub use expiry::Expired;
pub use identity::{Adopt, Identity};
pub use journal::{
    ConfigDetail, FileDetail, ImageState, Images, JournalConfig, JournalFile, JournalStep, OpenRunDetail,
    RunDetail, RunSummary, StepDetail,
};
pub use keys::Keys;
pub use ledger::{Ledger, OpenMode};
pub use lock::{Holder, LastHolder, LockError, RunLock};
pub use looks::PastLook;
