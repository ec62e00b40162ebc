//! From the bytes of a file to a JSON value, with errors that name line and column.

use super::{ConfigError, Notes};
use serde_json::Value;
use std::path::Path;

/// How deep objects and arrays may nest. No real config comes near; deeper ones would only exhaust the stack.
const DEEPEST: usize = 128;

/// What a person can do about text that does not parse.
pub(super) const WAY_OUT: &str =
    "correct the file (OpenClaw cannot read it either) or restore openclaw.json.bak";

/// Returns the text of a file: UTF-8, without the byte order mark that OpenClaw tolerates here too.
pub(super) fn decode<'a>(
    path: &Path,
    bytes: &'a [u8],
    notes: &mut Notes<'_>,
) -> Result<&'a str, ConfigError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        ConfigError::invalid(place(path, &before, before.len()), "the text is not UTF-8", WAY_OUT)
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => {
            notes.say(format!(
                "{}: begins with a byte order mark; OpenClaw reads it, other tools may not: save it without",
                path.display()
            ));
            rest
        }
        None => text,
    })
}

/// Parses JSON5.
pub(super) fn parse(path: &Path, text: &str) -> Result<Value, ConfigError> {
    if let Some(offset) = too_deep(text) {
        return Err(ConfigError::invalid(
            place(path, text, offset),
            format!("objects and arrays nest deeper than {DEEPEST}"),
            "no real config does: correct the file",
        ));
    }
    let parsed = json5::from_str(text).or_else(|error| match without_lone_surrogates(text) {
        Some(text) => json5::from_str(&text),
        None => Err(error),
    });
    parsed.map_err(|error| {
        let place = match error.position() {
            Some(position) => {
                format!("{}:{}:{}", path.display(), position.line + 1, position.column + 1)
            }
            // Only the end of the text has no position.
            None => self::place(path, text, text.len()),
        };
        // The error's own words may quote the text, which may hold secrets: only its code is safe to repeat.
        let problem = match error.code() {
            Some(code) => format!("not valid JSON5: {code}"),
            None => "not valid JSON5".to_owned(),
        };
        ConfigError::invalid(place, problem, WAY_OUT)
    })
}

/// Returns the text with halves of surrogate pairs (`\ud83d` alone) replaced, when there are any.
///
/// JavaScript writes them where it cut an emoji in two, and reads them back; no Rust text can hold them. Offsets stay.
fn without_lone_surrogates(text: &str) -> Option<String> {
    let unit = |at: usize| {
        let escape = text.get(at..at + 6)?.strip_prefix("\\u")?;
        escape.chars().all(|c| c.is_ascii_hexdigit()).then(|| u16::from_str_radix(escape, 16).ok())?
    };
    let mut replaced = text.to_owned();
    let mut at = 0;
    while let Some(backslash) = text[at..].find('\\').map(|found| at + found) {
        at = match (unit(backslash), unit(backslash + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => backslash + 12,
            (Some(0xd800..=0xdfff), _) => {
                replaced.replace_range(backslash..backslash + 6, "\\ufffd");
                backslash + 6
            }
            (Some(_), _) => backslash + 6,
            (None, _) => backslash + 1 + text[backslash + 1..].chars().next().map_or(0, char::len_utf8),
        };
    }
    (replaced != text).then_some(replaced)
}

/// Returns `file:line:column` of a byte offset.
pub(super) fn place(path: &Path, text: &str, offset: usize) -> String {
    let (line, column) = line_and_column(text, offset);
    format!("{}:{line}:{column}", path.display())
}

/// Returns line and column of a byte offset, both counted from 1.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Returns where nesting exceeds the limit. Text in strings and comments does not count.
fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0usize, 0usize);
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => {
                depth += 1;
                if depth > DEEPEST {
                    return Some(at);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            quote @ (b'"' | b'\'') => at = end_of_string(bytes, at, quote),
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                while at < bytes.len() && !matches!(bytes[at], b'\n' | b'\r') {
                    at += 1;
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = text[at + 2..].find("*/").map_or(bytes.len(), |length| at + 2 + length + 1);
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Returns the offset of the closing quote of the string that opens at `at`, or the end of the text.
fn end_of_string(bytes: &[u8], at: usize, quote: u8) -> usize {
    let mut at = at + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}
