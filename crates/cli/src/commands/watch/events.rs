//! What wakes a watch: changed files, time, signals.

use crate::commands::signals::StopFlag;
use keyshoal_core::Timestamp;
use keyshoal_engine::ports::Clock as _;
use keyshoal_engine::watch::{Event, EventSource};
use keyshoal_local::Installation;
use keyshoal_local::watch::{Seen, Watcher};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

/// A signal is noticed within this time.
const SLICE: Duration = Duration::from_millis(250);

/// Brings changes of files and signals to the engine.
pub struct Source<'a> {
    installation: &'a Installation,
    watcher: Watcher,
    stop: StopFlag,
    looked: Rc<Cell<bool>>,
    broken: bool,
}

impl<'a> Source<'a> {
    /// Makes it; `looked` tells that a look may have found new directories.
    pub fn new(
        installation: &'a Installation,
        watcher: Watcher,
        stop: StopFlag,
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
            if self.stop.is_set() {
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
