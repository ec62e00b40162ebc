//! Noticing the program's own writes: inotify on directories, never on files, because files are replaced.

use crate::Installation;
use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

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
    /// Changes were lost, or a watched directory went away: anything may have happened.
    Lost,
    /// Nothing happened in the given time.
    Quiet,
    /// Watching does not work any more; the slow scan still does.
    Broken(String),
}

/// Which directory stood at a path when the watch began: device and number.
type Which = (u64, u64);

/// Watches the directories of an installation.
#[derive(Debug)]
pub struct Watcher {
    inner: RecommendedWatcher,
    receiver: Receiver<notify::Result<Event>>,
    watched: BTreeMap<PathBuf, Which>,
    /// Directories that do not exist now; what exists above them is watched.
    awaited: BTreeSet<PathBuf>,
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
        let mut watcher =
            Self { inner, receiver, watched: BTreeMap::new(), awaited: BTreeSet::new(), config };
        watcher.follow(installation);
        Ok(watcher)
    }

    /// Watches the directories that the newest look knows: those that are not watched yet, and those that were made anew at the
    /// same path, of which the system tells nothing any more. Returns how many are watched.
    pub fn follow(&mut self, installation: &Installation) -> usize {
        let wanted = installation.directories();
        self.awaited = wanted.iter().filter(|directory| which(directory).is_none()).cloned().collect();
        let gone: Vec<PathBuf> = self.awaited.iter().cloned().collect();
        self.forget(&gone);
        let mut present: BTreeSet<PathBuf> = wanted.difference(&self.awaited).cloned().collect();
        let above = |directory: &PathBuf| {
            directory
                .ancestors()
                .skip(1)
                .take_while(|above| above.starts_with(installation.state_dir()))
                .find(|above| which(above).is_some())
                .map(Path::to_owned)
        };
        present.extend(self.awaited.iter().filter_map(above));
        for directory in present {
            let now = which(&directory);
            if now.is_none() || self.watched.get(&directory) == now.as_ref() {
                continue;
            }
            if self.watched.remove(&directory).is_some() {
                // The system has forgotten it already, or soon will.
                let _ = self.inner.unwatch(&directory);
            }
            if let (Some(now), Ok(())) = (now, self.inner.watch(&directory, RecursiveMode::NonRecursive)) {
                self.watched.insert(directory, now);
            }
        }
        self.watched.len()
    }

    /// Waits for something to happen, at most this long.
    pub fn next(&mut self, limit: Duration) -> Seen {
        let deadline = Instant::now() + limit;
        loop {
            match self.receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Ok(event)) => {
                    if let Some(seen) = self.relevant(&event) {
                        self.forget(&event.paths);
                        return seen;
                    }
                }
                Ok(Err(error)) => return Seen::Broken(error.to_string()),
                Err(RecvTimeoutError::Timeout) => return Seen::Quiet,
                Err(RecvTimeoutError::Disconnected) => return Seen::Broken("the watcher has ended".into()),
            }
        }
    }

    /// Has directories that came or went watched anew: one that is made where another was may have the other's number, too.
    fn forget(&mut self, paths: &[PathBuf]) {
        for path in paths {
            if self.watched.remove(path).is_some() {
                let _ = self.inner.unwatch(path);
            }
        }
    }

    fn relevant(&self, event: &Event) -> Option<Seen> {
        // An overflow of the system's queue names nothing.
        if event.need_rescan() {
            return Some(Seen::Lost);
        }
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
        if event.paths.iter().any(|path| self.moves_a_directory(path)) {
            return Some(Seen::Lost);
        }
        event.paths.iter().find(|path| self.concerns(path)).cloned().map(Seen::Changed)
    }

    /// Tells whether a path is a watched directory itself, or one on the way to a directory that is awaited.
    fn moves_a_directory(&self, path: &Path) -> bool {
        self.watched.contains_key(path) || self.awaited.iter().any(|awaited| awaited.starts_with(path))
    }

    fn concerns(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str());
        path == self.config
            || name.is_some_and(|name| NAMES.contains(&name))
            || (path.extension().is_none() && path.parent().is_some_and(|parent| parent.ends_with("agents")))
    }
}

fn which(directory: &Path) -> Option<Which> {
    let found = std::fs::metadata(directory).ok().filter(std::fs::Metadata::is_dir)?;
    Some((found.dev(), found.ino()))
}

impl Installation {
    /// Returns the directories in which something may change: of the config, of every store, and `agents/` for new agents. Some
    /// may not exist.
    pub fn directories(&self) -> BTreeSet<PathBuf> {
        let parent = |path: &Path| path.parent().map(Path::to_owned);
        let mut directories: BTreeSet<PathBuf> = parent(&self.locations.config_path).into_iter().collect();
        directories.insert(self.locations.state_dir.join("agents"));
        if let Some(seen) = self.seen() {
            directories.extend(seen.stores.values().filter_map(|held| parent(held.file.path())));
        }
        directories
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test plays the person who moves directories")]
mod tests {
    use super::*;
    use crate::OpenOptions;
    use keyshoal_core::{Layout, StoreId};
    use keyshoal_engine::ports::Observe;
    use keyshoal_openclaw::Environment;
    use notify::event::Flag;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn opened(dir: &Path) -> Installation {
        let state = dir.join("state");
        keyshoal_openclaw::sample::Installation::new(Layout::JsonWithState)
            .agent("stocks")
            .api_key(StoreId::Base, "acme:default", "key-1")
            .api_key(StoreId::Agent("stocks".into()), "acme:default", "key-1")
            .write(&state)
            .unwrap();
        let mut env = Environment { home: Some(dir.join("home")), ..Environment::default() };
        env.vars.insert("OPENCLAW_GATEWAY_PORT".to_owned(), "1".to_owned());
        let keys_dir = Some(dir.join("keys"));
        let options = OpenOptions { state_dir: Some(state), keys_dir, env, ..OpenOptions::default() };
        let installation = Installation::open(options).unwrap();
        installation.observe().unwrap();
        installation
    }

    /// Waits for a word about something, and past what else is said.
    fn hears(watcher: &mut Watcher, wanted: impl Fn(&Seen) -> bool) -> bool {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if wanted(&watcher.next(Duration::from_millis(100))) {
                return true;
            }
        }
        false
    }

    fn settle(watcher: &mut Watcher) {
        while watcher.next(Duration::from_millis(300)) != Seen::Quiet {}
    }

    #[test]
    fn a_directory_that_was_made_anew_is_watched_again() {
        let dir = tempfile::tempdir().unwrap();
        let installation = opened(dir.path());
        let mut watcher = Watcher::start(&installation).unwrap();
        let agent = installation.state_dir().join("agents/stocks/agent");
        let store = agent.join("auth-profiles.json");
        let bytes = keyshoal_openclaw::files::read(&store, 1 << 20).unwrap().unwrap();

        std::fs::remove_dir_all(agent.parent().unwrap()).unwrap();
        assert!(hears(&mut watcher, |seen| *seen == Seen::Lost), "nobody said that the directory went away");
        watcher.follow(&installation);
        assert!(!watcher.watched.contains_key(&agent), "another with its number would be taken for it");
        settle(&mut watcher);

        std::fs::create_dir_all(&agent).unwrap();
        assert!(hears(&mut watcher, |seen| *seen != Seen::Quiet), "nobody said that it came back");
        watcher.follow(&installation);
        settle(&mut watcher);

        std::io::Write::write_all(&mut std::fs::File::create_new(&store).unwrap(), &bytes).unwrap();
        assert!(
            hears(&mut watcher, |seen| *seen == Seen::Changed(store.clone())),
            "its files are not watched"
        );
    }

    #[test]
    fn a_directory_that_was_exchanged_is_watched_again() {
        let dir = tempfile::tempdir().unwrap();
        let installation = opened(dir.path());
        let mut watcher = Watcher::start(&installation).unwrap();
        let agent = installation.state_dir().join("agents/stocks/agent");
        rename(&agent, &agent.with_file_name("before"));
        std::fs::create_dir(&agent).unwrap();
        assert!(hears(&mut watcher, |seen| *seen == Seen::Lost));
        watcher.follow(&installation);
        settle(&mut watcher);
        let store = agent.join("auth-profiles.json");
        std::fs::File::create_new(&store).unwrap();
        assert!(hears(&mut watcher, |seen| *seen == Seen::Changed(store.clone())));
    }

    fn rename(from: &Path, to: &Path) {
        std::fs::rename(from, to).unwrap();
    }

    #[test]
    fn an_overflow_means_that_anything_may_have_happened() {
        let dir = tempfile::tempdir().unwrap();
        let watcher = Watcher::start(&opened(dir.path())).unwrap();
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(watcher.relevant(&overflow), Some(Seen::Lost));
        assert_eq!(watcher.relevant(&Event::new(EventKind::Other)), None);
    }
}
