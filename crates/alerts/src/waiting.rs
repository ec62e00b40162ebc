//! What waits for an addressee, in a file of its own: a watch that ends loses nothing, and the next one brings it once.

#![expect(clippy::disallowed_methods, reason = "this is the room that touches files")]

use crate::Message;
use serde::{Deserialize, Serialize};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

const SCHEMA: &str = "keyshoal.waiting.v1";
/// A file that is longer is none of ours.
const LONGEST: u64 = 16 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct File {
    schema: String,
    alert: String,
    messages: Vec<Message>,
}

/// The directory in which messages wait, for one installation.
#[derive(Clone, Debug)]
pub struct Waiting {
    dir: PathBuf,
    instance: String,
}

impl Waiting {
    /// Names it; it is made with the first message. `instance` keeps installations apart that share a policy.
    pub fn new(dir: PathBuf, instance: &str) -> Self {
        Self { dir, instance: instance.to_owned() }
    }

    /// Returns where an addressee's messages wait. Its name may hold anything, so its bytes are written in hexadecimal digits.
    fn path(&self, alert: &str) -> PathBuf {
        let digits: String = alert.bytes().map(|byte| format!("{byte:02x}")).collect();
        self.dir.join(format!("{}-{digits}.json", self.instance))
    }

    /// Returns what waits for an addressee, the oldest first. What cannot be read is nothing.
    pub fn read(&self, alert: &str) -> Vec<Message> {
        let read = |path: &Path| -> Option<File> {
            let fits = std::fs::metadata(path).ok()?.len() <= LONGEST;
            serde_json::from_slice(&std::fs::read(path).ok().filter(|_| fits)?).ok()
        };
        let file = read(&self.path(alert)).filter(|file| file.schema == SCHEMA && file.alert == alert);
        file.map(|file| file.messages).unwrap_or_default()
    }

    /// Writes what waits for an addressee in place of what waited before; no file where nothing does.
    pub fn write(&self, alert: &str, messages: &[&Message]) -> io::Result<()> {
        let path = self.path(alert);
        if messages.is_empty() {
            return match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let messages = messages.iter().copied().cloned().collect();
        let file = File { schema: SCHEMA.to_owned(), alert: alert.to_owned(), messages };
        // A temporary file is readable by nobody else.
        let mut temporary = tempfile::Builder::new().prefix(".keyshoal-").tempfile_in(&self.dir)?;
        temporary.write_all(serde_json::to_string(&file)?.as_bytes())?;
        temporary.as_file().sync_all()?;
        temporary.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{About, Scrub};
    use keyshoal_core::Timestamp;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_waits_is_read_back_apart_by_addressee_and_installation() {
        let dir = tempfile::tempdir().unwrap();
        let waiting = Waiting::new(dir.path().join("waiting"), "i1");
        let message = Message::test(&About::default(), &Scrub::default(), Timestamp::UNIX_EPOCH);
        waiting.write("../ops", &[&message]).unwrap();
        assert_eq!(waiting.read("../ops"), std::slice::from_ref(&message));
        assert!(waiting.read("ops").is_empty());
        assert!(Waiting::new(dir.path().join("waiting"), "i2").read("../ops").is_empty());
        let path = waiting.path("../ops");
        assert_eq!(path.parent(), Some(dir.path().join("waiting").as_path()), "a name leads nowhere else");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        waiting.write("../ops", &[]).unwrap();
        assert!(waiting.read("../ops").is_empty() && !path.exists());
        std::fs::write(&path, "{").unwrap();
        assert!(waiting.read("../ops").is_empty(), "damage is nothing");
    }
}
