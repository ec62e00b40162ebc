//! What a run of `keyshoal` said, and what holds of everything that is ever said.

use crate::stage::SECRET;
use serde_json::Value;
use std::process::Output;

/// What a run said, checked already for secrets, panics and control characters.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Returns its one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// Returns all that it said, on one line with single blanks: where lines are broken does not matter.
    pub fn said(&self) -> String {
        format!("{} {}", self.out, self.err).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Holds that it says this anywhere.
    #[track_caller]
    pub fn says(&self, word: &str) -> &Self {
        assert!(
            self.said().to_lowercase().contains(&word.to_lowercase()),
            "it does not say `{word}`: {self:?}"
        );
        self
    }

    /// Holds its exit code.
    #[track_caller]
    pub fn ends_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

/// The findings about an agent.
pub fn of(findings: &Value, agent: &str) -> Vec<Value> {
    findings.as_array().unwrap().iter().filter(|one| one["agent"] == agent).cloned().collect()
}

/// Asserts what holds of everything that is ever said.
pub fn checked(output: Output) -> Run {
    let run = Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    let said = format!("{}{}", run.out, run.err);
    assert!(!said.contains(SECRET), "a secret was said: {run:?}");
    assert!(!said.contains("panicked") && !said.contains("internal error"), "{run:?}");
    assert!(run.code.is_some_and(|code| code < 3), "{run:?}");
    let control = said.chars().find(|one| one.is_control() && *one != '\n');
    assert_eq!(control, None, "a control character reached the terminal: {run:?}");
    run
}
