//! A state directory that an import fills: every file is new, and everything goes again where the import fails.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where the command line makes a state directory, and takes it away"
)]

mod mark;

use crate::error::CommandError;
use keyshoal_core::{Fingerprint, InstanceId};
use mark::{Alone, MARK, Mark, NEXT_MARK};
pub use mark::{Entry, UnfinishedImport, unfinished_import};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

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

/// A state directory that one import alone fills, and what was there before.
#[derive(Debug)]
pub struct Target {
    dir: PathBuf,
    mark: Mark,
    _alone: Alone,
}

impl Target {
    /// Makes the directory, for its owner alone, or takes the one that is there, and marks it. `included` is what the config names there.
    pub fn make(dir: &Path, included: BTreeSet<String>) -> Result<Self, CommandError> {
        let made: Vec<PathBuf> =
            dir.ancestors().take_while(|above| !above.exists()).map(Path::to_owned).collect();
        let mark = Mark { made: made.clone(), included, ..Mark::default() };
        Self::marked(dir, mark).inspect_err(|_| {
            // Nothing is in them: what was there before may not even be known.
            made.iter().for_each(|dir| drop(std::fs::remove_dir(dir)));
        })
    }

    fn marked(dir: &Path, mark: Mark) -> Result<Self, CommandError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .and_then(|()| std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)))
            .map_err(|error| not_made(dir, &error))?;
        let mut target = Self { dir: dir.to_owned(), mark, _alone: Alone::with(dir)? };
        target.mark.before = names(dir).map_err(|error| not_made(dir, &error))?;
        let bytes = target.mark.bytes()?;
        target.put(&dir.join(MARK), &bytes)?;
        Ok(target)
    }

    /// Finds what an import left that broke off. Refused while one is at work there.
    pub fn broken(dir: &Path) -> Result<Option<Self>, CommandError> {
        if Mark::read(dir)?.is_none() {
            return Ok(None);
        }
        let alone = Alone::with(dir)?;
        // It may have come to its end just now.
        let Some(mark) = Mark::read(dir)? else { return Ok(None) };
        Ok(Some(Self { dir: dir.to_owned(), mark, _alone: alone }))
    }

    /// Ends an import that broke off, where a sync by the vault's word of an instance has brought everything that was left to it. Tells
    /// whether it did: no sync ends one whose instance in the vault this is not any more.
    pub fn end(dir: &Path, instance: Option<&InstanceId>) -> Result<bool, CommandError> {
        let Some(mut broken) = Self::broken(dir)?.filter(Self::is_left_to_sync) else { return Ok(false) };
        if instance.is_some() && broken.entry().map(|entry| &entry.instance) == instance {
            return broken.finish().map(|()| true);
        }
        broken.mark.left_to_sync = false;
        broken.note().map(|()| false)
    }

    /// Returns a name in it that no import makes.
    pub fn strange(&self) -> Result<Option<String>, CommandError> {
        let ours = |name: &String| {
            self.mark.before.contains(name)
                || self.mark.included.contains(name)
                || USUAL.contains(&name.as_str())
                || name.starts_with("workspace")
                || is_draft(name)
        };
        let there = names(&self.dir).map_err(|error| not_made(&self.dir, &error))?;
        Ok(there.into_iter().find(|name| !ours(name)))
    }

    /// Notes what the vault is about to have of this.
    pub fn is_for(&mut self, entry: Entry) -> Result<(), CommandError> {
        self.mark.entry = Some(entry);
        self.note()
    }

    /// Notes the logins that are about to be put into stores.
    pub fn will_hold(&mut self, logins: &[Fingerprint]) -> Result<(), CommandError> {
        self.mark.logins = logins.iter().map(Fingerprint::hex).collect();
        self.note()
    }

    /// Notes that everything is there but what a sync brings as well.
    pub fn leave_to_sync(&mut self) -> Result<(), CommandError> {
        self.mark.left_to_sync = true;
        self.note()
    }

    /// Notes that it is being taken back: what is missing from now on is no change of anybody's.
    pub fn goes(&mut self) -> Result<(), CommandError> {
        self.mark.going = true;
        self.note()
    }

    /// Writes the mark anew.
    fn note(&mut self) -> Result<(), CommandError> {
        let (mark, next) = (self.mark.bytes()?, self.dir.join(NEXT_MARK));
        // Whoever broke off just here has left one.
        let _ = std::fs::remove_file(&next);
        self.put(&next, &mark)?;
        std::fs::rename(&next, self.path()).map_err(|error| not_made(&next, &error))?;
        self.settle()
    }

    /// Returns the mark's own file.
    pub fn path(&self) -> PathBuf {
        self.dir.join(MARK)
    }

    /// Returns what the vault has of it, or was about to have.
    pub fn entry(&self) -> Option<&Entry> {
        self.mark.entry.as_ref()
    }

    /// Tells whether a login in a store is one that the import has put there, as it was.
    pub fn has_login(&self, print: Fingerprint) -> bool {
        self.mark.has_login(print)
    }

    /// Tells whether everything is there but what a sync brings as well.
    pub fn is_left_to_sync(&self) -> bool {
        self.mark.left_to_sync && !self.mark.going
    }

    /// Tells whether it was being taken back when that broke off.
    pub fn is_going(&self) -> bool {
        self.mark.going
    }

    /// Takes the mark away: everything is there.
    pub fn finish(self) -> Result<(), CommandError> {
        // One that was to take its place, where that broke off.
        let _ = std::fs::remove_file(self.dir.join(NEXT_MARK));
        let mark = self.path();
        std::fs::remove_file(&mark).map_err(|error| not_made(&mark, &error))?;
        self.settle()
    }

    /// Makes the names in the directory durable.
    fn settle(&self) -> Result<(), CommandError> {
        let synced = std::fs::File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(|error| not_made(&self.dir, &error))
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
            self.mark.outside.push(path.to_owned());
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
        name.to_str().is_some_and(|name| self.mark.before.contains(name))
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
        let ours = there.iter().filter(|name| !self.mark.before.contains(*name) && *name != MARK);
        for path in ours.map(|name| self.dir.join(name)) {
            // Everything of these names was made since the directory was looked at.
            let removed = match path.is_dir() && !path.is_symlink() {
                true => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            };
            gone(&path, removed);
        }
        self.mark.outside.iter().for_each(|path| gone(path, std::fs::remove_file(path)));
        let mark = self.path();
        gone(&mark, std::fs::remove_file(&mark));
        self.mark.made.iter().for_each(|dir| gone(dir, std::fs::remove_dir(dir)));
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
