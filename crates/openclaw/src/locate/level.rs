//! A directory that was named in place of the state directory above or below it.

use super::existing_config;
use crate::files;
use std::path::{Path, PathBuf};

/// Returns the state directory that was meant by one that is none: a home, `agents/`, or an agent's own directory. An empty directory may be
/// a new installation's.
pub(super) fn right_one(given: &Path) -> Option<PathBuf> {
    if holds_something(given) {
        return None;
    }
    let below = given.join(".openclaw");
    if holds_something(&below) {
        return Some(below);
    }
    let above = given.ancestors().skip(1).take(3).filter(|above| given.starts_with(above.join("agents")));
    above.into_iter().find(|above| existing_config(above).is_some()).map(Path::to_owned)
}

/// Tells whether a directory holds anything by which a state directory is known.
fn holds_something(dir: &Path) -> bool {
    existing_config(dir).is_some() || ["agents", "state"].iter().any(|name| files::is_dir(&dir.join(name)))
}
