//! Cutting and pasting in a JSON text, in the style in which it is written.

use super::{Document, Kind, Malformed, Value};
use std::ops::Range;

/// How a text is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// One level of indentation; `None` when everything stands on one line.
    pub indent: Option<String>,
    /// What stands between a key and its value.
    pub colon: String,
}

impl Style {
    /// Returns the style of `JSON.stringify(value, null, 2)`, as OpenClaw writes its files.
    pub fn file() -> Self {
        Self { indent: Some("  ".to_owned()), colon: ": ".to_owned() }
    }

    /// Returns the style of `JSON.stringify(value)`, as OpenClaw writes its database cells.
    pub fn cell() -> Self {
        Self { indent: None, colon: ":".to_owned() }
    }
}

/// A value to be written.
#[derive(Clone, Debug)]
pub enum Fresh {
    /// A string.
    String(String),
    /// A whole number.
    Number(i64),
    /// An object.
    Object(Vec<(String, Fresh)>),
    /// JSON text as it stands.
    Raw(String),
}

impl Fresh {
    /// Makes a string.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// Renders it at a depth of nesting.
    pub fn render(&self, style: &Style, depth: usize) -> String {
        match self {
            Self::String(text) => quoted(text),
            Self::Number(number) => number.to_string(),
            Self::Raw(text) => text.clone(),
            Self::Object(entries) if entries.is_empty() => "{}".to_owned(),
            Self::Object(entries) => {
                let mut out = "{".to_owned();
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    out.push_str(&style.line(depth + 1));
                    out.push_str(&quoted(key));
                    out.push_str(&style.colon);
                    out.push_str(&value.render(style, depth + 1));
                }
                out.push_str(&style.line(depth));
                out.push('}');
                out
            }
        }
    }
}

impl Style {
    /// Returns what stands before a key at this depth.
    fn line(&self, depth: usize) -> String {
        match &self.indent {
            Some(unit) => format!("\n{}", unit.repeat(depth)),
            None => String::new(),
        }
    }
}

/// Quotes as JavaScript does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Document {
    /// Tells how the text is laid out, as its outermost object shows; `otherwise` where it does not.
    pub fn style(&self, otherwise: &Style) -> Style {
        let Kind::Object(members) = &self.root.kind else { return otherwise.clone() };
        let Some(first) = members.first() else { return otherwise.clone() };
        let before = &self.text[self.root.span.start + 1..first.key_span.start];
        let indent = before.rsplit_once('\n').map(|(_, blanks)| blanks.to_owned());
        let colon = self.text[first.key_span.end..first.value.span.start].to_owned();
        let colon = if colon.contains('\n') { otherwise.colon.clone() } else { colon };
        Style { indent, colon }
    }

    /// Replaces a value, or adds the key after `after` (those of them that exist; first of all when none does; last of all
    /// when `after` is `None`). The path's parents must be objects; those that are missing are made.
    pub fn set(
        &mut self,
        path: &[&str],
        value: &Fresh,
        after: Option<&[&str]>,
        otherwise: &Style,
    ) -> Result<(), Malformed> {
        let style = self.style(otherwise);
        let Some((key, parents)) = path.split_last() else {
            return self.splice(self.root.span.clone(), &value.render(&style, 0));
        };
        let Some(parent) = self.at(parents).filter(|parent| parent.is_object()) else {
            let made = Fresh::Object(vec![((*key).to_owned(), value.clone())]);
            return self.set(parents, &made, None, otherwise);
        };
        if let Some(old) = parent.get(key) {
            let span = old.span.clone();
            return self.splice(span, &value.render(&style, parents.len() + 1));
        }
        let Kind::Object(members) = &parent.kind else { return Ok(()) };
        let depth = parents.len() + 1;
        // Siblings show best how a key of this object is set off.
        let (line, colon) = match members.first() {
            None => (style.line(depth), style.colon.clone()),
            Some(first) => (
                self.text[parent.span.start + 1..first.key_span.start].to_owned(),
                self.text[first.key_span.end..first.value.span.start].to_owned(),
            ),
        };
        let entry = format!("{line}{}{colon}{}", quoted(key), value.render(&style, depth));
        let place = match after {
            None => members.last(),
            Some(keys) => {
                members.iter().rfind(|member| member.key.as_deref().is_some_and(|key| keys.contains(&key)))
            }
        };
        match (place, members.is_empty()) {
            (_, true) => {
                let inside = parent.span.start + 1..parent.span.end - 1;
                self.splice(inside, &format!("{entry}{}", style.line(depth - 1)))
            }
            (Some(place), false) => {
                let at = place.value.span.end;
                self.splice(at..at, &format!(",{entry}"))
            }
            (None, false) => {
                let at = parent.span.start + 1;
                self.splice(at..at, &format!("{entry},"))
            }
        }
    }

    /// Removes a key, every duplicate of it included. Tells whether it was there.
    pub fn remove(&mut self, path: &[&str]) -> Result<bool, Malformed> {
        let Some((key, parents)) = path.split_last() else { return Ok(false) };
        let mut removed = false;
        while let Some(span) = self.span_with_comma(parents, key) {
            self.splice(span, "")?;
            removed = true;
        }
        Ok(removed)
    }

    /// Returns the bytes that go when a key goes: itself, its value and one comma.
    fn span_with_comma(&self, parents: &[&str], key: &str) -> Option<Range<usize>> {
        let parent = self.at(parents)?;
        let Kind::Object(members) = &parent.kind else { return None };
        let index = members.iter().position(|member| member.key.as_deref() == Some(key))?;
        let start_of = |index: usize| match index {
            0 => parent.span.start + 1,
            _ => members[index - 1].value.span.end,
        };
        Some(match (index, members.len()) {
            (_, 1) => parent.span.start + 1..parent.span.end - 1,
            // The first one goes with the comma behind it; what stands before the second key stays as it is.
            (0, _) => start_of(0)..self.comma_end(members[0].value.span.end),
            (index, _) => start_of(index)..members[index].value.span.end,
        })
    }

    /// Returns the place behind the next comma.
    fn comma_end(&self, from: usize) -> usize {
        self.text[from..].find(',').map_or(from, |at| from + at + 1)
    }

    fn splice(&mut self, span: Range<usize>, with: &str) -> Result<(), Malformed> {
        let mut text = String::with_capacity(self.text.len() - span.len() + with.len());
        text.push_str(&self.text[..span.start]);
        text.push_str(with);
        text.push_str(&self.text[span.end..]);
        *self = Self::parse(text)?;
        Ok(())
    }
}

impl Value {
    /// Returns the keys of an object, each once.
    pub fn keys(&self) -> Vec<&str> {
        self.entries().into_iter().filter_map(|(key, _)| key).collect()
    }
}
