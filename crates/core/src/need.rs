//! What an agent needs a provider for.

use std::fmt;

/// One model that an agent needs a provider for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The model.
    pub model: String,
    /// For which special work, if it is not what the agent answers with.
    pub purpose: Option<String>,
}

impl From<&str> for Need {
    fn from(model: &str) -> Self {
        Self { model: model.to_owned(), purpose: None }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.purpose {
            Some(purpose) => write!(f, "{} ({purpose})", self.model),
            None => f.write_str(&self.model),
        }
    }
}
