//! Messages that reached nobody: a file each, so that nothing is lost silently.

#![expect(clippy::disallowed_methods, reason = "this is the room that touches files")]

use crate::{Message, Target};
use keyshoal_core::Timestamp;
use serde_json::{Value, json};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// So many are kept; the oldest go first.
const KEPT: usize = 100;
const ENDING: &str = ".json";

/// One message that reached nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Whom it was for.
    pub alert: String,
    /// How that one is told.
    pub kind: &'static str,
    /// When it was given up.
    pub at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// What the last try came to.
    pub reason: String,
    /// The message.
    pub message: Message,
}

impl DeadLetter {
    /// Makes one.
    pub fn new(target: &Target, message: Message, reason: String, tries: u32, at: Timestamp) -> Self {
        Self { alert: target.name.clone(), kind: target.kind.as_str(), at, tries, reason, message }
    }

    fn document(&self) -> Value {
        json!({
            "schema": "keyshoal.dead_letter.v1",
            "at": self.at,
            "alert": self.alert,
            "kind": self.kind,
            "tries": self.tries,
            "reason": self.reason,
            "message": self.message.document(),
        })
    }
}

/// The directory of dead letters.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    dir: PathBuf,
}

impl DeadLetters {
    /// Names it; it is made with the first letter.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Returns where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Counts the letters.
    pub fn count(&self) -> usize {
        self.names().map_or(0, |names| names.len())
    }

    /// Puts a letter down, and takes the oldest away where there are too many.
    pub fn put(&self, letter: &DeadLetter) -> io::Result<PathBuf> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let mut text = serde_json::to_string_pretty(&letter.document())?;
        text.push('\n');
        let name = format!("{:020}-{}{ENDING}", letter.at.as_millisecond(), letter.message.id());
        let path = self.dir.join(name);
        // A temporary file is readable by nobody else.
        let mut file = tempfile::Builder::new().prefix(".keyshoal-").tempfile_in(&self.dir)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        let names = self.names()?;
        for old in names.iter().take(names.len().saturating_sub(KEPT)) {
            std::fs::remove_file(self.dir.join(old))?;
        }
        Ok(path)
    }

    /// Returns the names of the letters, the oldest first. What else lies there is not ours.
    fn names(&self) -> io::Result<Vec<String>> {
        let ours = |name: &str| {
            let moment = name.split('-').next().unwrap_or_default();
            name.ends_with(ENDING) && moment.len() == 20 && moment.bytes().all(|byte| byte.is_ascii_digit())
        };
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| ours(name))
            .collect();
        names.sort();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{About, Kind, Scrub};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn they_are_bounded_private_and_the_newest_stay() {
        let dir = tempfile::tempdir().unwrap();
        let letters = DeadLetters::new(dir.path().join("dead-letters"));
        let kind = Kind::Command { command: "false".to_owned() };
        let target = Target { name: "../ops".to_owned(), kind, quiet: None, urgent_too: false, per_hour: 0 };
        let mut last = PathBuf::new();
        for second in 0..i64::try_from(KEPT).unwrap() + 5 {
            let at = Timestamp::from_second(second).unwrap();
            let message = Message::test(&About::default(), &Scrub::default(), at);
            last =
                letters.put(&DeadLetter::new(&target, message, "no connection".to_owned(), 5, at)).unwrap();
        }
        assert_eq!(letters.count(), KEPT);
        let names = letters.names().unwrap();
        assert!(names[0].starts_with("00000000000000005000-"), "{names:?}");
        assert_eq!(last.parent(), Some(letters.dir()));
        assert_eq!(std::fs::metadata(&last).unwrap().permissions().mode() & 0o777, 0o600);
        let document: Value = serde_json::from_str(&std::fs::read_to_string(&last).unwrap()).unwrap();
        assert_eq!(
            (&document["tries"], &document["message"]["schema"]),
            (&json!(5), &json!("keyshoal.alert.v1"))
        );
    }
}
