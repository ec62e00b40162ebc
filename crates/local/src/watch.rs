//! Noticing the program's own writes: inotify on directories, never on files, because files are replaced.

use crate::Installation;
use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Files whose change may matter: the stores of every layout and the config.
const NAMES: [&str; 7] = [
    "auth-profiles.json",
    "auth-state.json",
    "openclaw-agent.sqlite",
    "openclaw-agent.sqlite-wal",
    "openclaw.sqlite",
    "openclaw.sqlite-wal",
    "openclaw.json",
];

/// What the watcher has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A file that may matter has changed.
    Changed(PathBuf),
    /// Nothing happened in the given time.
    Quiet,
    /// Watching does not work any more; the slow scan still does.
    Broken(String),
}

/// Watches the directories of an installation.
#[derive(Debug)]
pub struct Watcher {
    inner: RecommendedWatcher,
    receiver: Receiver<notify::Result<Event>>,
    watched: BTreeSet<PathBuf>,
    config: PathBuf,
}

impl Watcher {
    /// Starts to watch. Directories that do not exist yet are watched when [`Watcher::follow`] finds them.
    pub fn start(installation: &Installation) -> Result<Self, notify::Error> {
        let (sender, receiver) = channel();
        let inner = notify::recommended_watcher(move |event| {
            let _ = sender.send(event);
        })?;
        let config = installation.config_path().to_owned();
        let mut watcher = Self { inner, receiver, watched: BTreeSet::new(), config };
        watcher.follow(installation);
        Ok(watcher)
    }

    /// Watches the directories that the newest look knows and that are not watched yet. Returns how many are watched.
    pub fn follow(&mut self, installation: &Installation) -> usize {
        for directory in installation.directories() {
            if !self.watched.contains(&directory)
                && self.inner.watch(&directory, RecursiveMode::NonRecursive).is_ok()
            {
                self.watched.insert(directory);
            }
        }
        self.watched.len()
    }

    /// Waits for something to happen, at most this long.
    pub fn next(&self, limit: Duration) -> Seen {
        let deadline = std::time::Instant::now() + limit;
        loop {
            match self.receiver.recv_timeout(deadline.saturating_duration_since(std::time::Instant::now())) {
                Ok(Ok(event)) => {
                    if let Some(path) = self.relevant(&event) {
                        return Seen::Changed(path);
                    }
                }
                Ok(Err(error)) => return Seen::Broken(error.to_string()),
                Err(RecvTimeoutError::Timeout) => return Seen::Quiet,
                Err(RecvTimeoutError::Disconnected) => return Seen::Broken("the watcher has ended".into()),
            }
        }
    }

    fn relevant(&self, event: &Event) -> Option<PathBuf> {
        let matters = match event.kind {
            EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => false,
            EventKind::Any
            | EventKind::Create(_)
            | EventKind::Modify(_)
            | EventKind::Remove(_)
            | EventKind::Other => true,
        };
        if !matters {
            return None;
        }
        // A queue overflow has no path and means that anything may have happened.
        if event.need_rescan() {
            return Some(self.config.clone());
        }
        event.paths.iter().find(|path| self.concerns(path)).cloned()
    }

    fn concerns(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str());
        path == self.config
            || name.is_some_and(|name| NAMES.contains(&name))
            || (path.extension().is_none() && path.parent().is_some_and(|parent| parent.ends_with("agents")))
    }
}

impl Installation {
    /// Returns the directories in which something may change: of the config, of every store, and `agents/` for new agents.
    pub fn directories(&self) -> BTreeSet<PathBuf> {
        let parent = |path: &Path| path.parent().map(Path::to_owned);
        let mut directories: BTreeSet<PathBuf> = parent(&self.locations.config_path).into_iter().collect();
        directories.insert(self.locations.state_dir.join("agents"));
        if let Some(seen) = self.seen() {
            directories.extend(seen.stores.values().filter_map(|held| parent(held.file.path())));
        }
        directories.retain(|directory| directory.is_dir());
        directories
    }
}
