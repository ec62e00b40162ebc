//! What wakes a watch: changed files, time, signals, another policy.

use super::policy::Watched;
use super::rotating::{Rotating, told};
use crate::commands::signals::StopFlag;
use keyshoal_core::Timestamp;
use keyshoal_engine::ports::Clock as _;
use keyshoal_engine::watch::{Beside, Event, EventSource, HalfRotated};
use keyshoal_local::Installation;
use keyshoal_local::watch::{Seen, Watcher};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

/// A signal is noticed within this time.
const SLICE: Duration = Duration::from_millis(250);

/// Says why a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to.
    Told,
    /// Its policy is another one now.
    PolicyChanged,
}

/// What the source of events and those who tell of them say to each other.
#[derive(Debug, Default)]
pub struct Shared {
    /// A look may have found new directories.
    pub looked: Cell<bool>,
    /// When the first change was seen since the newest look.
    pub changed: Cell<Option<Timestamp>>,
}

/// Brings changes of files and signals to the engine.
pub struct Source<'a> {
    installation: &'a Installation,
    /// `None` while watching does not work; the slow scan goes on.
    watcher: Option<Watcher>,
    stop: StopFlag,
    policy: Watched,
    shared: Rc<Shared>,
    rotating: Option<Rotating>,
}

impl<'a> Source<'a> {
    /// Makes it.
    pub fn new(
        installation: &'a Installation,
        watcher: Watcher,
        stop: StopFlag,
        policy: Watched,
        shared: Rc<Shared>,
        rotating: Option<Rotating>,
    ) -> Self {
        Self { installation, watcher: Some(watcher), stop, policy, shared, rotating }
    }

    /// Returns why it ended, once it has.
    pub fn ended(&self) -> Ended {
        if self.stop.is_set() { Ended::Told } else { Ended::PolicyChanged }
    }

    /// Watches what the newest look knows; begins anew where watching has broken.
    fn follow(&mut self) {
        match &mut self.watcher {
            Some(watcher) => {
                watcher.follow(self.installation);
            }
            None => self.watcher = Watcher::start(self.installation).ok(),
        }
    }

    fn wait(&mut self, time: Duration) -> Option<Event> {
        let Some(watcher) = &mut self.watcher else {
            self.installation.sleep(time);
            return None;
        };
        match watcher.next(time) {
            Seen::Changed(path) => {
                let modified = modified(&path);
                Some(Event::Changed { path: path.display().to_string(), modified })
            }
            Seen::Quiet => None,
            Seen::Lost => Some(self.anything()),
            Seen::Broken(_) => {
                self.watcher = None;
                Some(self.anything())
            }
        }
    }
}

impl Source<'_> {
    /// Something changed, and what is not known: only a look tells.
    fn anything(&self) -> Event {
        let path = self.installation.state_dir().display().to_string();
        Event::Changed { path, modified: None }
    }
}

impl EventSource for Source<'_> {
    fn beside(&mut self) -> Beside {
        let mut beside = self.installation.beside();
        beside.at_work |= self.rotating.as_ref().is_some_and(Rotating::is_worked_on);
        beside
    }

    fn half_rotated(&mut self) -> Vec<HalfRotated> {
        self.rotating
            .iter_mut()
            .flat_map(|rotating| rotating.now().iter().map(told).collect::<Vec<_>>())
            .collect()
    }

    fn next(&mut self, until: Timestamp) -> Event {
        if self.shared.looked.replace(false) {
            self.follow();
        }
        // Nothing is to be done until something happens: nobody finds a secret in this process meanwhile.
        self.installation.rest();
        loop {
            if self.stop.is_set() || self.policy.has_changed() {
                return Event::Stop;
            }
            let left = until.duration_since(self.installation.now());
            let Ok(left) = Duration::try_from(left) else { return Event::Tick };
            if left.is_zero() {
                return Event::Tick;
            }
            if let Some(event) = self.wait(left.min(SLICE)) {
                let changed = &self.shared.changed;
                changed.set(changed.get().or_else(|| Some(self.installation.now())));
                return event;
            }
        }
    }
}

fn modified(path: &Path) -> Option<Timestamp> {
    Timestamp::try_from(path.metadata().ok()?.modified().ok()?).ok()
}
