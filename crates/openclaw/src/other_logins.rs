//! Logins of other programs on this machine that OpenClaw takes over by itself.

use crate::{Environment, files};
use keyshoal_core::ProviderId;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Returns the providers at which such a program is signed in, as far as its file tells. What is in the file is not read.
///
/// Codex serves `openai-codex` in every release, and since its provider is `openai` (2026.6) that one too.
pub fn found(home: &Path, env: &Environment) -> BTreeSet<ProviderId> {
    let codex = env.get("CODEX_HOME").map_or_else(|| home.join(".codex"), PathBuf::from).join("auth.json");
    let minimax = home.join(".minimax").join("oauth_creds.json");
    let files: [(PathBuf, &[&str]); 2] =
        [(codex, &["openai-codex", "codex", "openai"]), (minimax, &["minimax-portal"])];
    let present = files.into_iter().filter(|(file, _)| files::exists(file));
    present.flat_map(|(_, providers)| providers.iter().map(|name| ProviderId::new(*name))).collect()
}
