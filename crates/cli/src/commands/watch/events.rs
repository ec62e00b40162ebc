//! What wakes a watch: changed files, time, signals.

use crate::error::CommandError;
use keyshoal_core::Timestamp;
use keyshoal_engine::ports::Clock as _;
use keyshoal_engine::watch::{Event, EventSource};
use keyshoal_local::Installation;
use keyshoal_local::watch::{Seen, Watcher};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// A signal is noticed within this time.
const SLICE: Duration = Duration::from_millis(250);

/// Returns a flag that the usual signals set. The run that is under way ends first.
pub fn stop_on_signals() -> Result<Arc<AtomicBool>, CommandError> {
    let failed = |error: std::io::Error| CommandError::io(format!("signals cannot be handled: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let guard = runtime.enter();
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
    drop(guard);
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        });
        flag.store(true, Ordering::SeqCst);
    });
    Ok(stop)
}

/// Brings changes of files and signals to the engine.
pub struct Source<'a> {
    installation: &'a Installation,
    watcher: Watcher,
    stop: Arc<AtomicBool>,
    looked: Rc<Cell<bool>>,
    broken: bool,
}

impl<'a> Source<'a> {
    /// Makes it; `looked` tells that a look may have found new directories.
    pub fn new(
        installation: &'a Installation,
        watcher: Watcher,
        stop: Arc<AtomicBool>,
        looked: Rc<Cell<bool>>,
    ) -> Self {
        Self { installation, watcher, stop, looked, broken: false }
    }

    fn wait(&mut self, time: Duration) -> Option<Event> {
        if self.broken {
            self.installation.sleep(time);
            return None;
        }
        match self.watcher.next(time) {
            Seen::Changed(path) => {
                let modified = modified(&path);
                Some(Event::Changed { path: path.display().to_string(), modified })
            }
            Seen::Quiet => None,
            Seen::Broken(_) => {
                // The slow scan goes on.
                self.broken = true;
                None
            }
        }
    }
}

impl EventSource for Source<'_> {
    fn next(&mut self, until: Timestamp) -> Event {
        if self.looked.replace(false) {
            self.watcher.follow(self.installation);
        }
        loop {
            if self.stop.load(Ordering::SeqCst) {
                return Event::Stop;
            }
            let left = until.duration_since(self.installation.now());
            let Ok(left) = Duration::try_from(left) else { return Event::Tick };
            if left.is_zero() {
                return Event::Tick;
            }
            if let Some(event) = self.wait(left.min(SLICE)) {
                return event;
            }
        }
    }
}

fn modified(path: &Path) -> Option<Timestamp> {
    Timestamp::try_from(path.metadata().ok()?.modified().ok()?).ok()
}
