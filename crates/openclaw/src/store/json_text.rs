//! JSON as text with places: reads exactly what JavaScript's `JSON.parse` reads, and remembers where everything stands.
//!
//! Edits cut and paste in the text, so that all bytes that are not named stay as they were: key order, numbers as written,
//! escapes, halves of surrogate pairs, fields that nobody knows.

mod edit;
mod scan;
#[cfg(test)]
mod tests;

pub use edit::{Fresh, Style};
pub use scan::Malformed;

use std::ops::Range;

/// A JSON text and the value in it.
#[derive(Clone, Debug)]
pub struct Document {
    text: String,
    root: Value,
}

/// A value and the bytes on which it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    span: Range<usize>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Object(Vec<Member>),
    Array(Vec<Value>),
    /// The text that it stands for; `None` when it holds half of a surrogate pair, which no UTF-8 text can.
    String(Option<String>),
    Number,
    Bool(bool),
    Null,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    key_span: Range<usize>,
    /// `None` as for strings.
    key: Option<String>,
    value: Value,
}

impl Document {
    /// Reads a text.
    pub fn parse(text: impl Into<String>) -> Result<Self, Malformed> {
        let text = text.into();
        let root = scan::scan(&text)?;
        Ok(Self { text, root })
    }

    /// Reads a text that holds secrets.
    pub fn of(text: &keyshoal_core::Secret) -> Result<Self, Malformed> {
        Self::parse(text.reveal_secret())
    }

    /// Returns the text as it stands now.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the whole value.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Returns the text of a value.
    pub fn text_of(&self, value: &Value) -> &str {
        &self.text[value.span.clone()]
    }

    /// Follows a path of keys. Of duplicate keys the last one counts, as in JavaScript.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(&self.root, |value, key| value.get(key))
    }
}

impl Value {
    /// Returns the value of a key, when this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.member(key).map(|member| &member.value)
    }

    fn member(&self, key: &str) -> Option<&Member> {
        let Kind::Object(members) = &self.kind else { return None };
        members.iter().rev().find(|member| member.key.as_deref() == Some(key))
    }

    /// Returns the entries of an object, in the order of their first appearance, with the last value of each key. Keys that
    /// hold half of a surrogate pair come as `None`.
    pub fn entries(&self) -> Vec<(Option<&str>, &Value)> {
        let Kind::Object(members) = &self.kind else { return Vec::new() };
        let mut entries: Vec<(Option<&str>, &Value)> = Vec::with_capacity(members.len());
        let mut places = std::collections::HashMap::with_capacity(members.len());
        for member in members {
            match &member.key {
                None => entries.push((None, &member.value)),
                Some(key) => match places.entry(key.as_str()) {
                    std::collections::hash_map::Entry::Occupied(place) => {
                        let place: usize = *place.get();
                        entries[place].1 = &member.value;
                    }
                    std::collections::hash_map::Entry::Vacant(place) => {
                        place.insert(entries.len());
                        entries.push((Some(key), &member.value));
                    }
                },
            }
        }
        entries
    }

    /// Returns the elements of an array.
    pub fn elements(&self) -> &[Value] {
        match &self.kind {
            Kind::Array(elements) => elements,
            _ => &[],
        }
    }

    /// Tells whether it is an object.
    pub fn is_object(&self) -> bool {
        matches!(self.kind, Kind::Object(_))
    }

    /// Tells whether it is an array.
    pub fn is_array(&self) -> bool {
        matches!(self.kind, Kind::Array(_))
    }

    /// Tells whether it is a string, also one that cannot be represented.
    pub fn is_string(&self) -> bool {
        matches!(self.kind, Kind::String(_))
    }

    /// Returns the text of a string that can be represented.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(text) => text.as_deref(),
            _ => None,
        }
    }

    /// Returns the value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Returns a number as JavaScript has it; `doc` is the document in which the value stands.
    pub fn as_f64(&self, doc: &Document) -> Option<f64> {
        match self.kind {
            Kind::Number => doc.text_of(self).parse().ok(),
            _ => None,
        }
    }
}
