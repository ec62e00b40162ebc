//! Whether OpenClaw's own doctor is at work on the installation: it then owns the databases for itself.

use crate::files::{self, PathError};
use rustix::process::{Pid, test_kill_process};
use std::path::Path;

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
        let Ok(Some(lock)) = files::read(&tmp.join(&name).join("gateway.state.lock"), 64 << 10) else {
            continue;
        };
        let Ok(lock) = serde_json::from_slice::<serde_json::Value>(&lock) else { continue };
        let text = |field: &str| lock.get(field).and_then(serde_json::Value::as_str);
        let number = |field: &str| lock.get(field).and_then(serde_json::Value::as_i64);
        if text("role") != Some("sqlite-maintenance") {
            continue;
        }
        let pid = number("pid").and_then(|pid| i32::try_from(pid).ok());
        if pid.is_some_and(|pid| is_alive(pid, number("startTime"))) {
            return Ok(Some(format!("openclaw doctor (process {})", pid.unwrap_or_default())));
        }
    }
    Ok(None)
}

/// Tells whether a process lives and is the one that began at `start` (clock ticks since boot), where that is known.
fn is_alive(pid: i32, start: Option<i64>) -> bool {
    let Some(known) = Pid::from_raw(pid) else { return false };
    if test_kill_process(known).is_err_and(|error| error != rustix::io::Errno::PERM) {
        return false;
    }
    match (start, start_time(pid)) {
        (Some(noted), Some(now)) => noted == now,
        _ => true,
    }
}

/// Reads field 22 of `/proc/<pid>/stat`.
fn start_time(pid: i32) -> Option<i64> {
    let stat = files::read(Path::new(&format!("/proc/{pid}/stat")), 4096).ok()??;
    let stat = String::from_utf8(stat).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}
