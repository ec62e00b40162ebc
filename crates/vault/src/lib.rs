//! The credentials, agents and instances that Keyshoal keeps itself, in one sealed file.
//!
//! A [`Vault`] is opened with a key ring; each of its methods is one whole transaction. What is secret is sealed, each version of a
//! credential by a data key of its own, bound to its place; everything else is covered by a tag, so that nobody without the key
//! changes it unseen. An instance is changed by a list of [`Change`]s made for one revision of it: all of them, or none.

mod apply;
mod at_work;
mod backup;
mod cells;
mod change;
mod error;
mod events;
mod expiry;
mod header;
mod keys;
mod load;
mod owned;
mod place;
mod preview;
mod queries;
mod record;
mod rekey;
mod repair;
mod restore;
mod rotations;
mod schema;
mod session;
mod source;
mod sqlite;
mod status;
mod tally;
mod values;
mod vault;
mod verify;
mod write;

pub use at_work::AtWork;
pub use backup::{BackupHeader, BackupStep};
pub use change::{Author, Change, NewCredential, NewInstance};
pub use error::{Cause, VaultError};
pub use events::Event;
pub use expiry::{Expired, KEPT_DAYS};
pub use keys::Fetch;
pub use load::{CHANNELS, ENTRIES};
pub use preview::{Preview, preview};
pub use rekey::{RekeyStep, Rekeyed};
pub use repair::{Mend, Origin, Shown, Sources};
pub use rotations::{NewRotation, Rotation, RotationStep};
pub use source::{KeyRecord, KeySource, KeyState, NewKey};
pub use status::{OpenRekey, VaultStatus};
pub use values::Value;
pub use vault::{ORGANISATION, Vault};
pub use verify::{Problem, Verified};
