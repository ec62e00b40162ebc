//! Where a state directory lay that was copied: its config names places there, and they are the copy's.

use keyshoal_openclaw::config::{RawConfig, named_places};
use keyshoal_openclaw::files;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// How OpenClaw calls its state directories.
const NAME: &str = ".openclaw";

/// Returns the directory that a copy was made of, as far as its config tells: `None` where that names the directory itself, or no place
/// that could have been in it.
pub(super) fn of(raw: &RawConfig, copy: &Path) -> Option<PathBuf> {
    let texts = std::iter::once(&raw.text).chain(raw.included.iter().map(|(_, text)| text));
    let named: Vec<PathBuf> = texts.flat_map(named_places).map(|(_, path)| path).collect();
    if named.iter().any(|path| path.starts_with(copy)) {
        return None;
    }
    let mut votes: BTreeMap<&Path, usize> = BTreeMap::new();
    for path in &named {
        let dirs = path.ancestors().skip(1).filter(|dir| dir.parent().is_some());
        for dir in dirs.filter(|dir| may_be(dir, path, copy)) {
            *votes.entry(dir).or_default() += 1;
        }
    }
    // Of two that say the same, the outer one.
    let found =
        votes.into_iter().max_by_key(|(dir, count)| (*count, std::cmp::Reverse(dir.components().count())));
    found.map(|(dir, _)| dir.to_owned())
}

/// Tells whether a place may have been named as one of this directory: by what that is called, or because the copy has it.
fn may_be(dir: &Path, path: &Path, copy: &Path) -> bool {
    let Ok(rest) = path.strip_prefix(dir) else { return false };
    if !rest.components().all(|part| matches!(part, Component::Normal(_))) {
        return false;
    }
    let called = dir.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(NAME));
    let first = rest.components().next().and_then(|part| part.as_os_str().to_str()).unwrap_or_default();
    let telling = rest.components().count() > 1 || first.starts_with("workspace");
    called || telling && files::exists(&copy.join(rest))
}

/// Returns the place in the copy for one in the directory that it was made of.
pub(super) fn in_copy(path: &Path, origin: &Path, copy: &Path) -> Option<PathBuf> {
    path.strip_prefix(origin).ok().map(|rest| copy.join(rest))
}
