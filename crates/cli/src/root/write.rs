//! Writing the few files of our own that a person asks for: unit, policy, reports.

use crate::error::CommandError;
use std::io::Write as _;
use std::path::Path;

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
#[expect(clippy::disallowed_methods, reason = "this is where the command line writes its own few files")]
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |error: std::io::Error| {
        CommandError::io(format!("{} could not be written: {error}", path.display()))
            .hint("name a file that does not exist yet, in a directory that you may write")
    };
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
}
