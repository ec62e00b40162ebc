//! `$include`: other files within the config, never from outside of its directory.

mod source;

use super::notes::{Steps, offset_of};
use super::standing::Texts;
use super::{ConfigError, Notes, text};
use crate::files;
use crate::locate::{self, Locations};
use serde_json::{Map, Value};
use source::{Found, Root, Source};
use std::path::{Path, PathBuf};

/// The key that includes.
pub(super) const KEY: &str = "$include";
/// How deep files may include files.
const DEEPEST: usize = 10;
/// The largest file.
const LARGEST: u64 = 2 << 20;
/// The longest path.
const LONGEST_PATH: usize = 4096;
/// How many files may be included in all: each may be included several times, so depth alone bounds nothing.
const MOST_FILES: usize = 1000;
/// How many bytes may be included in all.
const MOST_BYTES: usize = 32 << 20;
/// Keys that JavaScript would not treat as plain ones; merging drops them.
const BLOCKED: [&str; 3] = ["__proto__", "constructor", "prototype"];

/// What to do about an include that is refused.
const WAY_OUT: &str = "correct the $include; OpenClaw refuses it too";

/// A config with everything that it includes.
pub(super) struct Included {
    /// The whole.
    pub(super) value: Value,
    /// The files, each once, in the order in which they were read.
    pub(super) files: Vec<PathBuf>,
    /// Their texts.
    pub(super) texts: Texts,
    /// What a person should know.
    pub(super) warnings: Vec<String>,
}

/// Resolves every `$include` of a config, whose text is only looked at to say where one stands that is refused.
pub(super) fn resolve(value: Value, text: &str, locations: &Locations) -> Result<Included, ConfigError> {
    let path = &locations.config_path;
    let dir = path.parent().unwrap_or(Path::new("/"));
    let roots = std::iter::once(dir)
        .chain(locations.include_roots.iter().map(PathBuf::as_path))
        .map(|root| Root {
            written: locate::normalize(root),
            real: files::real_path(root).unwrap_or_else(|| root.to_owned()),
        })
        .collect();
    Run::from(Source::Disk(roots)).all(value, text, path)
}

/// Resolves likewise out of texts that are given, by their paths, and out of nothing else.
pub(super) fn resolve_texts(
    value: Value,
    text: &str,
    path: &Path,
    known: Texts,
) -> Result<Included, ConfigError> {
    Run::from(Source::Texts(known)).all(value, text, path)
}

/// One resolution.
struct Run {
    source: Source,
    files: Vec<PathBuf>,
    texts: Texts,
    warnings: Vec<String>,
    loads: usize,
    bytes: usize,
}

/// A file, and the files that led to it.
struct Chain<'a> {
    path: &'a Path,
    text: &'a str,
    outer: Option<&'a Chain<'a>>,
}

impl Chain<'_> {
    /// Goes through the files, this one first.
    fn files(&self) -> impl Iterator<Item = &Path> {
        std::iter::successors(Some(self), |chain| chain.outer).map(|chain| chain.path)
    }

    /// Refuses the `$include` of an object.
    fn refuse(&self, steps: &Steps, problem: impl std::fmt::Display) -> ConfigError {
        let place = match offset_of(self.text, &steps.key(KEY)) {
            Some(offset) => text::place(self.path, self.text, offset),
            None => self.path.display().to_string(),
        };
        ConfigError::invalid(place, format!("$include {problem}"), WAY_OUT)
    }
}

impl Run {
    fn from(source: Source) -> Self {
        Self { source, files: Vec::new(), texts: Texts::new(), warnings: Vec::new(), loads: 0, bytes: 0 }
    }

    /// Resolves within a config.
    fn all(mut self, value: Value, text: &str, path: &Path) -> Result<Included, ConfigError> {
        let chain = Chain { path: &locate::normalize(path), text, outer: None };
        let value = self.process(value, &chain, &Steps::default())?;
        Ok(Included { value, files: self.files, texts: self.texts, warnings: self.warnings })
    }

    /// Resolves within one value, which stands at `steps` of the last file of the chain.
    fn process(&mut self, value: Value, chain: &Chain<'_>, steps: &Steps) -> Result<Value, ConfigError> {
        Ok(match value {
            Value::Array(elements) => {
                let mut processed = Vec::with_capacity(elements.len());
                for (at, element) in elements.into_iter().enumerate() {
                    processed.push(self.process(element, chain, &steps.index(at))?);
                }
                Value::Array(processed)
            }
            Value::Object(mut members) => match members.shift_remove(KEY) {
                Some(wanted) => self.include(&wanted, members, chain, steps)?,
                None => Value::Object(self.members(members, chain, steps)?),
            },
            other => other,
        })
    }

    /// Resolves within the members of an object.
    fn members(
        &mut self,
        members: Map<String, Value>,
        chain: &Chain<'_>,
        steps: &Steps,
    ) -> Result<Map<String, Value>, ConfigError> {
        let mut processed = Map::new();
        for (key, member) in members {
            if key != "__proto__" {
                let member = self.process(member, chain, &steps.key(&key))?;
                processed.insert(key, member);
            }
        }
        Ok(processed)
    }

    /// Includes what an object wants, and lays its other members over it.
    fn include(
        &mut self,
        wanted: &Value,
        others: Map<String, Value>,
        chain: &Chain<'_>,
        steps: &Steps,
    ) -> Result<Value, ConfigError> {
        let included = match wanted {
            Value::String(path) => self.load(path, chain, steps)?,
            Value::Array(paths) => {
                let mut merged = Value::Object(Map::new());
                for path in paths {
                    let path = path
                        .as_str()
                        .ok_or_else(|| chain.refuse(steps, "lists something that is not text"))?;
                    merged = merge(merged, self.load(path, chain, steps)?);
                }
                merged
            }
            _ => return Err(chain.refuse(steps, "is neither text nor a list of texts")),
        };
        if others.is_empty() {
            return Ok(included);
        }
        if !included.is_object() {
            return Err(
                chain.refuse(steps, "stands beside other keys, but what it includes is not an object")
            );
        }
        let others = self.members(others, chain, steps)?;
        Ok(merge(included, Value::Object(others)))
    }

    /// Reads one file and resolves within it.
    fn load(&mut self, wanted: &str, chain: &Chain<'_>, steps: &Steps) -> Result<Value, ConfigError> {
        let written = locate::normalize(&chain.path.parent().unwrap_or(Path::new("/")).join(wanted));
        if wanted.len() >= LONGEST_PATH || written.as_os_str().len() >= LONGEST_PATH {
            return Err(chain.refuse(steps, "has a path that is too long"));
        }
        let refuse = |problem: String| chain.refuse(steps, format_args!("{wanted:?} {problem}"));
        if wanted.contains('\0') {
            return Err(refuse("holds a null byte".to_owned()));
        }
        let found = self.source.find(&written).map_err(&refuse)?;
        if chain.files().any(|file| file == written) {
            return Err(refuse("includes itself".to_owned()));
        }
        if chain.files().count() > DEEPEST {
            return Err(refuse(format!("is nested deeper than {DEEPEST} files")));
        }
        let bytes = match found {
            Found::File(real) => files::read_single(&real, LARGEST)
                .map_err(|error| refuse(format!("cannot be used: {error}")))?,
            Found::Text(text) => text.into_bytes(),
        };
        self.loads += 1;
        self.bytes += bytes.len();
        if self.loads > MOST_FILES || self.bytes > MOST_BYTES {
            return Err(refuse(format!(
                "is one too many: more than {MOST_FILES} files or {} MiB are included",
                MOST_BYTES >> 20
            )));
        }
        let mut notes = Notes::new(&written);
        let text = text::decode(&written, &bytes, &mut notes)?;
        let value = text::parse(&written, text)?;
        if !self.files.contains(&written) {
            self.files.push(written.clone());
            self.texts.insert(written.clone(), text.to_owned());
            self.warnings.extend(notes.into_warnings());
        }
        let chain = Chain { path: &written, text, outer: Some(chain) };
        self.process(value, &chain, &Steps::default())
    }
}

/// Lays one value over another: arrays are joined, objects merged, anything else replaced.
fn merge(base: Value, over: Value) -> Value {
    match (base, over) {
        (Value::Array(mut base), Value::Array(over)) => {
            base.extend(over);
            Value::Array(base)
        }
        (Value::Object(base), Value::Object(over)) => {
            let mut merged = without_blocked(base);
            for (key, value) in over {
                if BLOCKED.contains(&key.as_str()) {
                    continue;
                }
                let current = merged.get_mut(&key).map(Value::take);
                let value = match (current, value) {
                    (Some(current), value @ (Value::Object(_) | Value::Array(_))) => merge(current, value),
                    (None, Value::Object(value)) => Value::Object(without_blocked(value)),
                    (_, value) => value,
                };
                merged.insert(key, value);
            }
            Value::Object(merged)
        }
        (_, Value::Object(over)) => Value::Object(without_blocked(over)),
        (_, over) => over,
    }
}

/// Drops the blocked keys of an object and of the objects within it.
fn without_blocked(members: Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    for (key, value) in members {
        if BLOCKED.contains(&key.as_str()) {
            continue;
        }
        kept.insert(
            key,
            match value {
                Value::Object(members) => Value::Object(without_blocked(members)),
                other => other,
            },
        );
    }
    kept
}

#[cfg(test)]
mod tests;
