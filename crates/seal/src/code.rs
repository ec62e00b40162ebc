//! One-time codes: what a person reads on one machine and types on another.

use crate::keys::derive;
use crate::stream::StreamKey;
use keyshoal_core::Secret;
use sha2::{Digest, Sha256};
use std::fmt;

/// Crockford's: no I, L, O, U, which are read as something else.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Random characters of 5 bits each: 155 bits, so that no slow derivation is needed.
const RANDOM: usize = 31;
const GROUP: usize = 4;

/// A random code of 8 groups of 4 characters, of which the last one is a check on the others.
#[derive(Clone)]
pub struct OneTimeCode(Secret);

/// Says why a text is no code. It never repeats the text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CodeError {
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for a code: {0}")]
    Random(String),
    /// Too long or too short.
    #[error("a code has 32 characters in 8 groups, and this has {found}; type it as it was shown")]
    Length {
        /// How many there are, blanks and hyphens apart.
        found: usize,
    },
    /// A character that no code has.
    #[error("group {group} of the code has a character that no code has; type it as it was shown")]
    Character {
        /// Which group, counted from 1.
        group: usize,
    },
    /// A slip of the fingers.
    #[error(
        "the code is mistyped somewhere: its last character does not fit the others; type it as it was shown"
    )]
    Check,
}

impl OneTimeCode {
    /// Makes a fresh one.
    pub fn random() -> Result<Self, CodeError> {
        let mut bytes = zeroize::Zeroizing::new([0_u8; RANDOM]);
        getrandom::fill(&mut *bytes).map_err(|error| CodeError::Random(error.to_string()))?;
        // 256 is a multiple of 32: every character is equally likely.
        let mut text: String =
            bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
        text.push(check(&text));
        Ok(Self(Secret::new(text)))
    }

    /// Reads what a person typed: capitals or not, with blanks and hyphens anywhere, O for 0, I and L for 1.
    pub fn parse(typed: &Secret) -> Result<Self, CodeError> {
        let mut text = zeroize::Zeroizing::new(String::with_capacity(RANDOM + 1));
        let mut found = 0;
        for one in typed.reveal_secret().chars().filter(|one| !one.is_whitespace() && *one != '-') {
            found += 1;
            let one = match one.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            if !one.is_ascii() || !ALPHABET.contains(&(one as u8)) {
                return Err(CodeError::Character { group: (found - 1) / GROUP + 1 });
            }
            if found <= RANDOM + 1 {
                text.push(one);
            }
        }
        if found != RANDOM + 1 {
            return Err(CodeError::Length { found });
        }
        if !text.ends_with(check(&text[..RANDOM])) {
            return Err(CodeError::Check);
        }
        Ok(Self(Secret::new(text.as_str())))
    }

    /// Returns it as people see it: 8 groups with hyphens between them.
    pub fn shown(&self) -> Secret {
        let text = self.0.reveal_secret();
        let groups: Vec<&str> = (0..text.len()).step_by(GROUP).map(|at| &text[at..at + GROUP]).collect();
        Secret::new(groups.join("-"))
    }

    /// Returns a mark by which a wrong code is told from a damaged payload. It reveals nothing of the code that could be tried faster
    /// than the payload itself.
    pub fn mark(&self, salt: &[u8; 32]) -> [u8; 8] {
        let derived =
            derive(self.0.reveal_secret().as_bytes(), b"keyshoal one-time code mark v1", Some(salt));
        std::array::from_fn(|at| derived[at])
    }

    /// Returns the key of the stream that begins with `bound`: salt and everything else that stands before it.
    pub fn stream_key(&self, salt: &[u8; 32], bound: &[u8]) -> StreamKey {
        let purpose = [b"keyshoal one-time code stream v1 ", bound].concat();
        StreamKey::new(derive(self.0.reveal_secret().as_bytes(), &purpose, Some(salt)))
    }
}

fn check(text: &str) -> char {
    char::from(ALPHABET[usize::from(Sha256::digest(text.as_bytes())[0] & 31)])
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(…)")
    }
}
