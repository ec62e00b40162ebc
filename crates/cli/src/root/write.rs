//! Writing the few files of our own that a person asks for: unit, policy, reports, payloads.

use crate::arguments::Globals;
use crate::error::CommandError;
use crate::root::{World, keys_dir_or_default};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes a file whole: a new one beside it takes its place. Directories are made as needed.
#[expect(clippy::disallowed_methods, reason = "this is where the command line writes its own few files")]
pub fn write_file(path: &Path, text: &str) -> Result<(), CommandError> {
    let failed = |error: std::io::Error| {
        CommandError::io(format!("{} could not be written: {error}", path.display()))
            .hint("mend the directory's rights, or name another place")
    };
    let parent = path.parent().ok_or_else(|| CommandError::internal("a file without a directory"))?;
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    std::fs::create_dir_all(parent).map_err(failed)?;
    let mut file = tempfile::Builder::new().prefix(".keyshoal-").tempfile_in(parent).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Writes a file that must not exist yet, in a directory that does.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    write_new_with(path, |out| out.write_all(bytes).map_err(|error| not_written(path, &error)))
}

/// Writes a file that must not exist yet, for its owner alone, as `put` writes it. Where that fails, nothing is left.
#[expect(clippy::disallowed_methods, reason = "this is where the command line writes its own few files")]
pub fn write_new_with(
    path: &Path,
    put: impl FnOnce(&mut dyn Write) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |error: std::io::Error| not_written(path, &error);
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let mut out = BufWriter::new(file);
    let written =
        put(&mut out).and_then(|()| out.flush().and_then(|()| out.get_ref().sync_all()).map_err(failed));
    if written.is_err() {
        let _ = std::fs::remove_file(path);
    }
    written
}

/// Removes a file that was written a moment ago: what it was for came to nothing.
#[expect(clippy::disallowed_methods, reason = "this is where the command line writes its own few files")]
pub fn take_back(path: &Path) {
    let _ = std::fs::remove_file(path);
}

fn not_written(path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::io(format!("{} could not be written: {error}", path.display()))
        .hint("name a file that does not exist yet, in a directory that you may write")
}

/// Makes a directory that must not exist yet, for its owner alone.
#[expect(clippy::disallowed_methods, reason = "this is where the command line makes its own few directories")]
pub fn make_new_dir(path: &Path) -> Result<(), CommandError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(path).map_err(|error| {
        CommandError::io(format!("{}: {error}", path.display()))
            .hint("name a directory that does not exist yet")
    })
}

/// Opens a file that a person has named, to read it.
#[expect(clippy::disallowed_methods, reason = "this is where the command line reads its own few files")]
pub fn open_file(path: &Path) -> Result<std::fs::File, CommandError> {
    std::fs::File::open(path)
        .map_err(|error| CommandError::user(format!("{} cannot be read: {error}", path.display())))
}

/// The directory in which files of a payload lie until they are taken: `drafts` beside the keys, for its owner alone. It is there as long
/// as something is in it.
pub struct Drafts(PathBuf);

impl Drafts {
    /// Names it, and removes what an import left there that was killed: it holds secrets.
    pub fn of(world: &World, globals: &Globals) -> Result<Self, CommandError> {
        let drafts = Self(keys_dir_or_default(world, globals)?.join("drafts"));
        keyshoal_transfer::Draft::clear(&drafts.0).map_err(|error| CommandError::io(error.to_string()))?;
        Ok(drafts)
    }

    /// Returns where it is, or would be.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Drafts {
    fn drop(&mut self) {
        // What stays is removed by the next import.
        let _ = keyshoal_transfer::Draft::clear(&self.0);
    }
}

/// Writes bytes that are data to standard output; a reader that went away is a failure, as it has half of them.
pub fn write_stdout(
    put: impl FnOnce(&mut dyn Write) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    put(&mut out)?;
    out.flush().map_err(|error| CommandError::io(format!("standard output could not be written: {error}")))
}
