//! Credential stores: what they hold, and how to read and change them beside a running gateway.
//!
//! A [`StoreFile`] is one store at its place. [`StoreFile::read`] never writes anything; [`StoreFile::update`] reads the store
//! afresh under the program's own lock or in one transaction, lets the caller decide, and changes only the bytes of the values
//! that the edits name.

mod archive;
pub(crate) mod contents;
mod edits;
pub mod error;
mod json_store;
pub(crate) mod json_text;
pub(crate) mod lock_file;
mod maintenance;
pub mod model;
pub(crate) mod place;
mod rules;
pub(crate) mod sqlite_store;

pub(crate) use archive::archive_of;
pub use archive::{Archive, archives};
pub use edits::with_secret;
pub use error::{Refusal, StoreError};
pub use json_store::Unsettled;
pub use model::{Edit, StoreContents, StoredProfile, StoredSecret};
pub use place::{Place, StoreFile};
pub use rules::{ReadStore, Safety, WriteRules, Written};
pub use sqlite_store::rewrite_database;
