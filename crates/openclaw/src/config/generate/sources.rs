//! The config as it is before something is generated: its bytes, and what they and everything that they include mean.

use super::view::Strange;
use super::weave::Unsafe;
use crate::config::notes::Steps;
use crate::config::standing::{self, Texts};
use crate::config::{ConfigError, LARGEST_ROOT, Notes, include, text};
use crate::files;
use crate::locate::{self, Locations};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// What stands in a config that is not there yet.
const NOTHING: &str = "{}\n";

/// Names the bytes of a config file, or that there is none, so that a later write can tell whether they changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(Option<[u8; 32]>);

impl Digest {
    /// Names bytes; `None` for no file.
    pub fn of(bytes: Option<&[u8]>) -> Self {
        Self(bytes.map(|bytes| Sha256::digest(bytes).into()))
    }

    /// Tells whether there is a file.
    pub fn is_there(&self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_there() { "Digest(…)" } else { "Digest(no file)" })
    }
}

/// A config file as it was read, with what it includes.
#[derive(Clone)]
pub struct Sources {
    /// Of the bytes that were read.
    digest: Digest,
    /// The text, without a byte order mark.
    text: String,
    marked: bool,
    /// The root file alone.
    pub(super) root: Value,
    /// With everything that it includes.
    pub(super) whole: Value,
    included: Texts,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl Sources {
    /// Reads the config of an installation; it need not exist.
    pub fn read(locations: &Locations) -> Result<Self, ConfigError> {
        let file = files::OpenFile::open(&locations.config_path)?;
        let bytes = file.map(|file| file.bytes(LARGEST_ROOT)).transpose()?;
        Self::of(locations, bytes.as_deref())
    }

    /// Takes bytes for those of the config.
    pub fn of(locations: &Locations, bytes: Option<&[u8]>) -> Result<Self, ConfigError> {
        let path = &locations.config_path;
        let digest = Digest::of(bytes);
        let bytes = bytes.unwrap_or(NOTHING.as_bytes());
        let text = text::decode(path, bytes, &mut Notes::new(path))?.to_owned();
        let root = text::parse(path, &text)?;
        let included = include::resolve(root.clone(), &text, locations)?;
        let marked = text.len() < bytes.len();
        Ok(Self { digest, text, marked, root, whole: included.value, included: included.texts })
    }

    /// Names the bytes that were read.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Tells whether the config has a section, itself or in a file that it includes.
    pub fn has(&self, section: &str) -> bool {
        self.whole.get(section).is_some()
    }

    /// Tells whether agents stand there by name, as only later releases read them.
    pub fn has_entries(&self) -> bool {
        self.whole.pointer("/agents/entries").is_some()
    }

    /// Returns the whole config, with everything that it includes.
    pub(in crate::config) fn whole(&self) -> &Value {
        &self.whole
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the text with its byte order mark; nothing where there was no file.
    pub(super) fn whole_text(&self) -> String {
        if self.digest.is_there() { format!("{}{}", self.mark(), self.text) } else { String::new() }
    }

    /// Returns the byte order mark, when there is one.
    pub(super) fn mark(&self) -> &'static str {
        if self.marked { "\u{feff}" } else { "" }
    }

    /// Makes the refusal of a value, with the place where it stands.
    pub(in crate::config) fn refuse(&self, locations: &Locations, strange: &Strange) -> ConfigError {
        ConfigError::NotEdited {
            place: self.place(locations, &strange.steps),
            problem: match strange.steps == Steps::default() {
                true => format!("the config {}", strange.problem),
                false => format!("{} {}", strange.steps, strange.problem),
            },
            way_out: "change it by hand".to_owned(),
        }
    }

    /// Returns `file:line:column` of a value, wherever it stands.
    pub(super) fn place(&self, locations: &Locations, steps: &Steps) -> String {
        let path = locate::normalize(&locations.config_path);
        let place = standing::place(&path, &self.text, steps, &self.included);
        place.unwrap_or_else(|| path.display().to_string())
    }

    /// Makes the refusal of a place in the text.
    pub(super) fn refuse_at(&self, locations: &Locations, found: Unsafe) -> ConfigError {
        ConfigError::NotEdited {
            place: text::place(&locations.config_path, &self.text, found.at),
            problem: found.problem,
            way_out: "change it by hand, or write the file as plain JSON".to_owned(),
        }
    }
}
