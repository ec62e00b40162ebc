//! The one error that reaches a person, rendered once.

use crate::ui::{Text, Tone};
use serde::Serialize;
use std::fmt;

/// Says whose fault a failure is, which decides its exit code and its wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The person asked for something that cannot be (an unknown agent, a key of the wrong shape).
    User,
    /// A configuration file is wrong.
    Config,
    /// The world failed: files, databases, processes, network.
    Io,
    /// The command line is wrong (exit code 64).
    Usage,
    /// Keyshoal is wrong.
    Internal,
}

/// A failure of a command, with the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandError {
    /// Whose fault.
    pub kind: ErrorKind,
    /// What and where. Never secret material.
    pub message: String,
    /// What to do, one line each.
    pub hints: Vec<String>,
    /// The signal by which a person, or the system, ended the command, if so.
    pub signal: Option<i32>,
    /// Nothing was changed, because somebody else has changed the vault meanwhile: done anew, it may go well.
    pub again: bool,
}

impl CommandError {
    /// Makes an error of a kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), signal: None, again: false }
    }

    /// Makes an error about what the person asked for.
    pub fn user(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::User, message)
    }

    /// Makes an error about a configuration file.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// Makes an error about the command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Makes an error about the world.
    pub fn io(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Io, message)
    }

    /// Makes an error about Keyshoal itself.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Makes the last words of a command that a signal has ended.
    pub fn stopped(signal: i32, message: impl Into<String>) -> Self {
        Self { signal: Some(signal), ..Self::user(message) }
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says that the command must not be done anew: something of it is done.
    #[must_use]
    pub fn for_good(self) -> Self {
        Self { again: false, ..self }
    }

    /// Returns the lines that a person reads.
    pub fn lines(&self) -> Vec<Text> {
        let label = match self.kind {
            ErrorKind::Internal => "✗ internal error: ",
            ErrorKind::Config => "✗ configuration error: ",
            _ => "✗ error: ",
        };
        let mut lines = vec![Text::new().and(Tone::Bad, label).plain(&self.message)];
        lines.extend(self.hints.iter().map(|hint| Text::new().and(Tone::Strong, "  → ").plain(hint)));
        if self.kind == ErrorKind::Internal {
            lines
                .push(Text::of("  → this is a fault of keyshoal: please report it with the command you ran"));
        }
        lines
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CommandError {}

impl From<keyshoal_engine::ports::PortError> for CommandError {
    fn from(error: keyshoal_engine::ports::PortError) -> Self {
        let mut made = Self::io(error.message);
        made.hints.extend(error.hint);
        if error.retryable {
            made.hints.push("trying again may help".to_owned());
        }
        made
    }
}
