//! A config as it stands, for whoever carries it to another machine: its text, and its value with includes and without variables.

use super::{ConfigError, LARGEST_ROOT, include, notes::Notes, text};
use crate::files;
use crate::locate::Locations;
use keyshoal_core::Secret;
use serde_json::Value;
use std::fmt;
use std::path::{Path, PathBuf};

/// A config with everything in it, secrets too.
#[derive(Clone, PartialEq)]
pub struct RawConfig {
    /// The text of the root file, without a byte order mark.
    pub text: Secret,
    /// The files that it includes, and their texts.
    pub included: Vec<(PathBuf, Secret)>,
    /// The whole, with `$include` resolved. `${NAME}` stands as it was written.
    pub value: Value,
}

impl fmt::Debug for RawConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawConfig").field("included", &self.included.len()).finish_non_exhaustive()
    }
}

/// Reads a config as it stands. `None` when there is no file.
pub fn raw(locations: &Locations) -> Result<Option<RawConfig>, ConfigError> {
    let path = &locations.config_path;
    let Some(bytes) = files::OpenFile::open(path)?.map(|file| file.bytes(LARGEST_ROOT)).transpose()? else {
        return Ok(None);
    };
    let mut notes = Notes::new(path);
    let text = text::decode(path, &bytes, &mut notes)?;
    let included = include::resolve(text::parse(path, text)?, text, locations)?;
    Ok(Some(RawConfig {
        text: Secret::new(text),
        included: included.texts.into_iter().map(|(path, text)| (path, Secret::new(text))).collect(),
        value: included.value,
    }))
}

/// Returns a part of a config as plain JSON: without comments, and of a key that stands twice what the program takes. `None` where it
/// cannot be read.
pub fn plain_json(part: &Secret) -> Option<Secret> {
    let value = text::parse(Path::new("openclaw.json"), part.reveal_secret()).ok()?;
    Some(Secret::new(value.to_string()))
}

impl RawConfig {
    /// Returns the whole as one text that includes nothing.
    pub fn in_one(&self) -> Secret {
        Secret::new(format!("{:#}\n", self.value))
    }
}

/// Tells whether a config's own text has agents by name, `agents.entries`. What it includes is not looked at.
pub fn has_entries(text: &str) -> bool {
    let read = text::parse(Path::new("openclaw.json"), text);
    read.is_ok_and(|value| value.pointer("/agents/entries").is_some_and(Value::is_object))
}
