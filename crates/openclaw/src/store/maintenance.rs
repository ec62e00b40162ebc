//! Whether OpenClaw's own doctor is at work on the installation: it then owns the databases for itself.

use crate::files::{self, PathError};
use rustix::process::{Pid, test_kill_process};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A doctor that may live where we cannot see it counts as alive for this long: migrating large databases takes minutes.
const UNSEEN_AGE: Duration = Duration::from_secs(10 * 60);
/// The inode of the first PID namespace (`PROC_PID_INIT_INO`), from which every process can be seen.
const FIRST_NAMESPACE: &str = "pid:[4026531836]";

/// Returns who maintains the databases of a state directory right now, for people. `None`: nobody.
///
/// Since 2026.9 a maintaining process writes `tmp/openclaw-<uid>/gateway.state.lock` with the role `sqlite-maintenance`; the
/// gateway's own lock there has no role, or `gateway`, and is no obstacle.
pub(super) fn maintainer(state_dir: &Path) -> Result<Option<String>, PathError> {
    let tmp = state_dir.join("tmp");
    for name in files::listing(&tmp)?.unwrap_or_default() {
        if !name.starts_with("openclaw") {
            continue;
        }
        let path = tmp.join(&name).join("gateway.state.lock");
        let Ok(Some(lock)) = files::read(&path, 64 << 10) else { continue };
        let Ok(lock) = serde_json::from_slice::<serde_json::Value>(&lock) else { continue };
        let text = |field: &str| lock.get(field).and_then(serde_json::Value::as_str);
        let number = |field: &str| lock.get(field).and_then(serde_json::Value::as_i64);
        if text("role") != Some("sqlite-maintenance") {
            continue;
        }
        let pid = number("pid").and_then(|pid| i32::try_from(pid).ok());
        let said = |pid: i32| format!("openclaw doctor (process {pid})");
        match pid.map(|pid| (pid, life(pid, number("startTime")))) {
            Some((pid, Life::Alive)) => return Ok(Some(said(pid))),
            Some((pid, Life::Unseen)) if is_recent(&path)? => {
                return Ok(Some(format!(
                    "{}, which cannot be seen from here; if none is at work, remove {}",
                    said(pid),
                    path.display()
                )));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// What can be told of a process that somebody noted, perhaps in another container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Alive,
    Dead,
    /// Not among the processes that we see, which are not all.
    Unseen,
}

/// Says whether a process lives and is the one that began at `start` (clock ticks since boot), where that is known.
fn life(pid: i32, start: Option<i64>) -> Life {
    if is_alive(pid, start) {
        return Life::Alive;
    }
    match std::fs::read_link("/proc/self/ns/pid") {
        Ok(namespace) if namespace == Path::new(FIRST_NAMESPACE) => match inside_another(pid, start) {
            true => Life::Alive,
            false => Life::Dead,
        },
        _ => Life::Unseen,
    }
}

fn is_alive(pid: i32, start: Option<i64>) -> bool {
    let Some(known) = Pid::from_raw(pid) else { return false };
    if test_kill_process(known).is_err_and(|error| error != rustix::io::Errno::PERM) {
        return false;
    }
    match (start, start_time(&pid.to_string())) {
        (Some(noted), Some(now)) => noted == now,
        _ => true,
    }
}

/// Tells whether a process of another namespace has this id there, and began at that time.
fn inside_another(pid: i32, start: Option<i64>) -> bool {
    let all = files::listing(Path::new("/proc")).ok().flatten().unwrap_or_default();
    all.iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).any(|name| {
        let same_id = inner_id(name) == Some(pid);
        same_id && start.is_none_or(|start| start_time(name).is_none_or(|now| now == start))
    })
}

/// Reads the id that a process has in the innermost of its namespaces, where that is not ours.
fn inner_id(process: &str) -> Option<i32> {
    let status = text_of(process, "status")?;
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    let mut ids = ids.split_whitespace();
    ids.next()?;
    ids.next_back()?.parse().ok()
}

/// Reads field 22 of `/proc/<pid>/stat`.
fn start_time(process: &str) -> Option<i64> {
    let stat = text_of(process, "stat")?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

fn text_of(process: &str, file: &str) -> Option<String> {
    let path: PathBuf = ["/proc", process, file].iter().collect();
    String::from_utf8(files::read(&path, 64 << 10).ok()??).ok()
}

fn is_recent(lock: &Path) -> Result<bool, PathError> {
    let modified = files::metadata(lock)?.and_then(|meta| meta.modified().ok());
    Ok(modified.is_some_and(|then| {
        files::wall_clock().duration_since(then).is_ok_and(|past| past < UNSEEN_AGE)
            || then > files::wall_clock()
    }))
}
