//! The lock file that OpenClaw's JSON releases put beside a store (`auth-profiles.json.lock`), spoken as they speak it.

use super::StoreError;
use crate::files::{self, OpenFile, PathError};
use rustix::process::{Pid, getpid, test_kill_process};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

/// OpenClaw breaks a lock that is older than this, whoever holds it.
const STALE: Duration = Duration::from_secs(30);
/// A process that we cannot see may live in another container: its lock gets this much time before we break it.
const UNSEEN_GRACE: Duration = Duration::from_secs(2);
/// After this long without the lock we give up.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(25);

/// The lock, held. It is given back when dropped, if it is still ours.
#[derive(Debug)]
pub(crate) struct LockFile {
    path: PathBuf,
    // Held open so that no other file can get its inode number.
    file: File,
}

impl LockFile {
    /// Takes the lock of the store `file_name` in the real directory `dir`.
    pub fn take(dir: &Path, file_name: &str) -> Result<Self, StoreError> {
        Self::take_within(dir, file_name, PATIENCE)
    }

    fn take_within(dir: &Path, file_name: &str, patience: Duration) -> Result<Self, StoreError> {
        let path = dir.join(format!("{file_name}.lock"));
        let begun = Instant::now();
        let mut wait = FIRST_WAIT;
        loop {
            match files::create_whole(&path, payload().as_bytes()) {
                Ok(file) => return Ok(Self { path, file }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(PathError { path, source: error }.into()),
            }
            let Some(held) = Held::look(&path)? else { continue };
            if held.is_stale(files::wall_clock()) {
                held.break_it(&path)?;
                continue;
            }
            if begun.elapsed() > patience {
                return Err(StoreError::Locked { path, holder: held.holder(), waited: begun.elapsed() });
            }
            sleep(wait + jitter(wait));
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Tells whether the lock is still ours: another process may have taken it for stale.
    pub fn is_ours(&self) -> bool {
        let (Ok(ours), Ok(Some(there))) = (self.file.metadata(), files::metadata(&self.path)) else {
            return false;
        };
        ours.dev() == there.dev() && ours.ino() == there.ino()
    }
}

/// What the program writes into a lock of its own, byte for byte.
fn payload() -> String {
    let now = jiff::Timestamp::try_from(files::wall_clock()).unwrap_or_default();
    format!("{{\n  \"pid\": {},\n  \"createdAt\": \"{now:.3}\"\n}}", getpid().as_raw_nonzero())
}

impl Drop for LockFile {
    fn drop(&mut self) {
        if self.is_ours() {
            // If this fails, the lock goes stale within 30 s.
            let _ = files::remove(&self.path);
        }
    }
}

/// Somebody else's lock file, as it was found.
struct Held {
    file: OpenFile,
    text: Vec<u8>,
    pid: Option<i32>,
    created: Option<SystemTime>,
    created_unreadable: bool,
}

impl Held {
    fn look(path: &Path) -> Result<Option<Self>, PathError> {
        let Some(file) = OpenFile::open(path)? else { return Ok(None) };
        let text = file.bytes(4096)?;
        let payload: Option<serde_json::Value> = serde_json::from_slice(&text).ok();
        // As the program has it: without both fields the payload says nothing, and only the file's age counts.
        let fields = payload.as_ref().and_then(|payload| {
            Some((payload.get("pid")?.as_i64()?, payload.get("createdAt")?.as_str()?.to_owned()))
        });
        let created = fields.as_ref().and_then(|(_, at)| at.parse::<jiff::Timestamp>().ok());
        Ok(Some(Self {
            created_unreadable: fields.is_some() && created.is_none(),
            pid: fields.and_then(|(pid, _)| i32::try_from(pid).ok()),
            created: created.map(SystemTime::from),
            file,
            text,
        }))
    }

    fn is_stale(&self, now: SystemTime) -> bool {
        let older = |time: Option<SystemTime>, age| {
            time.and_then(|time| now.duration_since(time).ok()).is_some_and(|past| past > age)
        };
        let modified = self.file.modified().ok();
        let unseen = self.pid.is_some_and(|pid| !is_alive(pid));
        unseen && older(modified, UNSEEN_GRACE)
            || self.created_unreadable && older(modified, UNSEEN_GRACE)
            || older(self.created, STALE)
            || older(modified, STALE)
    }

    /// Removes it, if it is still the same one.
    fn break_it(&self, path: &Path) -> Result<(), PathError> {
        let same = match OpenFile::open(path)? {
            None => false,
            Some(now) => self.file.still_named()? && now.bytes(4096)? == self.text,
        };
        if same { files::remove(path) } else { Ok(()) }
    }

    fn holder(&self) -> String {
        let since = self.created.and_then(|created| jiff::Timestamp::try_from(created).ok());
        match (self.pid, since) {
            (Some(pid), Some(since)) => format!("process {pid} (since {since:.0})"),
            _ => "a process that left no name".to_owned(),
        }
    }
}

fn is_alive(pid: i32) -> bool {
    let Some(pid) = Pid::from_raw(pid) else { return false };
    match test_kill_process(pid) {
        Ok(()) => !is_zombie(pid),
        // Somebody else's process is alive all the same.
        Err(error) => error == rustix::io::Errno::PERM,
    }
}

fn is_zombie(pid: Pid) -> bool {
    let path = PathBuf::from(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let Ok(Some(stat)) = files::read(&path, 4096) else { return false };
    let after_name = stat.iter().rposition(|byte| *byte == b')').map_or(0, |at| at + 2);
    stat.get(after_name) == Some(&b'Z')
}

fn jitter(upto: Duration) -> Duration {
    let mut random = [0; 1];
    // Without random numbers we merely wait the same time as others.
    let _ = getrandom::fill(&mut random);
    upto.mul_f64(f64::from(random[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_held_too_long_is_an_error_that_names_the_holder() {
        let dir = tempfile::tempdir().unwrap();
        let held = LockFile::take(dir.path(), "store.json").unwrap();
        let error = LockFile::take_within(dir.path(), "store.json", Duration::from_millis(5)).unwrap_err();
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        assert!(error.retryable());
        drop(held);
        assert!(files::listing(dir.path()).unwrap().unwrap().is_empty());
    }

    #[test]
    fn our_own_lock_reads_as_the_program_would_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let _lock = LockFile::take(dir.path(), "store.json").unwrap();
        let text = files::read(&dir.path().join("store.json.lock"), 999).unwrap().unwrap();
        let text = String::from_utf8(text).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["pid"], std::process::id());
        // `Date.prototype.toISOString`: three decimals and a Z.
        let created = value["createdAt"].as_str().unwrap();
        assert_eq!((created.len(), &created[19..20], &created[23..]), (24, ".", "Z"));
        assert_eq!(
            text,
            format!("{{\n  \"pid\": {},\n  \"createdAt\": \"{created}\"\n}}", std::process::id())
        );
    }
}
