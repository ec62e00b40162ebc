//! What OpenClaw's migrations left of a JSON store: plaintext archives, which also teach earlier generations.

use super::{StoreContents, contents, json_text::Document};
use crate::files;
use std::path::{Path, PathBuf};

const LIMIT: u64 = 16 << 20;

/// One archive of an agent's earlier store.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Where it is.
    pub path: PathBuf,
    /// What it holds; nothing where it cannot be read.
    pub contents: StoreContents,
}

/// Finds the archives in an agent's directory: `auth-profiles.json.migrated-*` and `auth-profiles.json.sqlite-import.*.bak`.
/// A leftover `auth-profiles.json` is none: nobody knows who put it there, or when.
pub fn archives(agent_dir: &Path) -> Vec<Archive> {
    let names = files::listing(agent_dir).ok().flatten().unwrap_or_default();
    names
        .iter()
        .filter(|name| archive_of(name) == Some("auth-profiles.json"))
        .map(|name| {
            let path = agent_dir.join(name);
            Archive { contents: read(&path).unwrap_or_default(), path }
        })
        .collect()
}

/// Returns of which file a name is an archive, if it is one: of a store, or of the form before it.
pub(crate) fn archive_of(name: &str) -> Option<&'static str> {
    ["auth-profiles.json", "auth.json"].into_iter().find(|of| {
        let rest = name.strip_prefix(of).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| {
            rest.starts_with("migrated-") || rest.starts_with("sqlite-import.") && rest.ends_with(".bak")
        })
    })
}

fn read(path: &Path) -> Option<StoreContents> {
    let bytes = files::read(path, LIMIT).ok()??;
    let document = Document::parse(String::from_utf8(bytes).ok()?).ok()?;
    contents::contents(&document, None, contents::Dialect::JsonFile).ok()
}
