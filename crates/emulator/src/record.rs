//! The log: one row per request.
#![expect(
    clippy::disallowed_methods,
    reason = "the emulator stamps its rows with the real time; it is no part of the core"
)]

use crate::Dialect;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// One request, as it was seen and answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// When it was read.
    pub at: Timestamp,
    /// Which provider was played.
    pub provider: Dialect,
    /// The path without the query.
    pub path: String,
    /// The HTTP method.
    pub method: String,
    /// The key as it was sent: `x-api-key`, `Authorization`, `x-goog-api-key` or `?key=`.
    pub key: Option<String>,
    /// The model that the body or path names.
    pub model: Option<String>,
    /// The agent in the prompt's last `[[agent:tag]]`.
    pub agent_tag: Option<String>,
    /// The tag in the prompt's last `[[agent:tag]]`.
    pub tag: Option<String>,
    /// Whether the answer was to be streamed.
    pub stream: bool,
    /// The status that was answered; 0 for a request that was left hanging.
    pub status: u16,
    /// The id that the answer carried.
    pub request_id: String,
    /// The client's own name.
    pub user_agent: Option<String>,
}

/// Keeps rows in memory and, where asked, in a file of JSON lines.
#[derive(Debug, Default)]
pub(crate) struct Log {
    rows: Vec<Recorded>,
    file: Option<File>,
}

impl Log {
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(|path| OpenOptions::new().create(true).append(true).open(path)).transpose()?;
        Ok(Self { rows: Vec::new(), file })
    }

    /// Takes a row. A file that cannot be written ends the file log: the rows in memory are what tests read.
    pub(crate) fn push(&mut self, row: Recorded) {
        if let Some(file) = &mut self.file
            && let Ok(mut line) = serde_json::to_vec(&row)
        {
            line.push(b'\n');
            if file.write_all(&line).is_err() {
                self.file = None;
            }
        }
        self.rows.push(row);
    }

    pub(crate) fn rows(&self) -> Vec<Recorded> {
        self.rows.clone()
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
