//! What Linux tells about a gateway's process: whether it lives, since when, and which state directory it was started for.

use super::sockets;
use crate::files;
use keyshoal_core::{Timestamp, time};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `/proc/<pid>/stat` counts in hundredths of a second on every architecture that Node.js runs on (USER_HZ).
const TICKS_PER_SECOND: i64 = 100;
const PROC_LIMIT: u64 = 1 << 20;

fn proc_text(path: &Path) -> Option<String> {
    let bytes = files::read(path, PROC_LIMIT).ok()??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn of(pid: u32, what: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(what)
}

/// Returns when the process began, in ticks since boot: OpenClaw's locks carry the same number. `None` when there is no such process.
pub fn start_ticks(pid: u32) -> Option<i64> {
    let stat = proc_text(&of(pid, "stat"))?;
    // The second field is the program's name in parentheses and may hold anything, parentheses included.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    // A zombie has ended; only its parent has not noticed.
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Returns the process that started it, or that took it over since.
pub(crate) fn parent(pid: u32) -> Option<u32> {
    let stat = proc_text(&of(pid, "stat"))?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

/// Returns when the process began, to the second.
pub fn started(pid: u32) -> Option<Timestamp> {
    let ticks = start_ticks(pid)?;
    let stat = proc_text(Path::new("/proc/stat"))?;
    let boot: i64 = stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    time::from_millis((boot + ticks / TICKS_PER_SECOND).checked_mul(1000)?)
}

/// Returns variables that the process was started with, those of these names only. `None` when they cannot be seen (another user's).
pub fn environment(pid: u32, names: &[&str]) -> Option<BTreeMap<String, String>> {
    let text = proc_text(&of(pid, "environ"))?;
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    Some(
        pairs
            .filter(|(name, value)| names.contains(name) && !value.is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}

/// Tells whether the process looks like a gateway by its command line: `openclaw-gateway`, or `… gateway …` of openclaw.
pub fn looks_like_gateway(pid: u32) -> bool {
    let Some(line) = proc_text(&of(pid, "cmdline")) else { return false };
    let words: Vec<&str> = line.split(['\0', ' ']).filter(|word| !word.is_empty()).collect();
    line.contains("openclaw") && (line.contains("openclaw-gateway") || words.contains(&"gateway"))
}

/// Says what a process of OpenClaw is for, by its command line: the words after the program's name. Nothing for other programs.
pub(crate) fn what_of_openclaw(pid: u32) -> Option<String> {
    let line = proc_text(&of(pid, "cmdline"))?;
    let words: Vec<&str> = line.split(['\0', ' ']).filter(|word| !word.is_empty()).collect();
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let at = words.iter().position(|word| {
        let name = name(word);
        name == "openclaw"
            || name == "openclaw.mjs"
            || name.starts_with("openclaw-node")
            || name == "openclaw-gateway"
    })?;
    // Options may carry tokens, so that only plain words are repeated.
    let plain = words[at + 1..].iter().take_while(|word| {
        word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && !word.starts_with('-')
    });
    let words: Vec<String> =
        std::iter::once(name(words[at])).chain(plain.take(2).map(|word| (*word).to_owned())).collect();
    Some(words.join(" "))
}

/// Tells whether a process of this user looks like a gateway. Yes, where the processes cannot be listed.
pub fn runs_a_gateway(user: u32) -> bool {
    let Some(pids) = all() else { return true };
    pids.into_iter().any(|pid| files::owner(&of(pid, "")) == Some(user) && looks_like_gateway(pid))
}

/// Tells whether the command line chooses a state directory by `--profile` or `--dev`. A process that has renamed itself no longer shows it.
pub fn chooses_profile(pid: u32) -> bool {
    let Some(line) = proc_text(&of(pid, "cmdline")) else { return true };
    let mut words = line.split('\0');
    words.any(|word| word == "--dev" || word == "--profile" || word.starts_with("--profile="))
}

/// Returns the value of `--port` on the command line, where it still stands there.
pub fn port_option(pid: u32) -> Option<u16> {
    let line = proc_text(&of(pid, "cmdline"))?;
    let mut words = line.split('\0');
    while let Some(word) = words.next() {
        if word == "--port" {
            return words.next()?.parse().ok();
        }
        if let Some(port) = word.strip_prefix("--port=") {
            return port.parse().ok();
        }
    }
    None
}

/// Finds the process that listens on this port of the loopback or of every address. `None` when it belongs to another user or container.
pub fn listener(port: u16) -> Option<u32> {
    let wanted: Vec<String> =
        sockets::listeners(port).iter().map(|one| format!("socket:[{}]", one.inode)).collect();
    if wanted.is_empty() {
        return None;
    }
    all()?.into_iter().find(|pid| holds(*pid, &wanted))
}

/// Returns the number of every process that can be seen; `None` where they cannot be listed.
pub(crate) fn all() -> Option<Vec<u32>> {
    let names = files::names(Path::new("/proc"), 1 << 17).ok()?;
    Some(names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
}

fn holds(pid: u32, wanted: &[String]) -> bool {
    let dir = of(pid, "fd");
    files::names(&dir, 1 << 16).unwrap_or_default().iter().any(|name| {
        std::fs::read_link(dir.join(name))
            .is_ok_and(|target| target.to_str().is_some_and(|target| wanted.iter().any(|one| one == target)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn finds_itself_listening() {
        let listener_socket = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener_socket.local_addr().unwrap().port();
        assert_eq!(listener(port), Some(std::process::id()));
        drop(listener_socket);
        assert_eq!(listener(port), None);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test plays a gateway's process")]
    fn sees_whose_gateways_run() {
        use std::os::unix::process::CommandExt;
        let us = rustix::process::geteuid().as_raw();
        let mut gateway =
            std::process::Command::new("sleep").arg0("openclaw-gateway").arg("60").spawn().unwrap();
        // A process shows its command line a moment after it has begun.
        let mut sightings = (0..500).map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            runs_a_gateway(us)
        });
        let (seen, of_another) = (sightings.any(|seen| seen), runs_a_gateway(us + 77_777));
        gateway.kill().unwrap();
        gateway.wait().unwrap();
        assert!(seen && !of_another);
    }

    #[test]
    fn knows_when_it_began() {
        let pid = std::process::id();
        assert!(start_ticks(pid).unwrap() > 0);
        assert!(started(pid).unwrap() > Timestamp::UNIX_EPOCH);
        assert_eq!(start_ticks(u32::MAX - 1), None);
    }

    #[test]
    fn shows_only_the_variables_asked_for() {
        let seen = environment(std::process::id(), &["PATH"]).unwrap();
        assert!(seen.keys().all(|name| name == "PATH"));
        assert_eq!(environment(u32::MAX - 1, &["PATH"]), None);
    }
}
