//! Who answers questions.

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
        let line = self.line()?;
        Ok(match line.trim().to_lowercase().as_str() {
            "" if preset && line.ends_with('\n') => Answer::Yes,
            "y" | "yes" => Answer::Yes,
            _ => Answer::No,
        })
    }

    /// Waits for a line, its end included; the end of the input is an empty one.
    pub fn line(&mut self) -> Result<String, CommandError> {
        let mut line = String::new();
        let read = match self {
            Self::Nobody => Ok(0),
            Self::Terminal => io::stdin().lock().read_line(&mut line),
            Self::Script(lines) => lines.read_line(&mut line),
        };
        read.map_err(|error| CommandError::io(format!("the answer could not be read: {error}")))?;
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_is_an_answer() {
        let answer =
            |text: &'static str, preset| Asker::Script(Box::new(text.as_bytes())).answer(preset).unwrap();
        assert_eq!(answer("\n", true), Answer::Yes);
        assert_eq!(answer("\n", false), Answer::No);
        assert_eq!(answer("", true), Answer::No, "the end of the input agrees to nothing");
        assert_eq!(answer("YES\n", false), Answer::Yes);
        assert_eq!(answer("what?\n", true), Answer::No);
    }
}
