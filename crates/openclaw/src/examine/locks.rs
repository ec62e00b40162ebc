//! Lock files of OAuth refreshes and of JSON stores, and whether who took them still lives.

use crate::files;
use crate::gateway::process;
use keyshoal_core::Timestamp;
use keyshoal_core::examination::{Guarded, LockFacts};
use serde_json::Value;
use std::path::{Path, PathBuf};

const LOCK_LIMIT: u64 = 64 << 10;
/// So many locks of one directory are looked at.
const MOST: usize = 1000;

/// Returns the locks of OAuth refreshes (`locks/oauth-refresh`, since 2026.4) and those beside the stores in these directories.
pub fn all(state_dir: &Path, agent_dirs: &[PathBuf]) -> Vec<LockFacts> {
    let dir = state_dir.join("locks").join("oauth-refresh");
    let names = files::names(&dir, MOST).unwrap_or_default();
    let mut refreshes: Vec<PathBuf> = names.iter().map(|name| dir.join(name)).collect();
    refreshes.sort();
    let refreshes = refreshes.iter().filter_map(|path| look(path, Guarded::OAuthRefresh));
    let stores =
        agent_dirs.iter().filter_map(|dir| look(&dir.join("auth-profiles.json.lock"), Guarded::Store));
    refreshes.chain(stores).collect()
}

fn look(path: &Path, guards: Guarded) -> Option<LockFacts> {
    let meta = files::metadata(path).ok().flatten()?;
    let body: Option<Value> = (meta.is_file())
        .then(|| files::read(path, LOCK_LIMIT).ok().flatten())
        .flatten()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let number = |key: &str| body.as_ref()?.get(key)?.as_i64();
    let pid = number("pid").and_then(|pid| u32::try_from(pid).ok());
    let taken = body.as_ref().and_then(|body| body.get("createdAt")?.as_str()?.parse::<Timestamp>().ok());
    let alive = pid.map(|pid| match (process::start_ticks(pid), number("starttime")) {
        (None, _) => false,
        (Some(now), Some(then)) => now == then,
        (Some(_), None) => true,
    });
    Some(LockFacts {
        path: path.display().to_string(),
        guards,
        pid,
        alive,
        since: taken.or_else(|| super::paths::modified(&meta)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(path: &Path, text: &str) {
        files::make_private_dir(path.parent().unwrap()).unwrap();
        let mut file = files::create_new(path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    }

    #[test]
    fn whoever_took_a_lock_is_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        let refresh = dir.path().join("locks/oauth-refresh/lock-0123.lock");
        let us = std::process::id();
        put(&refresh, &format!("{{\"pid\":{us},\"createdAt\":\"2026-09-01T00:00:00.000Z\"}}"));
        put(&dir.path().join("agent/auth-profiles.json.lock"), "{\"pid\":4294967294}");
        let found = all(dir.path(), &[dir.path().join("agent")]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].guards, found[0].alive), (Guarded::OAuthRefresh, Some(true)));
        assert_eq!(found[0].since, "2026-09-01T00:00:00Z".parse().ok());
        assert_eq!((found[1].guards, found[1].alive), (Guarded::Store, Some(false)));
    }
}
