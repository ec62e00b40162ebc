//! Talking to the person: stdout is data, stderr is talk.

mod ask;
mod grid;
mod hidden;
mod progress;
mod signals;
mod stream;
mod text;

pub use ask::{Answer, Asker};
pub use grid::{Grid, Row};
use hidden::read_hidden;
pub use progress::Progress;
use signals::Asking;
pub use signals::{leave_signals, restore as restore_terminal};
pub use stream::{Captured, Stream};
pub use text::{Text, Tone, steers, to_plain, visible, visible_lines};

use crate::{document, error::CommandError};
use serde::Serialize;

/// Everything that a command says or asks goes through here.
pub struct Ui {
    out: Stream,
    err: Stream,
    quiet: bool,
    json: bool,
    width: usize,
    progress: bool,
    asker: Asker,
    changed: bool,
    documented: bool,
}

/// How a [`Ui`] shall behave.
pub struct UiOptions {
    /// Where data goes.
    pub out: Stream,
    /// Where talk goes.
    pub err: Stream,
    /// Say only what is wrong.
    pub quiet: bool,
    /// One JSON document on stdout instead of text.
    pub json: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Show progress on stderr.
    pub progress: bool,
    /// Who answers questions.
    pub asker: Asker,
}

impl Ui {
    /// Makes it.
    pub fn new(options: UiOptions) -> Self {
        let UiOptions { out, err, quiet, json, width, progress, asker } = options;
        Self { out, err, quiet, json, width, progress, asker, changed: false, documented: false }
    }

    /// Remembers that something was changed: who stops at a later question is told so.
    pub fn has_changed(&mut self) {
        self.changed = true;
    }

    /// Tells whether stdout carries a JSON document.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Returns the columns that a line may have.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Tells whether somebody can be asked.
    pub fn can_ask(&self) -> bool {
        self.asker.is_present()
    }

    /// Prints lines of data, unless a document will be printed.
    pub fn data(&mut self, lines: &[Text]) {
        if !self.json {
            for line in lines {
                self.out.line(line);
            }
        }
    }

    /// Shows what was printed so far, for those who follow it.
    pub fn flush(&mut self) {
        self.out.flush();
    }

    /// Prints text that is data as it stands (a script, a manual page).
    pub fn raw(&mut self, text: &str) {
        self.out.raw(text);
    }

    /// Prints the command's JSON document.
    pub fn document(&mut self, document: &impl Serialize) -> Result<(), CommandError> {
        if self.json {
            let text = document::to_text(document)?;
            self.out.raw(&text);
            self.documented = true;
        }
        Ok(())
    }

    /// Says something that is not data.
    pub fn say(&mut self, line: &Text) {
        if !self.quiet {
            self.err.line(line);
        }
    }

    /// Shows what is told this once, `--quiet` or not.
    pub fn show(&mut self, line: &Text) {
        self.err.line(line);
    }

    /// Says what is wrong, `--quiet` or not.
    pub fn warn(&mut self, message: &str) {
        self.err.line(&Text::new().and(Tone::Doubt, "! warning: ").plain(message));
    }

    /// Asks a yes-or-no question; `None` when nobody is there.
    pub fn ask(&mut self, question: &[Text], preset: bool) -> Result<Option<Answer>, CommandError> {
        if !self.asker.is_present() {
            return Ok(None);
        }
        let _asking = self.listen()?;
        for (at, line) in question.iter().enumerate() {
            if at + 1 == question.len() {
                let hint = if preset { " [Y/n] " } else { " [y/N] " };
                self.err.part(&line.clone().and(Tone::Strong, hint));
            } else {
                self.err.line(line);
            }
        }
        self.asker.answer(preset).map(Some)
    }

    /// Asks for one of several answers, by number; `None` when nobody is there or none is chosen.
    pub fn choose(&mut self, question: &[Text], answers: &[Text]) -> Result<Option<usize>, CommandError> {
        if !self.asker.is_present() {
            return Ok(None);
        }
        let _asking = self.listen()?;
        for line in question {
            self.err.line(line);
        }
        for (at, answer) in answers.iter().enumerate() {
            self.err.line(&Text::of(format!("  {}  ", at + 1)).join(answer));
        }
        self.err.part(&Text::toned(Tone::Strong, "  which one? [none] "));
        let line = self.asker.line()?;
        Ok(line.trim().parse::<usize>().ok().filter(|at| (1..=answers.len()).contains(at)).map(|at| at - 1))
    }

    /// Asks for a secret: a hidden prompt on a terminal; `None` when nobody is there.
    pub fn ask_hidden(&mut self, prompt: &Text) -> Result<Option<keyshoal_core::Secret>, CommandError> {
        if !self.asker.is_present() {
            return Ok(None);
        }
        let _asking = self.listen()?;
        self.err.part(prompt);
        let read = match &self.asker {
            Asker::Terminal => read_hidden(self.stopped()),
            _ => self.asker.line().map(keyshoal_core::Secret::new),
        };
        self.err.raw("\n");
        read.map(Some)
    }

    /// Returns what is said to a person who breaks a question off.
    fn stopped(&self) -> &'static str {
        match self.changed {
            true => "stopped; nothing more was changed",
            false => "stopped; nothing was changed",
        }
    }

    /// Has a signal answered while a person at a terminal is asked.
    fn listen(&self) -> Result<Option<Asking>, CommandError> {
        if !matches!(self.asker, Asker::Terminal) {
            return Ok(None);
        }
        let failed = |error: std::io::Error| CommandError::io(format!("signals cannot be handled: {error}"));
        Asking::begin(self.beside(), self.stopped()).map(Some).map_err(failed)
    }

    /// Returns another voice on the same outputs, for the last words of a process. Nobody is asked.
    pub fn beside(&self) -> Self {
        Self { out: self.out.clone(), err: self.err.clone(), asker: Asker::Nobody, ..*self }
    }

    /// Begins a new line where a line of progress may stand.
    pub fn leave_progress(&mut self) {
        if self.progress && !self.quiet {
            self.err.raw("\n");
        }
    }

    /// Begins to show progress; it draws only on a terminal, and elsewhere says what takes long.
    pub fn progress(&self) -> Progress {
        let drawn = self.progress && !self.quiet;
        let plain = (!drawn && !self.quiet).then(|| self.err.clone());
        Progress::new(drawn, plain)
    }

    /// Prints a JSON document on one line, for a stream of them.
    pub fn document_line(&mut self, document: &impl Serialize) -> Result<(), CommandError> {
        if self.json {
            let text = document::to_line(document)?;
            self.out.raw(&text);
            self.out.flush();
        }
        Ok(())
    }

    /// Shows an error and, with `--json`, prints it as a document where there is none yet.
    pub fn error(&mut self, error: &CommandError) {
        for line in error.lines() {
            self.err.line(&line);
        }
        if self.json
            && !self.documented
            && let Ok(text) = document::to_text(&document::ErrorDocument::of(error))
        {
            self.out.raw(&text);
        }
    }

    /// Flushes both streams and tells what could not be written (a reader that went away is no failure).
    pub fn finish(&mut self) -> Result<(), CommandError> {
        self.out.finish()?;
        self.err.finish()
    }
}
