//! A state directory that an import fills: every file is new, and everything goes again where the import fails.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where the command line makes a state directory, and takes it away"
)]

use crate::error::CommandError;
use keyshoal_core::InstanceId;
use keyshoal_openclaw::files;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Says in a state directory that an import is at work there, or broke off: what was there before, as JSON.
const MARK: &str = ".keyshoal-import";
/// What becomes the mark in the next moment.
const NEXT_MARK: &str = ".keyshoal-import-next";
/// A mark is never longer than this.
const LONGEST_MARK: u64 = 1 << 20;
/// What an import makes in a state directory, besides what a config includes and directories that are called like workspaces.
const USUAL: [&str; 10] = [
    "openclaw.json",
    "openclaw.json.lock",
    ".env",
    "agents",
    "state",
    ".keyshoal",
    MARK,
    NEXT_MARK,
    // OpenClaw's own commands, which are asked about the config and make stores.
    "logs",
    "config-journal-fingerprint.key",
];

/// A state directory, and what was there before.
#[derive(Debug, Serialize, Deserialize)]
pub struct Target {
    dir: PathBuf,
    /// The directories that were made for it, the innermost first.
    made: Vec<PathBuf>,
    /// The names that were in it.
    before: BTreeSet<String>,
    /// What the config includes or has written elsewhere, by the first names of the paths.
    included: BTreeSet<String>,
    /// Files of ours outside of it.
    outside: Vec<PathBuf>,
    /// The id that the instance has, or is about to have, in the vault.
    instance: Option<String>,
}

impl Target {
    /// Makes the directory, for its owner alone, or takes the one that is there, and marks it. `included` is what the config names there.
    pub fn make(dir: &Path, included: BTreeSet<String>) -> Result<Self, CommandError> {
        let failed = |error: std::io::Error| not_made(dir, &error);
        let made: Vec<PathBuf> =
            dir.ancestors().take_while(|above| !above.exists()).map(Path::to_owned).collect();
        let mut target = Self {
            dir: dir.to_owned(),
            made,
            before: BTreeSet::new(),
            included,
            outside: Vec::new(),
            instance: None,
        };
        let ready = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .and_then(|()| std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)))
            .and_then(|()| names(dir));
        let marked = ready.map_err(failed).and_then(|names| {
            target.before = names;
            let mark = target.mark()?;
            target.put(&dir.join(MARK), &mark)
        });
        match marked {
            Ok(()) => Ok(target),
            Err(error) => {
                // Nothing is in them: what was there before may not even be known.
                target.made.iter().for_each(|dir| drop(std::fs::remove_dir(dir)));
                Err(error)
            }
        }
    }

    /// Tells whether an import into the directory has not ended: it is at work there, or broke off.
    pub fn is_marked(dir: &Path) -> bool {
        [MARK, NEXT_MARK].iter().any(|mark| dir.join(mark).symlink_metadata().is_ok())
    }

    /// Finds what an import left that broke off. Refused where somebody has used the directory since.
    pub fn broken(dir: &Path) -> Result<Option<Self>, CommandError> {
        let mark = dir.join(MARK);
        let bytes = files::read(&mark, LONGEST_MARK).map_err(|error| CommandError::io(error.to_string()))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let there = names(dir).map_err(|error| not_made(dir, &error))?;
        // A mark that was cut short is from before anything else was written.
        let found: Self = serde_json::from_slice(&bytes).unwrap_or_else(|_| Self {
            dir: dir.to_owned(),
            made: Vec::new(),
            before: there.iter().filter(|name| *name != MARK && *name != NEXT_MARK).cloned().collect(),
            included: BTreeSet::new(),
            outside: Vec::new(),
            instance: None,
        });
        let ours = |name: &&String| {
            found.before.contains(*name)
                || found.included.contains(*name)
                || USUAL.contains(&name.as_str())
                || name.starts_with("workspace")
                || is_draft(name)
        };
        if let Some(strange) = there.iter().find(|name| !ours(name)) {
            return Err(CommandError::user(format!(
                "an import into {} broke off, and something has been at work there since ({strange}), so nothing of it is removed",
                dir.display()
            ))
            .hint(format!(
                "keep it: remove {}, then keyshoal instance add; or move the directory aside, and import again",
                mark.display()
            )));
        }
        Ok(Some(Self { dir: dir.to_owned(), ..found }))
    }

    /// Notes which instance of the vault this is about to be.
    pub fn is_for(&mut self, id: &InstanceId) -> Result<(), CommandError> {
        self.instance = Some(id.as_str().to_owned());
        let (mark, next) = (self.mark()?, self.dir.join(NEXT_MARK));
        self.put(&next, &mark)?;
        std::fs::rename(&next, self.dir.join(MARK)).map_err(|error| not_made(&next, &error))?;
        self.settle()
    }

    /// Returns the instance that was noted.
    pub fn noted(&self) -> Option<InstanceId> {
        self.instance.as_deref().map(InstanceId::new)
    }

    /// Takes the mark away: everything is there.
    pub fn finish(self) -> Result<(), CommandError> {
        let mark = self.dir.join(MARK);
        std::fs::remove_file(&mark).map_err(|error| not_made(&mark, &error))?;
        self.settle()
    }

    /// Makes the names in the directory durable.
    fn settle(&self) -> Result<(), CommandError> {
        let synced = std::fs::File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(|error| not_made(&self.dir, &error))
    }

    fn mark(&self) -> Result<Vec<u8>, CommandError> {
        serde_json::to_vec(self).map_err(|error| CommandError::internal(error.to_string()))
    }

    /// Returns where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes a file that must not exist yet, for its owner alone.
    pub fn put(&mut self, path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
        let failed = |error: std::io::Error| not_made(path, &error);
        self.ready_for(path)?;
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        if !path.starts_with(&self.dir) {
            self.outside.push(path.to_owned());
        }
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// Moves a file of a payload to its place below the directory, where none may be yet.
    pub fn bring(&mut self, from: &Path, to: &Path) -> Result<(), CommandError> {
        self.ready_for(to)?;
        if std::fs::symlink_metadata(to).is_ok() {
            return Err(not_made(to, &ErrorKind::AlreadyExists.into()));
        }
        match std::fs::rename(from, to) {
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                std::fs::copy(from, to).map(drop).map_err(|error| not_made(to, &error))
            }
            moved => moved.map_err(|error| not_made(to, &error)),
        }
    }

    /// Tells whether a name in it was there before.
    pub fn had(&self, name: &OsStr) -> bool {
        name.to_str().is_some_and(|name| self.before.contains(name))
    }

    /// Removes everything that came, and returns what could not be removed, with the reason.
    pub fn undo(self) -> Vec<String> {
        let mut left = Vec::new();
        let mut gone = |path: &Path, removed: std::io::Result<()>| {
            if let Err(error) = removed
                && error.kind() != ErrorKind::NotFound
            {
                left.push(format!("{}: {error}", path.display()));
            }
        };
        let there = names(&self.dir).unwrap_or_else(|error| {
            gone(&self.dir, Err(error));
            BTreeSet::new()
        });
        // The mark goes last: whoever breaks off here finds it again.
        let ours = there.iter().filter(|name| !self.before.contains(*name) && *name != MARK);
        for path in ours.map(|name| self.dir.join(name)) {
            // Everything of these names was made since the directory was looked at.
            let removed = match path.is_dir() && !path.is_symlink() {
                true => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            };
            gone(&path, removed);
        }
        self.outside.iter().for_each(|path| gone(path, std::fs::remove_file(path)));
        let mark = self.dir.join(MARK);
        gone(&mark, std::fs::remove_file(&mark));
        self.made.iter().for_each(|dir| gone(dir, std::fs::remove_dir(dir)));
        left
    }

    /// Makes the directory of a new file.
    fn ready_for(&self, path: &Path) -> Result<(), CommandError> {
        let Some(parent) = path.parent() else { return Ok(()) };
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent);
        made.map_err(|error| not_made(parent, &error))
    }
}

/// Tells whether a file is called as those that we write before they take another's place.
fn is_draft(name: &str) -> bool {
    name.starts_with('.') && name.contains(".keyshoal-") && name.ends_with(".tmp")
}

/// Returns the names in a directory.
fn names(dir: &Path) -> std::io::Result<BTreeSet<String>> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let odd = |_| std::io::Error::new(ErrorKind::InvalidData, "it holds a name that is no UTF-8");
        entry?.file_name().into_string().map_err(odd)
    };
    std::fs::read_dir(dir)?.map(name).collect()
}

/// Returns what may be read by others below a state directory of ours: paths that are not for their owner alone.
pub fn open_to_others(dir: &Path) -> Vec<PathBuf> {
    let mut open = vec![dir.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
        if meta.is_dir() {
            open.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
        if !meta.is_symlink() && meta.permissions().mode() & 0o077 != 0 {
            found.push(path);
        }
    }
    found
}

fn not_made(path: &Path, error: &std::io::Error) -> CommandError {
    let hint = match error.kind() {
        ErrorKind::AlreadyExists => {
            "nothing is overwritten: move it aside, or name another state directory (--state-dir)"
        }
        _ => "mend the directory's rights, or name another state directory (--state-dir)",
    };
    CommandError::io(format!("{} could not be made: {error}", path.display())).hint(hint)
}
