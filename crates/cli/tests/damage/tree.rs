//! Whole directories, before and after.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything under a directory, itself included.
pub fn everything(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.to_owned()];
    if std::fs::symlink_metadata(dir).is_ok_and(|meta| meta.is_dir()) {
        for entry in std::fs::read_dir(dir).unwrap() {
            found.extend(everything(&entry.unwrap().path()));
        }
    }
    found
}

/// All files under a directory with what they hold; links with where they lead.
pub fn snapshot(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let held = |path: PathBuf| {
        let meta = std::fs::symlink_metadata(&path).unwrap();
        let bytes = match meta.file_type() {
            kind if kind.is_symlink() => {
                std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            }
            kind if kind.is_file() => std::fs::read(&path).unwrap(),
            _ => Vec::new(),
        };
        (path, bytes)
    };
    everything(dir).into_iter().map(held).collect()
}

/// What differs between two snapshots, by name and length.
pub fn changes(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<String> {
    let length = |all: &BTreeMap<PathBuf, Vec<u8>>, path| all.get(path).map(Vec::len);
    let paths: std::collections::BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| format!("{}: {:?} -> {:?}", path.display(), length(before, path), length(after, path)))
        .collect()
}
