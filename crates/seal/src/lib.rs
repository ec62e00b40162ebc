//! Envelope encryption, key sources and keyed fingerprints.
//!
//! This is the only room of Keyshoal that names a cipher. Values are sealed by [`SealKey`] into an [`Envelope`]; people and
//! plans see secrets by the fingerprints of a [`FingerprintKey`]. Both are derived from a [`KeyFile`], of which there are two
//! (one for each purpose), in the user's configuration directory or in a systemd credential: see [`keys`]. What a vault holds is
//! sealed in two layers: a [`DataKey`] for each record, wrapped by a [`KeyEncryptionKey`].
//!
//! No type of this crate prints, serialises or compares key material in any observable way, and no error names it.

pub mod aad;
mod aead;
pub mod data_key;
pub mod envelope;
pub mod fingerprint_key;
pub mod integrity_key;
pub mod keys;
pub mod seal_key;

pub use aad::Aad;
pub use data_key::{DataKey, KeyEncryptionKey, Keyring, Sealed, WrappedKey};
pub use envelope::{Envelope, EnvelopeError};
pub use fingerprint_key::{FingerprintKey, hmac as hmac_sha256};
pub use integrity_key::{IntegrityKey, Parts, same_tag};
pub use keys::{KeyError, KeyFile, KeyId};
pub use seal_key::{SealError, SealKey};
