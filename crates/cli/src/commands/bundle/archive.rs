//! A compressed archive in memory. The same entries give the same bytes.

use crate::error::CommandError;
use flate2::{Compression, GzBuilder};
use keyshoal_core::Timestamp;
use std::io::Write;

/// One file of the archive.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub text: String,
}

impl Entry {
    /// Makes one.
    pub fn new(name: &'static str, text: String) -> Self {
        Self { name, text }
    }
}

/// A gzip-compressed tar.
pub struct Archive;

impl Archive {
    /// Puts the entries into one archive, dated so.
    pub fn of(entries: &[Entry], at: Timestamp) -> Result<Vec<u8>, CommandError> {
        let failed =
            |error: std::io::Error| CommandError::internal(format!("the archive could not be made: {error}"));
        let seconds = u64::try_from(at.as_second()).unwrap_or_default();
        let zip = GzBuilder::new().write(Vec::new(), Compression::default());
        let mut tar = tar::Builder::new(zip);
        for entry in entries {
            let mut header = tar::Header::new_ustar();
            header.set_size(entry.text.len() as u64);
            header.set_mode(0o600);
            header.set_mtime(seconds);
            let name = format!("keyshoal-bundle/{}", entry.name);
            tar.append_data(&mut header, name, entry.text.as_bytes()).map_err(failed)?;
        }
        let mut zip = tar.into_inner().map_err(failed)?;
        zip.flush().map_err(failed)?;
        zip.finish().map_err(failed)
    }
}
