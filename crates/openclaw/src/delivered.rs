//! The one private file to which references lead, at its place: read as the program reads it, replaced as a whole.

use crate::artifacts::{RefsError, RefsFile};
use crate::files::{self, PathError};
use keyshoal_core::Secret;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The program reads no larger file.
const LARGEST: u64 = 1 << 20;

/// Says why the file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DeliveredError {
    /// The file system refused.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Its contents are none.
    #[error("{}: {cause}", path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        cause: RefsError,
    },
    /// It does not hold what was written.
    #[error("{} was written, and does not hold it when read back: another program is writing it too", .0.display())]
    NotHeld(PathBuf),
}

/// Returns where the file of an installation is.
pub fn path(state_dir: &Path) -> PathBuf {
    state_dir.join(".keyshoal").join("delivered").join("secrets.json")
}

/// Tells whether a config that Keyshoal has written names the file.
pub fn is_named_in(config: &Secret, path: &Path) -> bool {
    config.reveal_secret().contains(&serde_json::Value::from(path.display().to_string()).to_string())
}

/// Reads the file by the program's demands: a regular file with one name, no link, not too large. `None` where there is none.
///
/// # Errors
/// When it cannot be read, or was not written by [`write()`].
pub fn read(path: &Path, provider: &str) -> Result<Option<RefsFile>, DeliveredError> {
    if !files::exists(path) && !files::is_link(path) {
        return Ok(None);
    }
    let bytes = files::read_single(path, LARGEST)?;
    let contents = |cause| DeliveredError::Contents { path: path.to_owned(), cause };
    RefsFile::parse(provider, &bytes).map(Some).map_err(contents)
}

/// Tells whether the program takes a secret from the file, by whose it is and who else may read or write it. It belongs to whoever the
/// directory belongs to.
pub fn is_taken(path: &Path) -> bool {
    let owner = path.parent().and_then(files::owner);
    files::metadata(path).is_ok_and(|found| {
        found.is_none_or(|found| found.mode() & 0o066 == 0 && owner.is_none_or(|owner| found.uid() == owner))
    })
}

/// Replaces the file as a whole, for its owner alone, durably, and reads it back. The owner is that of its directory, which is made
/// for its owner alone where it is missing.
///
/// # Errors
/// When it cannot be written, would be too large, or does not hold what was written. The file before is then as it was, but in the
/// last case.
pub fn write(path: &Path, provider: &str, file: &RefsFile) -> Result<(), DeliveredError> {
    let text = file.text().map_err(|cause| DeliveredError::Contents { path: path.to_owned(), cause })?;
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    files::make_private_dir(dir)?;
    files::put_private(path, text.reveal_secret().as_bytes())?;
    match read(path, provider)? {
        Some(held) if held == *file => Ok(()),
        _ => Err(DeliveredError::NotHeld(path.to_owned())),
    }
}

/// Removes what crashed writers have prepared for the file and left beside it: it holds secrets. Only while nobody else writes it.
///
/// # Errors
/// When it cannot be removed.
pub fn sweep(path: &Path) -> Result<(), PathError> {
    files::sweep(&BTreeSet::from([path.to_owned()]), files::wall_clock())
}

/// Removes the file. Fine where there is none.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(path: &Path) -> Result<(), DeliveredError> {
    if files::exists(path) || files::is_link(path) {
        files::remove(path)?;
        files::sync_dir(path.parent().unwrap_or_else(|| Path::new(".")))?;
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests look at files directly")]
mod tests {
    use super::*;

    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn it_is_private_whole_and_read_as_the_program_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("delivered/secrets.json");
        assert_eq!(read(&path, "ours").unwrap(), None);
        let mut file = RefsFile::new("ours").unwrap();
        let shared = file.put(&"acme:default".into(), None, Secret::new("one\"two"));
        let own = file.put(&"a/b~c".into(), Some("who"), Secret::new("three"));
        write(&path, "ours", &file).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let held = read(&path, "ours").unwrap().unwrap();
        let found = |reference| held.value(reference).map(|value| value.reveal_secret().to_owned());
        assert_eq!(found(&shared).as_deref(), Some("one\"two"));
        assert_eq!(found(&own).as_deref(), Some("three"));
        // As the program looks it up: a JSON pointer.
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(json.pointer(&own.id).unwrap(), "three");
        let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "nothing is left beside it");
        for (open, taken) in [(0o644, false), (0o620, false), (0o711, true), (0o600, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(open)).unwrap();
            assert_eq!(is_taken(&path), taken, "{open:o}");
        }
        std::fs::hard_link(&path, dir.path().join("other")).unwrap();
        assert!(read(&path, "ours").is_err(), "the program refuses a second name");
        std::fs::write(&path, "{\"agents\":1}").unwrap();
        assert!(read(&path, "ours").is_err());
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(read(&path, "ours").unwrap(), None);
    }
}
