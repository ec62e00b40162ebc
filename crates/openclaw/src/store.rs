//! Credential stores: what they hold, and how to read and change them beside a running gateway.

pub mod model;

pub use model::{Edit, StoreContents, StoredProfile, StoredSecret};
