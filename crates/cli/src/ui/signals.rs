//! Signals while a person is asked: the terminal is put back, what became of it is said, and the process ends by that signal.
//!
//! Who has answers of his own to signals says so once; then they are his alone.

use super::Ui;
use crate::error::CommandError;
use crate::exit;
use rustix::termios::{OptionalActions, Termios, tcsetattr};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use tokio::signal::unix::{SignalKind, signal};

/// The terminal's own modes while a hidden prompt is open. A signal may come at any time, so the process has to know.
static ORIGINAL: Mutex<Option<Termios>> = Mutex::new(None);
/// Says the last words while a person is asked.
static ASKING: Mutex<Option<(Ui, &'static str)>> = Mutex::new(None);
static ANSWERS: Mutex<Answers> = Mutex::new(Answers::Nobody);

/// Who answers to signals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Nobody,
    ThisRoom,
    Another,
}

fn locked<T>(what: &'static Mutex<T>) -> MutexGuard<'static, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts the terminal back if a hidden prompt is open.
pub fn restore() {
    if let Some(original) = locked(&ORIGINAL).take() {
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &original);
    }
}

/// Remembers how the terminal was before a hidden prompt.
pub(super) fn remember(original: Termios) {
    *locked(&ORIGINAL) = Some(original);
}

/// Has questions leave signals alone from now on: whoever calls this answers to them, and calls [`restore`].
pub fn leave_signals() {
    *locked(&ANSWERS) = Answers::Another;
}

/// Lasts as long as a question.
pub(super) struct Asking;

impl Asking {
    /// Has a signal answered with these words until the question is over. The handlers are there when this returns.
    pub fn begin(voice: Ui, words: &'static str) -> io::Result<Self> {
        listen()?;
        *locked(&ASKING) = Some((voice, words));
        Ok(Self)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        *locked(&ASKING) = None;
    }
}

/// Begins to answer, once; the thread stays, because a handled signal keeps its handler.
fn listen() -> io::Result<()> {
    let mut answers = locked(&ANSWERS);
    if *answers != Answers::Nobody {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let inside = runtime.enter();
    let mut term = signal(SignalKind::terminate())?;
    let mut hup = signal(SignalKind::hangup())?;
    let mut int = signal(SignalKind::interrupt())?;
    drop(inside);
    *answers = Answers::ThisRoom;
    thread::spawn(move || {
        loop {
            let number = runtime.block_on(async {
                tokio::select! {
                    _ = term.recv() => 15,
                    _ = hup.recv() => 1,
                    _ = int.recv() => 2,
                }
            });
            if *locked(&ANSWERS) == Answers::ThisRoom {
                end(number);
            }
        }
    });
    Ok(())
}

fn end(number: i32) -> ! {
    restore();
    if let Some((mut voice, words)) = locked(&ASKING).take() {
        // The question stands at the end of its line.
        voice.err.raw("\n");
        voice.error(&CommandError::stopped(number, words));
        let _ = voice.finish();
    }
    std::process::exit(exit::by_signal(number).into());
}
