//! Looking into a parsed config: typed access that says what it could not use, with file and line.

use super::standing::{self, Texts};
use serde_json::{Map, Value};
use std::fmt;
use std::path::Path;

/// One step from a value to a value within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into an object.
    Key(String),
    /// Into an array.
    Index(usize),
}

/// The way from the root to a value, printed as `agents.list[2].model`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Steps(pub(super) Vec<Step>);

impl Steps {
    /// Returns the way one key further.
    pub(super) fn key(&self, key: &str) -> Self {
        let mut steps = self.clone();
        steps.0.push(Step::Key(key.to_owned()));
        steps
    }

    /// Returns the way one element further.
    pub(super) fn index(&self, index: usize) -> Self {
        let mut steps = self.clone();
        steps.0.push(Step::Index(index));
        steps
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if is_word(key) => {
                    if at > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                Step::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

/// Tells whether a key can stand without quotes.
fn is_word(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '-'))
}

/// How many things are said of one config at most: a person reads no more, and looking up lines takes time.
const MOST: usize = 100;

/// Collects what a person should know about one config.
pub(super) struct Notes<'a> {
    path: &'a Path,
    text: Option<&'a str>,
    included: Texts,
    warnings: Vec<String>,
    unsaid: usize,
}

impl<'a> Notes<'a> {
    /// Begins with nothing to say.
    pub(super) fn new(path: &'a Path) -> Self {
        Self { path, text: None, included: Texts::new(), warnings: Vec::new(), unsaid: 0 }
    }

    /// Keeps the text, in which lines are looked up.
    pub(super) fn keep_text(&mut self, text: &'a str) {
        self.text = Some(text);
    }

    /// Returns the text.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.text
    }

    /// Keeps the texts of the files that the config includes, in which a value may stand.
    pub(super) fn keep_included(&mut self, texts: Texts) {
        self.included = texts;
    }

    /// Says something.
    pub(super) fn say(&mut self, warning: String) {
        if self.warnings.len() == MOST {
            self.unsaid += 1;
        } else if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Says something about the value at `steps`.
    pub(super) fn warn(&mut self, steps: &Steps, problem: impl fmt::Display) {
        let place = if self.warnings.len() < MOST { self.place(steps) } else { String::new() };
        self.say(format!("{place}: {steps} {problem}"));
    }

    /// Returns `file:line:column` of a value, which may stand in an included file; the root file alone where it is not found.
    pub(super) fn place(&self, steps: &Steps) -> String {
        let found = self.text.and_then(|text| standing::place(self.path, text, steps, &self.included));
        found.unwrap_or_else(|| self.path.display().to_string())
    }

    /// The same for many values; the root file is taken apart only once.
    pub(super) fn places(&self, all: &[Steps]) -> Vec<String> {
        let found = self.text.map(|text| offsets_of(text, all)).unwrap_or_default();
        let mut found = found.into_iter();
        let places = all.iter().map(|steps| match (self.text, found.next().flatten()) {
            (Some(text), Some(offset)) => super::text::place(self.path, text, offset),
            _ => self.place(steps),
        });
        places.collect()
    }

    /// Returns everything that was said.
    pub(super) fn into_warnings(mut self) -> Vec<String> {
        if self.unsaid > 0 {
            self.warnings.push(format!("{}: {} more of the like", self.path.display(), self.unsaid));
        }
        self.warnings
    }
}

/// Finds where in the text a value stands.
pub(super) fn offset_of(text: &str, steps: &Steps) -> Option<usize> {
    offsets_of(text, std::slice::from_ref(steps)).pop().flatten()
}

/// Finds where in the text values stand.
fn offsets_of(text: &str, all: &[Steps]) -> Vec<Option<usize>> {
    use jsonc_parser::ast;
    use jsonc_parser::common::Ranged;
    let parsed = jsonc_parser::parse_to_ast(text, &Default::default(), &Default::default()).ok();
    let Some(root) = parsed.and_then(|parsed| parsed.value) else { return vec![None; all.len()] };
    let offset = |steps: &Steps| {
        let (mut value, mut offset) = (&root, root.range().start);
        for step in &steps.0 {
            value = match (step, value) {
                (Step::Key(key), ast::Value::Object(object)) => {
                    let property =
                        object.properties.iter().rev().find(|property| property.name.as_str() == key)?;
                    offset = property.range.start;
                    &property.value
                }
                (Step::Index(index), ast::Value::Array(array)) => {
                    let element = array.elements.get(*index)?;
                    offset = element.range().start;
                    element
                }
                _ => return None,
            };
        }
        Some(offset)
    };
    all.iter().map(offset).collect()
}

/// A value within a config, which knows where it stands.
#[derive(Clone, Debug)]
pub(super) struct Look<'v> {
    /// The value.
    pub(super) value: &'v Value,
    /// Where it stands.
    pub(super) steps: Steps,
}

impl<'v> Look<'v> {
    /// Looks at the whole config.
    pub(super) fn root(value: &'v Value) -> Self {
        Self { value, steps: Steps::default() }
    }

    /// Looks at a value within an object. Nothing when it is absent.
    pub(super) fn at(&self, key: &str) -> Option<Self> {
        let value = self.value.as_object()?.get(key)?;
        Some(Self { value, steps: self.steps.key(key) })
    }

    /// Looks at a value several objects deeper.
    pub(super) fn within(&self, way: &[&str]) -> Option<Self> {
        way.iter().try_fold(self.clone(), |at, key| at.at(key))
    }

    /// Looks at an object within an object; another type is said and left out.
    pub(super) fn object_at(&self, key: &str, notes: &mut Notes<'_>) -> Option<Self> {
        let found = self.at(key)?;
        if found.value.is_object() {
            return Some(found);
        }
        found.complain("an object", notes);
        None
    }

    /// Looks at each value of an object.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'v str, Self)> {
        let object: Option<&'v Map<String, Value>> = self.value.as_object();
        let steps = self.steps.clone();
        object
            .into_iter()
            .flatten()
            .map(move |(key, value)| (key.as_str(), Self { value, steps: steps.key(key) }))
    }

    /// Looks at each element of an array; another type is said and has none.
    pub(super) fn elements(&self, notes: &mut Notes<'_>) -> Vec<Self> {
        let Some(array) = self.value.as_array() else {
            self.complain("an array", notes);
            return Vec::new();
        };
        array.iter().enumerate().map(|(at, value)| Self { value, steps: self.steps.index(at) }).collect()
    }

    /// Returns text; another type is said.
    pub(super) fn text(&self, notes: &mut Notes<'_>) -> Option<&'v str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.complain("text", notes);
        }
        text
    }

    /// Returns text within an object, trimmed; nothing when it is absent or blank.
    pub(super) fn text_at(&self, key: &str, notes: &mut Notes<'_>) -> Option<String> {
        let text = self.at(key)?.text(notes)?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Returns whether a value within an object is `true`; another type than a boolean is said.
    pub(super) fn is_true_at(&self, key: &str, notes: &mut Notes<'_>) -> bool {
        let Some(found) = self.at(key) else { return false };
        if !found.value.is_boolean() {
            found.complain("true or false", notes);
        }
        found.value.as_bool().unwrap_or(false)
    }

    /// Says that the value should have another type.
    pub(super) fn complain(&self, wanted: &str, notes: &mut Notes<'_>) {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        notes.warn(
            &self.steps,
            format_args!("should be {wanted} but is {found}; it was left out (OpenClaw refuses the config)"),
        );
    }
}
