//! The exit codes, decided in one place.

use crate::error::{CommandError, ErrorKind};

/// Says how a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// All is well, or there was nothing to do (exit code 0).
    Fine,
    /// Something needs a person's attention (exit code 2).
    Attention,
}

impl Outcome {
    /// Returns `Attention` when something needs it.
    pub fn attention_if(needed: bool) -> Self {
        if needed { Self::Attention } else { Self::Fine }
    }

    /// Returns the process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Attention => 2,
        }
    }
}

/// The exit code of wrong usage, as in sysexits.h.
pub const USAGE: u8 = 64;

/// Returns the exit code of a command that a signal has ended, as shells count it: 130 for Ctrl-C.
pub fn by_signal(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(1)
}

/// Returns the exit code of a finished command.
pub fn of(result: &Result<Outcome, CommandError>) -> u8 {
    match result {
        Ok(outcome) => outcome.code(),
        Err(CommandError { signal: Some(signal), .. }) => by_signal(*signal),
        Err(error) if error.kind == ErrorKind::Usage => USAGE,
        Err(_) => 1,
    }
}
