//! The lock files by which a gateway says who it is.
//!
//! Up to 2026.6: `<tmpdir>/openclaw-<uid>/gateway.<first 8 hex digits of sha256(config path)>.lock` with `pid`, `createdAt`, `configPath`,
//! `startTime`. Since 2026.8: the same name and `gateway.state.lock`, both in `<stateDir>/tmp/openclaw-<uid>/`, with `port`, `stateDir` and,
//! for other owners than a gateway (an embedded agent, doctor), `role`. Read in 2026.3.28, 5.28, 6.11, 8.2, 9.6.

use super::process;
use crate::files;
use keyshoal_core::Timestamp;
use serde_json::Value;
use std::path::{Path, PathBuf};

const LOCK_LIMIT: u64 = 64 * 1024;
const LOCKS_PER_DIRECTORY: usize = 4096;

/// One lock file, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The file.
    pub path: PathBuf,
    /// The process that took it.
    pub pid: u32,
    /// The config of that gateway.
    pub config_path: Option<PathBuf>,
    /// Its state directory (2026.8 and later).
    pub state_dir: Option<PathBuf>,
    /// Its port (2026.8 and later).
    pub port: Option<u16>,
    /// Who holds it; `None` means a gateway.
    pub role: Option<String>,
    /// When it was taken. A gateway that restarts within its process takes it anew.
    pub created: Option<Timestamp>,
    /// When the process began, in ticks since boot.
    pub start_ticks: Option<i64>,
}

impl Lock {
    /// Tells whether the process that took the lock still lives.
    pub fn alive(&self) -> bool {
        match (process::start_ticks(self.pid), self.start_ticks) {
            (None, _) => false,
            (Some(now), Some(then)) => now == then,
            (Some(_), None) => process::looks_like_gateway(self.pid),
        }
    }

    /// Tells whether a gateway took it, and not doctor or an embedded agent.
    pub fn is_gateway(&self) -> bool {
        self.role.as_deref().is_none_or(|role| role == "gateway")
    }
}

/// Lock files, and what could not be looked into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locks {
    /// Those that were read.
    pub found: Vec<Lock>,
    /// Directories in which there may be more.
    pub closed: Vec<PathBuf>,
}

/// Reads the lock files of a state directory: only those of releases that keep them there (2026.8 and later).
pub fn in_state_dir(state_dir: &Path) -> Locks {
    below(&state_dir.join("tmp"), |_| true)
}

/// Reads the lock files in a directory for temporary files (up to 2026.6), whosever gateway they are of.
///
/// Only directories of these users count: anybody may put a lock there that names our config and a port of his own, and what
/// listens on the port is shown the gateway's token.
pub fn in_tmp(tmp: &Path, owners: &[u32]) -> Locks {
    below(tmp, |dir| files::owner(dir).is_some_and(|owner| owners.contains(&owner)))
}

fn below(parent: &Path, trusted: impl Fn(&Path) -> bool) -> Locks {
    let mut locks = Locks::default();
    let Ok(names) = files::names(parent, 1 << 16) else {
        locks.closed.push(parent.to_owned());
        return locks;
    };
    for dir in names
        .iter()
        .filter(|name| name.to_str().is_some_and(holds_locks))
        .map(|dir| parent.join(dir))
        .filter(|dir| trusted(dir))
    {
        match in_dir(&dir) {
            Some(found) => locks.found.extend(found),
            None => locks.closed.push(dir),
        }
    }
    locks.found.sort_by(|a, b| a.path.cmp(&b.path));
    locks
}

/// Tells by its name whether a directory is one of those for locks: what else OpenClaw keeps beside them says nothing about a gateway.
fn holds_locks(name: &str) -> bool {
    name.strip_prefix("openclaw-").is_some_and(|user| user.parse::<u32>().is_ok())
}

/// Returns the lock files of a directory; `None` where it cannot be looked into.
fn in_dir(dir: &Path) -> Option<Vec<Lock>> {
    let names = files::names(dir, LOCKS_PER_DIRECTORY).ok()?;
    let locks = names.iter().filter_map(|name| name.to_str());
    let locks = locks.filter(|name| name.starts_with("gateway.") && name.ends_with(".lock"));
    Some(locks.filter_map(|name| read(&dir.join(name))).collect())
}

fn read(path: &Path) -> Option<Lock> {
    let bytes = files::read(path, LOCK_LIMIT).ok()??;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    let path_at = |key: &str| value.get(key).and_then(Value::as_str).map(PathBuf::from);
    Some(Lock {
        path: path.to_owned(),
        pid: value.get("pid")?.as_u64()?.try_into().ok()?,
        config_path: path_at("configPath"),
        state_dir: path_at("stateDir"),
        port: value.get("port").and_then(Value::as_u64).and_then(|port| port.try_into().ok()),
        role: value.get("role").and_then(Value::as_str).map(str::to_owned),
        created: value.get("createdAt").and_then(Value::as_str).and_then(|at| at.parse().ok()),
        start_ticks: value.get("startTime").and_then(Value::as_i64),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_in_another_users_directory_says_nothing() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("openclaw-1000");
        files::make_private_dir(&dir).unwrap();
        let path = dir.join("gateway.0123abcd.lock");
        let mut file = files::create_new(&path).unwrap();
        std::io::Write::write_all(&mut file, b"{\"pid\":7,\"configPath\":\"/x\",\"port\":9}").unwrap();
        let us = rustix::process::geteuid().as_raw();
        assert_eq!(in_tmp(tmp.path(), &[us]).found.len(), 1);
        assert_eq!(in_tmp(tmp.path(), &[us + 1]), Locks::default());
    }

    #[test]
    fn a_lock_tells_when_it_was_taken() {
        let tmp = tempfile::tempdir().unwrap();
        let write = |name: &str, created: &str| {
            let path = tmp.path().join(name);
            let text = format!("{{\"pid\":7,\"createdAt\":\"{created}\"}}");
            std::io::Write::write_all(&mut files::create_new(&path).unwrap(), text.as_bytes()).unwrap();
            read(&path).unwrap().created
        };
        assert_eq!(write("a", "2026-11-27T08:15:39.000Z"), "2026-11-27T08:15:39Z".parse().ok());
        assert_eq!(write("b", "yesterday"), None);
    }

    #[test]
    fn only_directories_for_locks_are_looked_into() {
        let names = ["openclaw-1000", "openclaw", "openclaw-state-locks-0", "openclaw-", "openclaw-1000x"];
        let held: Vec<_> = names.into_iter().filter(|name| holds_locks(name)).collect();
        assert_eq!(held, ["openclaw-1000"]);
    }
}
