//! The one cipher: XChaCha20-Poly1305 with a random nonce for each value.

use crate::SealError;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// The length of a nonce.
pub(crate) const NONCE: usize = 24;
/// The length of a tag.
pub(crate) const TAG: usize = 16;

/// Makes a random nonce.
pub(crate) fn nonce() -> Result<[u8; NONCE], SealError> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(|error| SealError::Random(error.to_string()))?;
    Ok(nonce)
}

/// Encrypts `value` and authenticates it together with `aad`.
pub(crate) fn encrypt(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    value: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, SealError> {
    let nonce: &XNonce = nonce.into();
    cipher(key).encrypt(nonce, Payload { msg: value, aad }).map_err(|_| SealError::TooLong)
}

/// Opens what [`encrypt`] made. The bytes are wiped when dropped.
pub(crate) fn decrypt(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    sealed: &[u8],
    aad: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let nonce: &XNonce = nonce.into();
    cipher(key)
        .decrypt(nonce, Payload { msg: sealed, aad })
        .map(Zeroizing::new)
        .map_err(|_| SealError::DoesNotOpen)
}

fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn matches_the_published_vector() {
        let key: [u8; 32] = std::array::from_fn(|at| 0x80 + at as u8);
        let nonce: [u8; 24] = std::array::from_fn(|at| 0x40 + at as u8);
        let aad = hex("50515253c0c1c2c3c4c5c6c7");
        let text =
            b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                     sunscreen would be it.";
        let sealed = hex(concat!(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb",
            "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452",
            "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9",
            "21f9664c97637da9768812f615c68b13b52e",
            "c0875924c1c7987947deafd8780acf49",
        ));
        assert_eq!(encrypt(&key, &nonce, text, &aad).unwrap(), sealed);
        assert_eq!(*decrypt(&key, &nonce, &sealed, &aad).unwrap(), text);
    }
}
