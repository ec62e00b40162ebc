//! `$include`: other files within the config, never from outside of its directory.

use super::{ConfigError, text};
use crate::files;
use crate::locate::{self, Locations};
use serde_json::{Map, Value};
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
    /// What a person should know.
    pub(super) warnings: Vec<String>,
}

/// Resolves every `$include` of a config.
pub(super) fn resolve(value: Value, locations: &Locations) -> Result<Included, ConfigError> {
    let path = &locations.config_path;
    let dir = path.parent().unwrap_or(Path::new("/"));
    let roots = std::iter::once(dir)
        .chain(locations.include_roots.iter().map(PathBuf::as_path))
        .map(|root| Root {
            written: locate::normalize(root),
            real: files::real_path(root).unwrap_or_else(|| root.to_owned()),
        })
        .collect();
    let mut run = Run { roots, files: Vec::new(), warnings: Vec::new(), loads: 0, bytes: 0 };
    let chain = vec![locate::normalize(path)];
    let value = run.process(value, &chain)?;
    Ok(Included { value, files: run.files, warnings: run.warnings })
}

/// A directory from which may be included.
struct Root {
    written: PathBuf,
    real: PathBuf,
}

/// One resolution.
struct Run {
    roots: Vec<Root>,
    files: Vec<PathBuf>,
    warnings: Vec<String>,
    loads: usize,
    bytes: usize,
}

impl Run {
    /// Resolves within one value. `chain` holds the files that led here, the root first.
    fn process(&mut self, value: Value, chain: &[PathBuf]) -> Result<Value, ConfigError> {
        Ok(match value {
            Value::Array(elements) => Value::Array(
                elements.into_iter().map(|element| self.process(element, chain)).collect::<Result<_, _>>()?,
            ),
            Value::Object(mut members) => match members.shift_remove(KEY) {
                Some(wanted) => self.include(&wanted, members, chain)?,
                None => Value::Object(self.members(members, chain)?),
            },
            other => other,
        })
    }

    /// Resolves within the members of an object.
    fn members(
        &mut self,
        members: Map<String, Value>,
        chain: &[PathBuf],
    ) -> Result<Map<String, Value>, ConfigError> {
        let mut processed = Map::new();
        for (key, member) in members {
            if key != "__proto__" {
                processed.insert(key, self.process(member, chain)?);
            }
        }
        Ok(processed)
    }

    /// Includes what an object wants, and lays its other members over it.
    fn include(
        &mut self,
        wanted: &Value,
        others: Map<String, Value>,
        chain: &[PathBuf],
    ) -> Result<Value, ConfigError> {
        let here = chain.last().map(|path| path.display().to_string()).unwrap_or_default();
        let refuse = |problem: &str| ConfigError::invalid(here.clone(), problem, WAY_OUT);
        let included = match wanted {
            Value::String(path) => self.load(path, chain)?,
            Value::Array(paths) => {
                let mut merged = Value::Object(Map::new());
                for path in paths {
                    let path =
                        path.as_str().ok_or_else(|| refuse("$include lists something that is not text"))?;
                    merged = merge(merged, self.load(path, chain)?);
                }
                merged
            }
            _ => return Err(refuse("$include is neither text nor a list of texts")),
        };
        if others.is_empty() {
            return Ok(included);
        }
        if !included.is_object() {
            return Err(refuse("$include stands beside other keys, but what it includes is not an object"));
        }
        let others = self.members(others, chain)?;
        Ok(merge(included, Value::Object(others)))
    }

    /// Reads one file and resolves within it.
    fn load(&mut self, wanted: &str, chain: &[PathBuf]) -> Result<Value, ConfigError> {
        let including = chain.last().map_or_else(|| Path::new("/"), PathBuf::as_path);
        let refuse = |problem: String| {
            ConfigError::invalid(
                including.display().to_string(),
                format!("$include {wanted:?} {problem}"),
                WAY_OUT,
            )
        };
        if wanted.contains('\0') {
            return Err(refuse("holds a null byte".to_owned()));
        }
        let written = locate::normalize(&including.parent().unwrap_or(Path::new("/")).join(wanted));
        if wanted.len() >= LONGEST_PATH || written.as_os_str().len() >= LONGEST_PATH {
            return Err(ConfigError::invalid(
                including.display().to_string(),
                "the path of an $include is too long",
                WAY_OUT,
            ));
        }
        if !self.roots.iter().any(|root| written.starts_with(&root.written)) {
            return Err(refuse(format!("leaves the config's directory {}", self.roots[0].written.display())));
        }
        let Some(real) = files::real_path(&written) else {
            return Err(refuse(format!(
                "names {}, which does not exist or cannot be looked at",
                written.display()
            )));
        };
        if !self.roots.iter().any(|root| real.starts_with(&root.real)) {
            return Err(refuse(format!(
                "leaves the config's directory {} by a symbolic link",
                self.roots[0].written.display()
            )));
        }
        if chain.contains(&written) {
            return Err(refuse("includes itself".to_owned()));
        }
        if chain.len() > DEEPEST {
            return Err(refuse(format!("is nested deeper than {DEEPEST} files")));
        }
        let bytes = files::read_single(&real, LARGEST)?;
        self.loads += 1;
        self.bytes += bytes.len();
        if self.loads > MOST_FILES || self.bytes > MOST_BYTES {
            return Err(refuse(format!(
                "is one too many: more than {MOST_FILES} files or {} MiB are included",
                MOST_BYTES >> 20
            )));
        }
        let mut notes = super::Notes::new(&written);
        let value = text::parse(&written, text::decode(&written, &bytes, &mut notes)?)?;
        if !self.files.contains(&written) {
            self.files.push(written.clone());
            self.warnings.extend(notes.into_warnings());
        }
        let mut chain = chain.to_vec();
        chain.push(written);
        self.process(value, &chain)
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
