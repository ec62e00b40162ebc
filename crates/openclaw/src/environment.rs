//! The environment, handed in by the caller: this crate never reads the process's own.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Environment variables and the home directory, as the caller wants them seen.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The variables.
    pub vars: BTreeMap<String, String>,
    /// The home directory of the user whose installation it is.
    pub home: Option<PathBuf>,
}

impl Environment {
    /// Returns a variable that is set and not blank, trimmed.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}
