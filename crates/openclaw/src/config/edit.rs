//! Changing one value of openclaw.json and nothing else: comments, order and formatting stay.
//!
//! Every edit is proved before it is written: the new text is parsed as OpenClaw parses it and must differ from the old one in
//! exactly the value that was to change, with everything that is included taken into account. What cannot be proved is refused.

mod replace;
pub(super) mod splice;
mod whole;

use super::notes::{Step, Steps};
use super::standing::{self, Texts};
use super::{ConfigError, LARGEST_ROOT, Notes, include, text};
use crate::locate::{self, Locations};
use crate::{Environment, files};
use serde_json::Value;
pub use whole::Wrote;

/// How often an edit is tried again when someone else changed the file meanwhile.
const TRIES: u32 = 5;

/// What an edit did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited {
    /// The value was there already; nothing was written.
    Unchanged,
    /// The value was changed, at `file:line:column`.
    Changed(String),
}

/// Edits the config of one installation.
pub struct Editor<'a> {
    locations: &'a Locations,
    read_only: Option<&'static str>,
}

/// How much an edit may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Only values that stand in the root file, or nowhere.
    Own,
    /// Also lay a value over one that stands in an included file.
    Override,
}

impl<'a> Editor<'a> {
    /// Prepares to edit. Where the environment says that the config is managed elsewhere, every edit is refused.
    pub fn new(locations: &'a Locations, env: &Environment) -> Self {
        let managed = ["OPENCLAW_NIX_MODE", "OPENCLAW_CONFIG_READONLY"];
        let read_only = managed.into_iter().find(|name| env.get(name) == Some("1"));
        Self { locations, read_only }
    }

    /// Sets `meta.lastTouchedAt`, which makes a running gateway of 2026.3 load its config, and with it the credentials, again.
    ///
    /// `now` is RFC 3339, in UTC with milliseconds as the program writes it (`2026-11-22T12:00:00.000Z`). A value that stands in
    /// an included file is laid over: the gateway watches the root file only. Refused where the config is of a release that
    /// does not know this key (2026.8 and later) and would find it invalid.
    pub fn set_meta_touched(&self, now: &str) -> Result<Edited, ConfigError> {
        if let Some(sign) = newer_than_touch(&self.read()?.whole) {
            return Err(self.refusal(
                self.place(),
                format!("{sign} says that OpenClaw is too new for meta.lastTouchedAt, which would make this config invalid"),
                "reload the gateway by its own command: openclaw secrets reload",
            ));
        }
        self.set(&["meta".to_owned(), "lastTouchedAt".to_owned()], &Value::from(now), Scope::Override)
    }

    /// Sets the value that a JSON pointer (RFC 6901) names; objects that lead to it are added, elements of arrays are not.
    pub fn set_value(&self, pointer: &str, value: &Value) -> Result<Edited, ConfigError> {
        let bad = || {
            self.refusal(
                self.place(),
                format!("{pointer:?} is no JSON pointer to a value"),
                "name it as /agents/defaults/model",
            )
        };
        let steps = pointer.strip_prefix('/').ok_or_else(bad)?;
        let steps: Vec<String> =
            steps.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        self.set(&steps, value, Scope::Own)
    }

    /// Edits, and tries again when the file changed meanwhile.
    fn set(&self, steps: &[String], value: &Value, scope: Scope) -> Result<Edited, ConfigError> {
        self.may_write()?;
        let locked = replace::Locked::take(&self.locations.config_path)?;
        for _ in 0..TRIES {
            let read = self.read()?;
            let Some((new, place)) = self.change(&read, steps, value, scope)? else {
                return Ok(Edited::Unchanged);
            };
            if locked.replace(&read.bytes, new.as_bytes())? {
                return Ok(Edited::Changed(place));
            }
        }
        Err(self.refusal(
            self.place(),
            format!("someone else changed the file {TRIES} times while it was edited"),
            "try again when it is quiet",
        ))
    }

    /// Refuses where the environment says that the config is managed elsewhere.
    fn may_write(&self) -> Result<(), ConfigError> {
        let Some(name) = self.read_only else { return Ok(()) };
        Err(self.refusal(
            self.place(),
            format!("{name}=1 says that this config is managed elsewhere"),
            "make the change where it is managed",
        ))
    }

    /// Returns the new bytes and where they differ, proved; nothing when the value is there already.
    fn change(
        &self,
        read: &Read,
        steps: &[String],
        value: &Value,
        scope: Scope,
    ) -> Result<Option<(String, String)>, ConfigError> {
        let path = &self.locations.config_path;
        if read.whole.pointer(&pointer(steps)) == Some(value) {
            return Ok(None);
        }
        if scope == Scope::Own
            && let Some(file) = included_by(&read.root, &read.whole, steps)
        {
            let way = Steps(steps.iter().map(|step| Step::Key(step.clone())).collect());
            let place = standing::place(&locate::normalize(path), read.text(), &way, &read.included);
            return Err(self.refusal(
                place.unwrap_or_else(|| self.place()),
                format!("{} stands in a file that {} includes ({file})", steps.join("."), path.display()),
                "change it there",
            ));
        }
        let spliced = splice::set(read.text(), steps, value).map_err(|found| {
            let place = text::place(path, read.text(), found.at);
            self.refusal(place, found.problem, "change it by hand, or write the file as plain JSON")
        })?;
        let place = text::place(path, &spliced.text, spliced.at);
        let root = text::parse(path, &spliced.text)?;
        let whole = include::resolve(root.clone(), &spliced.text, self.locations)?.value;
        let proved = expected(&read.root, steps, value).is_some_and(|expected| expected == root)
            && expected(&read.whole, steps, value).is_some_and(|expected| expected == whole);
        if !proved {
            return Err(self.refusal(
                place,
                format!("setting {} would change something else as well", steps.join(".")),
                "change it by hand",
            ));
        }
        Ok(Some((format!("{}{}", read.mark(), spliced.text), place)))
    }

    /// Reads the root file and what it includes.
    fn read(&self) -> Result<Read, ConfigError> {
        let path = &self.locations.config_path;
        let file = files::OpenFile::open(path)?;
        let bytes = file.map(|file| file.bytes(LARGEST_ROOT)).transpose()?.ok_or_else(|| {
            self.refusal(
                self.place(),
                "there is no config file to edit".to_owned(),
                "let OpenClaw make one (openclaw onboard)",
            )
        })?;
        let text = text::decode(path, &bytes, &mut Notes::new(path))?.to_owned();
        let root = text::parse(path, &text)?;
        let included = include::resolve(root.clone(), &text, self.locations)?;
        let (whole, included) = (included.value, included.texts);
        Ok(Read { text_begins: bytes.len() - text.len(), text, bytes, root, whole, included })
    }

    /// Returns the file's name for messages.
    fn place(&self) -> String {
        self.locations.config_path.display().to_string()
    }

    /// Makes a refusal.
    fn refusal(&self, place: String, problem: String, way_out: &str) -> ConfigError {
        ConfigError::NotEdited { place, problem, way_out: way_out.to_owned() }
    }
}

/// A config as it was read for an edit.
struct Read {
    bytes: Vec<u8>,
    text: String,
    /// Where the text begins: behind a byte order mark.
    text_begins: usize,
    /// The root file alone.
    root: Value,
    /// With everything that it includes.
    whole: Value,
    /// The texts of what it includes.
    included: Texts,
}

impl Read {
    /// Returns the text, without a byte order mark.
    fn text(&self) -> &str {
        &self.text
    }

    /// Returns the byte order mark, when there is one.
    fn mark(&self) -> &'static str {
        if self.text_begins > 0 { "\u{feff}" } else { "" }
    }
}

/// Returns what in a config shows a release that refuses `meta.lastTouchedAt`.
fn newer_than_touch(whole: &Value) -> Option<&'static str> {
    for (sign, name) in [
        ("/agents/entries", "agents.entries"),
        ("/agents/ownership", "agents.ownership"),
        ("/meta/migrations", "meta.migrations"),
    ] {
        if whole.pointer(sign).is_some() {
            return Some(name);
        }
    }
    let version = whole.pointer("/meta/lastTouchedVersion").and_then(Value::as_str)?;
    let mut numbers = version.trim().split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let release = (numbers.next()?, numbers.next()?);
    (release >= (2026, 8)).then_some("meta.lastTouchedVersion")
}

/// Writes steps as a JSON pointer.
fn pointer(steps: &[String]) -> String {
    steps.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect()
}

/// Returns what the config should be after an edit; nothing when the value has no place in it.
fn expected(before: &Value, steps: &[String], value: &Value) -> Option<Value> {
    let mut after = before.clone();
    let mut at = &mut after;
    for step in steps {
        at = match at {
            Value::Object(members) => members.entry(step.clone()).or_insert(Value::Null),
            Value::Array(elements) => elements.get_mut(step.parse::<usize>().ok()?)?,
            absent @ Value::Null => {
                *absent = Value::Object(serde_json::Map::new());
                absent.as_object_mut()?.entry(step.clone()).or_insert(Value::Null)
            }
            _ => return None,
        };
    }
    *at = value.clone();
    Some(after)
}

/// Returns what includes the value, when it stands in the whole config but not in the root file.
fn included_by(root: &Value, whole: &Value, steps: &[String]) -> Option<String> {
    whole.pointer(&pointer(steps))?;
    let (mut at, mut includes) = (root, None);
    for step in steps {
        if let Some(wanted) = at.get(include::KEY) {
            includes = Some(wanted);
        }
        let next = match at {
            Value::Object(members) => members.get(step),
            Value::Array(elements) => step.parse::<usize>().ok().and_then(|index| elements.get(index)),
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => return Some(includes.map_or_else(|| "an $include".to_owned(), Value::to_string)),
        }
    }
    // The value itself may be an include: what it holds then stands elsewhere too.
    at.get(include::KEY).map(Value::to_string)
}

#[cfg(test)]
mod tests;
