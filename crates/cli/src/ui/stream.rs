//! An output that forgives a reader that went away.

use super::Text;
use crate::error::CommandError;
use anstream::{AutoStream, ColorChoice};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One of the two outputs. A broken pipe closes it quietly: a reader that went away never stops a run half-way. Clones share it.
#[derive(Clone)]
pub struct Stream(Arc<Mutex<Inner>>);

struct Inner {
    inner: AutoStream<Box<dyn Write + Send + Sync>>,
    closed: bool,
    failed: Option<io::Error>,
}

/// Collects an output, for tests and for the demo.
#[derive(Clone, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// Returns what was written.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    /// Wraps a writer; without colour, every escape sequence is taken out.
    pub fn new(writer: Box<dyn Write + Send + Sync>, colour: bool) -> Self {
        let choice = if colour { ColorChoice::AlwaysAnsi } else { ColorChoice::Never };
        let inner = AutoStream::new(writer, choice);
        Self(Arc::new(Mutex::new(Inner { inner, closed: false, failed: None })))
    }

    /// Writes a line.
    pub fn line(&mut self, line: &Text) {
        let text = line.to_ansi();
        self.raw(&format!("{}\n", text.trim_end_matches(' ')));
    }

    /// Writes a part of a line and shows it at once.
    pub fn part(&mut self, part: &Text) {
        self.raw(&part.to_ansi());
        self.flush();
    }

    /// Shows what was written.
    pub fn flush(&mut self) {
        self.held().with(AutoStream::flush);
    }

    /// Writes text as it stands.
    pub fn raw(&mut self, text: &str) {
        self.held().with(|inner| inner.write_all(text.as_bytes()));
    }

    /// Flushes, and tells what went wrong.
    pub fn finish(&mut self) -> Result<(), CommandError> {
        self.flush();
        match self.held().failed.take() {
            Some(error) => Err(CommandError::io(format!("the output could not be written: {error}"))
                .hint("what the command did is done; look with `keyshoal status`")),
            None => Ok(()),
        }
    }

    fn held(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn with(&mut self, write: impl FnOnce(&mut AutoStream<Box<dyn Write + Send + Sync>>) -> io::Result<()>) {
        if self.closed {
            return;
        }
        if let Err(error) = write(&mut self.inner) {
            self.closed = true;
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.failed = Some(error);
            }
        }
    }
}
