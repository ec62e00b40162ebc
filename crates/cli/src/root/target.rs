//! A state directory that an import fills: every file is new, and everything goes again where the import fails.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where the command line makes a state directory, and takes it away"
)]

use crate::error::CommandError;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A state directory, and what was there before.
#[derive(Debug)]
pub struct Target {
    dir: PathBuf,
    /// The directories that were made for it, the innermost first.
    made: Vec<PathBuf>,
    /// The names that were in it.
    before: BTreeSet<OsString>,
    /// Files of ours outside of it.
    outside: Vec<PathBuf>,
}

impl Target {
    /// Makes the directory, for its owner alone, or takes the one that is there.
    pub fn make(dir: &Path) -> Result<Self, CommandError> {
        let failed = |error: std::io::Error| not_made(dir, &error);
        let made: Vec<PathBuf> =
            dir.ancestors().take_while(|above| !above.exists()).map(Path::to_owned).collect();
        let mut target = Self { dir: dir.to_owned(), made, before: BTreeSet::new(), outside: Vec::new() };
        let ready = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .and_then(|()| std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)))
            .and_then(|()| std::fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name())).collect());
        match ready {
            Ok(names) => target.before = names,
            Err(error) => {
                target.undo();
                return Err(failed(error));
            }
        }
        Ok(target)
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
    pub fn had(&self, name: &std::ffi::OsStr) -> bool {
        self.before.contains(name)
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
        let names =
            std::fs::read_dir(&self.dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
        for path in names.filter(|name| !self.before.contains(name)).map(|name| self.dir.join(name)) {
            // Everything of these names was made since the directory was looked at.
            gone(
                &path,
                match path.is_dir() && !path.is_symlink() {
                    true => std::fs::remove_dir_all(&path),
                    false => std::fs::remove_file(&path),
                },
            );
        }
        self.outside.iter().for_each(|path| gone(path, std::fs::remove_file(path)));
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
