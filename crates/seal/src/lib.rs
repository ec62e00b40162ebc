//! Envelope encryption, key sources and keyed fingerprints.
//!
//! This is the only room of Keyshoal that names a cipher. Values are sealed by [`SealKey`] into an [`Envelope`]; people and
//! plans see secrets by the fingerprints of a [`FingerprintKey`]. Both are derived from a [`KeyFile`], of which there are two
//! (one for each purpose), in the user's configuration directory or in a systemd credential: see [`keys`]. What a vault holds is
//! sealed in two layers: a [`DataKey`] for each record, wrapped by a [`KeyEncryptionKey`].
//!
//! What leaves the machine is sealed as a stream of chunks ([`stream`]), with a [`OneTimeCode`] that a person types or to a [`Recipient`].
//!
//! No type of this crate prints, serialises or compares key material in any observable way, and no error names it.

pub mod aad;
mod aead;
pub mod code;
pub mod data_key;
pub mod envelope;
pub mod fingerprint_key;
pub mod integrity_key;
pub mod keys;
pub mod recipient;
pub mod seal_key;
pub mod stream;

pub use aad::Aad;
pub use code::{CodeError, OneTimeCode};
pub use data_key::{DataKey, KeyEncryptionKey, Keyring, Sealed, WrappedKey};
pub use envelope::{Envelope, EnvelopeError};
pub use fingerprint_key::{FingerprintKey, hmac as hmac_sha256};
pub use integrity_key::{IntegrityKey, Parts, same_tag};
pub use keys::{KeyError, KeyFile, KeyId};
pub use recipient::{Recipient, RecipientError, RecipientKey};
pub use seal_key::{SealError, SealKey};
pub use stream::{Opener, Sealer, StreamError, StreamKey};

/// Returns fresh random bytes, for salts.
pub fn random<const LEN: usize>() -> Result<[u8; LEN], KeyError> {
    let mut bytes = [0; LEN];
    getrandom::fill(&mut bytes).map_err(|error| KeyError::Random(error.to_string()))?;
    Ok(bytes)
}
