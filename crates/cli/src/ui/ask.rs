//! Yes-or-no questions.

use crate::error::CommandError;
use std::io::{self, BufRead};

/// What a person answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Agreed.
    Yes,
    /// Declined.
    No,
}

/// Who answers.
pub enum Asker {
    /// Nobody is there: questions are shown, never waited for.
    Nobody,
    /// A person at a terminal.
    Terminal,
    /// Prepared lines, for tests and the demo.
    Script(Box<dyn BufRead + Send + Sync>),
}

impl Asker {
    /// Tells whether somebody is there.
    pub fn is_present(&self) -> bool {
        !matches!(self, Self::Nobody)
    }

    /// Waits for the answer; an empty line is the preset one, the end of the input is a refusal.
    pub fn answer(&mut self, preset: bool) -> Result<Answer, CommandError> {
        let mut line = String::new();
        let read = match self {
            Self::Nobody => Ok(0),
            Self::Terminal => io::stdin().lock().read_line(&mut line),
            Self::Script(lines) => lines.read_line(&mut line),
        };
        let read =
            read.map_err(|error| CommandError::io(format!("the answer could not be read: {error}")))?;
        Ok(match line.trim().to_lowercase().as_str() {
            _ if read == 0 => Answer::No,
            "" if preset => Answer::Yes,
            "y" | "yes" => Answer::Yes,
            _ => Answer::No,
        })
    }
}
