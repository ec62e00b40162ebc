//! `keyshoal.error.v1`: why there is no other document.

use crate::error::{CommandError, ErrorKind};
use serde::Serialize;

/// An error as a document.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorDocument {
    schema: &'static str,
    kind: ErrorKind,
    message: String,
    hints: Vec<String>,
}

impl ErrorDocument {
    /// Makes it.
    pub fn of(error: &CommandError) -> Self {
        Self {
            schema: "keyshoal.error.v1",
            kind: error.kind,
            message: error.message.clone(),
            hints: error.hints.clone(),
        }
    }
}
