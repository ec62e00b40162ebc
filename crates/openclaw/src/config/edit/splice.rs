//! Changing one value in the text of a config, and not one byte besides.
//!
//! jsonc-parser says where things stand; the text is then cut and joined here. Its own editing tree would reflow objects that
//! stand on one line.

use jsonc_parser::ParseOptions;
use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use serde_json::Value;

/// What was changed.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::config) struct Spliced {
    /// The new text.
    pub(in crate::config) text: String,
    /// Where the change begins.
    pub(super) at: usize,
}

/// Says why a text cannot be edited safely.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::config) struct Unsafe {
    /// Where.
    pub(super) at: usize,
    /// Why.
    pub(super) problem: String,
}

/// What JSON5 allows, and nothing beyond it.
pub(in crate::config) fn options() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: true,
        allow_trailing_commas: true,
        allow_missing_commas: false,
        allow_single_quoted_strings: true,
        allow_hexadecimal_numbers: true,
        allow_unary_plus_numbers: true,
        allow_bare_decimal_point_numbers: true,
        allow_non_finite_numbers: true,
        allow_extended_string_escapes: true,
    }
}

/// Sets the value at `steps`: replaces what is there, or adds the missing member (and the objects that lead to it).
pub(in crate::config) fn set(text: &str, steps: &[String], value: &Value) -> Result<Spliced, Unsafe> {
    let parsed =
        jsonc_parser::parse_to_ast(text, &Default::default(), &options()).map_err(|error| Unsafe {
            at: error.range().start,
            problem: "is written in a way that cannot be edited safely".to_owned(),
        })?;
    let Some(mut node) = parsed.value.as_ref() else {
        return Err(Unsafe { at: 0, problem: "is empty".to_owned() });
    };
    let root_style = Style::of(text, node);
    for (at, step) in steps.iter().enumerate() {
        node = match node {
            ast::Value::Object(object) => {
                match object.properties.iter().rev().find(|p| p.name.as_str() == step) {
                    Some(property) => &property.value,
                    None => {
                        let value = nested(&steps[at + 1..], value);
                        return Ok(insert(text, object, step, &value, &root_style));
                    }
                }
            }
            ast::Value::Array(array) => match step
                .parse::<usize>()
                .ok()
                .and_then(|index| array.elements.get(index))
            {
                Some(element) => element,
                None => {
                    return Err(Unsafe { at: array.range.start, problem: format!("has no element {step}") });
                }
            },
            other => {
                return Err(Unsafe {
                    at: other.range().start,
                    problem: format!("is no object, so it has no {step}"),
                });
            }
        };
    }
    let range = node.range();
    let indent = indent_of_line(text, range.start);
    let printed = print(value, Some(indent), &root_style);
    Ok(Spliced { text: join(text, &[(range.start, range.end, &printed)]), at: range.start })
}

/// Wraps a value into the objects that lead to it.
fn nested(steps: &[String], value: &Value) -> Value {
    steps
        .iter()
        .rev()
        .fold(value.clone(), |value, step| Value::Object(std::iter::once((step.clone(), value)).collect()))
}

/// How a text is written.
pub(in crate::config) struct Style {
    /// One level of indentation.
    pub(in crate::config) unit: String,
    /// The end of a line.
    pub(in crate::config) newline: &'static str,
    /// Whether keys stand without quotes.
    pub(in crate::config) bare_keys: bool,
}

impl Style {
    /// Looks at the root's members.
    pub(in crate::config) fn of(text: &str, root: &ast::Value<'_>) -> Self {
        let first = match root {
            ast::Value::Object(object) => object.properties.first(),
            _ => None,
        };
        let unit =
            first.filter(|p| begins_line(text, p.range.start)).map(|p| indent_of_line(text, p.range.start));
        Self {
            unit: unit.filter(|unit| !unit.is_empty()).unwrap_or("  ").to_owned(),
            newline: if text.contains("\r\n") { "\r\n" } else { "\n" },
            bare_keys: first.is_some_and(|p| matches!(p.name, ast::ObjectPropName::Word(_))),
        }
    }
}

/// Adds a member at the end of an object.
fn insert(text: &str, object: &ast::Object<'_>, key: &str, value: &Value, style: &Style) -> Spliced {
    let bare = match object.properties.last() {
        Some(last) => matches!(last.name, ast::ObjectPropName::Word(_)),
        None => style.bare_keys,
    };
    let key = key_as(key, bare);
    // Behind the last member, or behind the opening brace; before the closing one.
    let (open, close) = (object.range.start + 1, object.range.end - 1);
    let from = object.properties.last().map_or(open, |last| last.range.end);
    let gap = Gap::of(text, from, close);

    let mut pieces: Vec<(usize, usize, String)> = Vec::new();
    let after_comma = match (gap.comma, object.properties.is_empty()) {
        (Some(comma), _) => comma + 1,
        (None, true) => from,
        (None, false) => {
            pieces.push((from, from, ",".to_owned()));
            from
        }
    };
    let trailing = if gap.comma.is_some() { "," } else { "" };
    let multiline = object.properties.last().is_none_or(|last| begins_line(text, last.range.start));
    let at = match gap.newline.filter(|_| multiline) {
        Some(newline) => {
            let indent = match object.properties.last() {
                Some(last) => indent_of_line(text, last.range.start).to_owned(),
                None => format!("{}{}", indent_of_line(text, object.range.start), style.unit),
            };
            let printed = print(value, Some(&indent), style);
            pieces.push((newline, newline, format!("{}{indent}{key}: {printed}{trailing}", style.newline)));
            newline + style.newline.len() + indent.len()
        }
        None => {
            let printed = print(value, None, style);
            let after = if object.properties.is_empty() && gap.blank { " " } else { "" };
            let before = if text[..after_comma].ends_with(' ') { "" } else { " " };
            pieces.push((after_comma, after_comma, format!("{before}{key}: {printed}{trailing}{after}")));
            after_comma + before.len()
        }
    };
    let pieces: Vec<(usize, usize, &str)> =
        pieces.iter().map(|(from, to, new)| (*from, *to, new.as_str())).collect();
    let at = at + if pieces.len() > 1 { pieces[0].2.len() } else { 0 };
    Spliced { text: join(text, &pieces), at }
}

/// What stands between the last member of an object and its closing brace: blanks, comments, perhaps a comma.
struct Gap {
    /// Where the comma is.
    comma: Option<usize>,
    /// Where the first line ends (before its `\r`), comments on it included.
    newline: Option<usize>,
    /// Whether there is nothing at all.
    blank: bool,
}

impl Gap {
    /// Looks at the text between two offsets.
    fn of(text: &str, from: usize, to: usize) -> Self {
        let gap = &text.as_bytes()[from..to];
        let mut found = Self { comma: None, newline: None, blank: gap.is_empty() };
        let mut at = 0;
        while at < gap.len() {
            match gap[at] {
                b',' => found.comma = Some(from + at),
                b'\n' if found.newline.is_none() => {
                    let carriage = at > 0 && gap[at - 1] == b'\r';
                    found.newline = Some(from + at - usize::from(carriage));
                }
                b'/' if gap.get(at + 1) == Some(&b'/') => {
                    while at + 1 < gap.len() && gap[at + 1] != b'\n' {
                        at += 1;
                    }
                }
                b'/' if gap.get(at + 1) == Some(&b'*') => {
                    let end = text[from + at + 2..to].find("*/");
                    at = end.map_or(gap.len(), |length| at + 2 + length + 1);
                }
                _ => {}
            }
            at += 1;
        }
        // A line that ends before the comma does would tear the member from it.
        if let (Some(comma), Some(newline)) = (found.comma, found.newline)
            && newline < comma
        {
            found.newline = Self::of(text, comma + 1, to).newline;
        }
        found
    }
}

/// Prints a value: on lines of its own behind `indent`, or on one line.
fn print(value: &Value, indent: Option<&str>, style: &Style) -> String {
    let Some(indent) = indent else { return value.to_string() };
    let mut printed = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(style.unit.as_bytes());
    let mut serializer = serde_json::Serializer::with_formatter(&mut printed, formatter);
    // Values of serde_json can always be written to memory.
    if serde::Serialize::serialize(value, &mut serializer).is_err() {
        return value.to_string();
    }
    String::from_utf8_lossy(&printed).replace('\n', &format!("{}{indent}", style.newline))
}

/// Replaces ranges, which are in order, by new text.
fn join(text: &str, pieces: &[(usize, usize, &str)]) -> String {
    let mut joined = String::with_capacity(text.len() + 64);
    let mut from = 0;
    for (start, end, new) in pieces {
        joined.push_str(&text[from..*start]);
        joined.push_str(new);
        from = *end;
    }
    joined.push_str(&text[from..]);
    joined
}

/// Returns the blanks at the beginning of the line of an offset.
pub(in crate::config) fn indent_of_line(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = &text[start..at];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Tells whether nothing but blanks stands before an offset on its line, and the line is not the first.
pub(in crate::config) fn begins_line(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end_matches([' ', '\t']);
    before.ends_with('\n')
}

/// Writes a key, without quotes where that is wished and possible.
pub(in crate::config) fn key_as(key: &str, bare: bool) -> String {
    if bare && is_identifier(key) { key.to_owned() } else { Value::from(key).to_string() }
}

/// Tells whether a key needs no quotes.
fn is_identifier(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$'))
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'))
}

#[cfg(test)]
mod tests;
