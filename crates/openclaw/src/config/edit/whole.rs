//! Writing a config that was generated, unless the file changed since it was read.

use super::{ConfigError, Editor, LARGEST_ROOT, replace};
use crate::config::generate::{Digest, Generated};
use crate::files::OpenFile;

/// What came of writing a generated config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// Nothing was different; nothing was written.
    Nothing,
    /// It is there, durably, and was read back. These are its bytes.
    Done(Digest),
    /// The file is not what the config was generated from: nothing was written. Read and generate again.
    Meanwhile,
}

impl Editor<'_> {
    /// Writes a generated config in the place of the bytes that it was generated from, and reads it back.
    ///
    /// The file's lock is taken, as the program itself does since 2026.5; owner and mode stay, links are followed. A new file is
    /// for its owner alone (0600). A reader sees the old or the new whole file, whenever the machine stops.
    pub fn write_generated(&self, expected: Digest, generated: &Generated) -> Result<Wrote, ConfigError> {
        if generated.changes.is_empty() {
            return Ok(Wrote::Nothing);
        }
        self.may_write()?;
        let path = &self.locations.config_path;
        let new = generated.text.reveal_secret().as_bytes();
        let bytes = |path| -> Result<Option<Vec<u8>>, ConfigError> {
            Ok(OpenFile::open(path)?.map(|file| file.bytes(LARGEST_ROOT)).transpose()?)
        };
        let locked = if expected.is_there() {
            let locked = match replace::Locked::take(path) {
                Err(_) if bytes(path)?.is_none() => return Ok(Wrote::Meanwhile),
                locked => locked?,
            };
            match bytes(path)? {
                Some(old) if Digest::of(Some(&old)) == expected && locked.replace(&old, new)? => {}
                _ => return Ok(Wrote::Meanwhile),
            }
            locked
        } else {
            let locked = replace::Locked::take_new(path)?;
            if !locked.create(new)? {
                return Ok(Wrote::Meanwhile);
            }
            locked
        };
        let read_back = Digest::of(bytes(path)?.as_deref());
        drop(locked);
        match read_back == Digest::of(Some(new)) {
            true => Ok(Wrote::Done(read_back)),
            false => Err(self.refusal(
                self.place(),
                "someone else wrote the file right after it was written".to_owned(),
                "look at it, and generate again",
            )),
        }
    }
}

#[cfg(test)]
mod tests;
