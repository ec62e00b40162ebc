//! What the config says of things that are no credentials: where references are looked up, the log.

use super::model::SecretProvider;
use super::notes::{Look, Notes};
use crate::locate;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Outside {
    /// `secrets.providers`.
    pub(super) secret_providers: BTreeMap<String, SecretProvider>,
    /// `logging.file`.
    pub(super) log_file: Option<PathBuf>,
}

/// Reads `secrets.providers` and `logging.file`.
pub(super) fn read(root: &Look<'_>, home: &Path, notes: &mut Notes<'_>) -> Outside {
    let providers =
        root.object_at("secrets", notes).and_then(|secrets| secrets.object_at("providers", notes));
    let mut secret_providers = BTreeMap::new();
    for (name, provider) in providers.iter().flat_map(Look::entries) {
        let path = provider.text_at("path", notes).or_else(|| provider.text_at("command", notes));
        let single_value = provider.text_at("mode", notes).as_deref() == Some("singleValue");
        secret_providers.insert(name.to_owned(), SecretProvider { path, single_value });
    }
    let log_file = root.object_at("logging", notes).and_then(|logging| logging.text_at("file", notes));
    Outside {
        secret_providers,
        log_file: log_file.and_then(|file| locate::resolve(Path::new(&file), Some(home)).ok()),
    }
}
