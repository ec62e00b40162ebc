//! Why a payload is not read, or not written.

use keyshoal_openclaw::PathError;
use std::io;

/// Says why a payload was refused. Nothing of it was kept. No text of it that may be secret is repeated.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It does not begin like one.
    #[error(
        "this is no payload of `keyshoal export`: it begins neither with its mark nor with {}",
        crate::armour::BEGIN
    )]
    NotAPayload,
    /// A later form.
    #[error(
        "the payload has form {found}, and this keyshoal reads form {}: use the release that wrote it, or a newer one",
        crate::wire::VERSION
    )]
    OtherForm {
        /// What it says.
        found: u8,
    },
    /// It needs another key than was given.
    #[error("the payload is {sealed}, and {given} was given")]
    OtherKey {
        /// How it is sealed.
        sealed: String,
        /// What was given.
        given: &'static str,
    },
    /// A wrong code.
    #[error("the code is not this payload's: it is a code, and of another payload")]
    WrongCode,
    /// For somebody else.
    #[error(
        "the payload was sealed for recipient {wanted}, and the key at hand is {have}: take it to the machine that it is for"
    )]
    OtherRecipient {
        /// The id in the payload.
        wanted: String,
        /// Ours.
        have: String,
    },
    /// Something in it is not as it should be.
    #[error("{place}: {problem}")]
    Refused {
        /// Where: a section and its byte, a field, an agent, a profile, a file.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The payload could not be read.
    #[error("the payload cannot be read: {0}")]
    Io(io::Error),
    /// A file of it could not be put down.
    #[error(transparent)]
    Path(#[from] PathError),
}

impl ReadError {
    pub(crate) fn refused(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Refused { place: place.into(), problem: problem.into() }
    }

    /// Tells what the input refused from what the system did.
    pub(crate) fn input(place: &str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Self::refused(place, "the payload ends here, in the middle: it was cut off")
            }
            io::ErrorKind::InvalidData => Self::refused(place, error.to_string()),
            _ => Self::Io(error),
        }
    }
}

/// Says why a payload could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Where it should go refused.
    #[error("the payload could not be written: {0}")]
    Out(io::Error),
    /// A file that should go along.
    #[error(transparent)]
    Path(#[from] PathError),
    /// It became shorter while it was read.
    #[error("{path}: became shorter while it was read; stop what writes it, or export again")]
    Shrunk {
        /// Which.
        path: String,
    },
    /// No randomness, or a key that is none.
    #[error("the payload cannot be sealed: {0}")]
    Seal(String),
    /// It would not be read again.
    #[error("the payload would not be read again: {0}")]
    Unreadable(ReadError),
}
