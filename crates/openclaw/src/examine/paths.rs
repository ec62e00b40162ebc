//! Owners and modes of credential files, and the file system that they lie on.

use crate::files;
use keyshoal_core::Timestamp;
use keyshoal_core::examination::{Disk, PathFacts};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What holds credentials in an agent's directory, besides the directory itself.
const IN_AGENT_DIR: [&str; 7] = [
    "auth-profiles.json",
    "auth-state.json",
    "auth.json",
    "models.json",
    "openclaw-agent.sqlite",
    "openclaw-agent.sqlite-wal",
    "openclaw-agent.sqlite-shm",
];

/// Returns owner and mode of the credential files below a state directory: of these agents' directories, the state database,
/// the config and `.env`.
pub fn credential_paths(state_dir: &Path, config: &Path, agent_dirs: &[PathBuf]) -> Vec<PathFacts> {
    let state = state_dir.join("state");
    let single = [
        state_dir.to_owned(),
        config.to_owned(),
        state_dir.join(".env"),
        state_dir.join("credentials"),
        state.join("openclaw.sqlite"),
        state.join("openclaw.sqlite-wal"),
        state.join("openclaw.sqlite-shm"),
    ];
    let of_agents = agent_dirs.iter().flat_map(|dir| {
        let files = IN_AGENT_DIR.iter().map(|name| dir.join(name));
        std::iter::once(dir.clone()).chain(files)
    });
    single.into_iter().chain(of_agents).filter_map(|path| facts(&path)).collect()
}

/// Returns the user whose a directory is.
pub fn owner(path: &Path) -> Option<u32> {
    files::owner(path)
}

fn facts(path: &Path) -> Option<PathFacts> {
    let meta = files::metadata(path).ok().flatten()?;
    Some(PathFacts {
        path: path.display().to_string(),
        directory: meta.is_dir(),
        owner: meta.uid(),
        mode: meta.mode() & 0o7777,
        modified: modified(&meta),
    })
}

pub(super) fn modified(meta: &Metadata) -> Option<Timestamp> {
    Timestamp::try_from(meta.modified().ok()?).ok()
}

/// Returns how much room there is where a directory lies; `None` where the system does not say.
pub fn disk(path: &Path) -> Option<Disk> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(Disk {
        free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        free_files: (found.f_files > 0).then_some(found.f_favail),
        read_only: found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use keyshoal_core::{Layout, StoreId};

    #[test]
    fn every_credential_file_is_told_with_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let made = sample::Installation::new(Layout::JsonFile).api_key(StoreId::Base, "acme:default", "one");
        made.write(&state).unwrap();
        let agent_dir = state.join("agents/main/agent");
        let found = credential_paths(&state, &state.join("openclaw.json"), std::slice::from_ref(&agent_dir));
        let store = agent_dir.join("auth-profiles.json").display().to_string();
        let store = found.iter().find(|one| one.path == store).unwrap();
        assert_eq!((store.mode, store.directory), (0o600, false));
        assert!(found.iter().any(|one| one.directory && one.mode == 0o700));
        assert!(disk(&state).unwrap().free_bytes > 0);
    }
}
