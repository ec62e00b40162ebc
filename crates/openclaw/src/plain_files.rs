//! Files that hold plaintext of credentials and are no stores: read whole, and changed only where they still hold what was seen.
//!
//! No release takes a lock of a file for them (2026.3.28 to 2026.9.6 order only their own process), so that a writer of the program
//! is noticed by the file that our own displaces.

use crate::files::{self, OpenFile, PathError, Prepared, Put};
use keyshoal_core::{Fingerprint, Fingerprints, Secret};
use std::collections::BTreeSet;
use std::path::Path;

/// Larger files are none that the program makes.
const LARGEST: u64 = 16 << 20;

/// What came of changing a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It is as wanted, durably.
    Done,
    /// It holds something else than was expected, and is left.
    Meanwhile,
}

/// Reads a file; `None` where there is none. An error says in words why it is not to be touched.
pub fn text(path: &Path) -> Result<Option<Secret>, String> {
    if files::is_link(path) {
        return Err("it is a link; what it leads to may be needed elsewhere".to_owned());
    }
    let Some(file) = OpenFile::open(path).map_err(|error| error.to_string())? else { return Ok(None) };
    if let Some(reason) = files::made_read_only(file.meta()).or_else(|| files::further_names(file.meta())) {
        return Err(reason);
    }
    let bytes = file.bytes(LARGEST).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    Ok(Some(Secret::new(text)))
}

/// Returns the fingerprint of a whole text.
pub fn print(prints: &dyn Fingerprints, text: &Secret) -> Fingerprint {
    prints.of(&["file", text.reveal_secret()])
}

/// Makes a file hold `wanted` (`None`: makes it go), where it still holds what `expected` accepts. Durable on return. Only by one writer
/// of ours at a time: what a writer that broke off left beside it goes.
pub fn bring(
    path: &Path,
    expected: &dyn Fn(Option<&Secret>) -> bool,
    wanted: Option<&Secret>,
) -> Result<Brought, PathError> {
    sweep(path)?;
    let dir = path.parent().unwrap_or(Path::new("/"));
    let current = OpenFile::open(path)?;
    let stands = |file: &OpenFile| -> Result<bool, PathError> {
        let text = String::from_utf8(file.bytes(LARGEST)?).ok().map(Secret::new);
        Ok(text.is_some() && expected(text.as_ref()) && file.still_named()?)
    };
    match (current, wanted) {
        (None, None) if expected(None) => return Ok(Brought::Done),
        (None, Some(text)) if expected(None) => {
            let new = Prepared::write(path, text.reveal_secret().as_bytes(), None, true)?;
            if !matches!(new.exchange(None)?, Put::Done) {
                return Ok(Brought::Meanwhile);
            }
        }
        (None, _) => return Ok(Brought::Meanwhile),
        (Some(file), None) => {
            if !stands(&file)? {
                return Ok(Brought::Meanwhile);
            }
            files::remove(path)?;
        }
        (Some(file), Some(text)) => {
            let new = Prepared::write(path, text.reveal_secret().as_bytes(), Some(file.meta()), true)?;
            if !stands(&file)? {
                return Ok(Brought::Meanwhile);
            }
            match new.exchange(Some(&file))? {
                Put::Done => {}
                Put::Taken => return Ok(Brought::Meanwhile),
                Put::Unseen(error) => return Err(error),
                Put::Displaced(other) => {
                    // The program wrote in the last moment: its text counts.
                    Prepared::write(path, &other.bytes(LARGEST)?, Some(other.meta()), true)?.put()?;
                    files::sync_dir(dir)?;
                    return Ok(Brought::Meanwhile);
                }
            }
        }
    }
    files::sync_dir(dir)?;
    Ok(Brought::Done)
}

/// Removes what a writer of ours that broke off has left beside a file: it holds what the file held.
pub fn sweep(path: &Path) -> Result<(), PathError> {
    files::sweep(&BTreeSet::from([path.to_owned()]), files::wall_clock())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests look at files directly")]
mod tests {
    use super::*;
    use std::fs;

    fn is(text: &'static str) -> impl Fn(Option<&Secret>) -> bool {
        move |found| found == Some(&Secret::new(text))
    }

    fn names(dir: &Path) -> Vec<String> {
        files::listing(dir).unwrap().unwrap()
    }

    #[test]
    fn a_file_goes_changes_and_comes_back_only_where_it_is_as_expected() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("models.json");
        let nothing = |found: Option<&Secret>| found.is_none();
        let new = Secret::new("new");
        assert_eq!(bring(&path, &is("old"), None).unwrap(), Brought::Meanwhile);
        assert_eq!(bring(&path, &is("old"), Some(&new)).unwrap(), Brought::Meanwhile);
        assert_eq!(bring(&path, &nothing, None).unwrap(), Brought::Done);
        assert_eq!(names(dir.path()), Vec::<String>::new());

        fs::write(&path, "old").unwrap();
        assert_eq!(bring(&path, &nothing, Some(&new)).unwrap(), Brought::Meanwhile);
        assert_eq!(bring(&path, &is("other"), Some(&new)).unwrap(), Brought::Meanwhile);
        assert_eq!(bring(&path, &is("other"), None).unwrap(), Brought::Meanwhile);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(bring(&path, &is("old"), Some(&new)).unwrap(), Brought::Done);
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(bring(&path, &is("new"), None).unwrap(), Brought::Done);
        assert_eq!(bring(&path, &nothing, Some(&new)).unwrap(), Brought::Done);
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(dir.path()).len()), ("new", 1));
    }

    #[test]
    fn what_has_further_names_or_is_a_link_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("models.json");
        fs::write(&path, "old").unwrap();
        assert_eq!(text(&path).unwrap(), Some(Secret::new("old")));
        std::os::unix::fs::symlink(&path, dir.path().join("link")).unwrap();
        assert!(text(&dir.path().join("link")).unwrap_err().contains("link"));
        fs::hard_link(&path, dir.path().join("twin")).unwrap();
        assert!(text(&path).unwrap_err().contains("names"));
        assert_eq!(text(&dir.path().join("none")).unwrap(), None);
    }
}
