//! `.env` files, read as the `dotenv` package reads them for OpenClaw.

use super::ConfigError;
use crate::files;
use keyshoal_core::Secret;
use std::collections::BTreeMap;
use std::path::Path;

/// The largest `.env` file that OpenClaw reads.
const LARGEST: u64 = 1 << 20;

/// Reads a file. One that is missing or too large sets nothing, as in the program; the second is said.
pub(super) fn read(path: &Path, warnings: &mut Vec<String>) -> Result<BTreeMap<String, Secret>, ConfigError> {
    let bytes = match files::OpenFile::open(path)
        .and_then(|file| file.map(|file| file.bytes(LARGEST)).transpose())
    {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(BTreeMap::new()),
        Err(error) => {
            warnings
                .push(format!("{error}; OpenClaw goes on without this file, so its variables were left out"));
            return Ok(BTreeMap::new());
        }
    };
    Ok(parse(&String::from_utf8_lossy(&bytes))
        .into_iter()
        .map(|(key, value)| (key, Secret::new(value)))
        .collect())
}

/// Writes variables so that `parse`, and with it the program, reads them back. `None` where one has a name or a value that cannot be
/// written: no quote is left for it.
pub fn text<'v>(variables: impl IntoIterator<Item = (&'v str, &'v Secret)>) -> Option<Secret> {
    let mut text = String::new();
    for (name, value) in variables {
        let value = value.reveal_secret();
        let line = ['\'', '`', '"'].into_iter().find_map(|quote| {
            let line = format!("{name}={quote}{value}{quote}\n");
            // A quote that does not end by itself would end in a later line, as in this one.
            let read = parse(&format!("{line}{quote}\n"));
            (read.len() == 1 && read.get(name).is_some_and(|read| read == value)).then_some(line)
        });
        text.push_str(&line?);
    }
    Some(Secret::new(text))
}

/// Parses the text of a file; the last of equal keys counts. Keys that are no portable variable names are left out.
fn parse(text: &str) -> BTreeMap<String, String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut found = BTreeMap::new();
    let mut rest = text.as_str();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if rest.is_empty() {
            return found;
        }
        match assignment(rest) {
            Some((key, value, length)) => {
                if is_portable(key) {
                    found.insert(key.to_owned(), value);
                }
                rest = &rest[length..];
            }
            None => rest = rest.split_once('\n').map_or("", |(_, after)| after),
        }
    }
}

/// Tells whether a key is a portable variable name.
pub(super) fn is_portable(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Reads one assignment at the beginning of a line: key, value, and the length of what was read.
fn assignment(line: &str) -> Option<(&str, String, usize)> {
    let mut at = 0;
    if let Some(after) = line.strip_prefix("export").filter(|after| after.starts_with(char::is_whitespace)) {
        at = line.len() - after.trim_start().len();
    }
    let key_length = line[at..]
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')))
        .unwrap_or(line.len() - at);
    let key = &line[at..at + key_length];
    if key.is_empty() {
        return None;
    }
    at += key_length;
    let after_key = &line[at..];
    let blanks = after_key.len() - after_key.trim_start().len();
    if after_key[blanks..].starts_with('=') {
        at += blanks + 1;
    } else if after_key.starts_with(':') && after_key[1..].starts_with(char::is_whitespace) {
        at += 1;
    } else {
        return None;
    }
    let (value, length) = value(&line[at..]);
    Some((key, value, at + length))
}

/// Reads a value and returns the length of what was read, to the end of its line.
fn value(text: &str) -> (String, usize) {
    let blanks = text.len() - text.trim_start().len();
    let quote = text[blanks..].chars().next().filter(|c| matches!(c, '\'' | '"' | '`'));
    if let Some(quote) = quote
        && let Some((inner, length)) = quoted(&text[blanks..], quote)
    {
        let inner =
            if quote == '"' { inner.replace("\\n", "\n").replace("\\r", "\r") } else { inner.to_owned() };
        return (inner, blanks + length);
    }
    let end_of_line = text.find('\n').unwrap_or(text.len());
    let line = &text[..end_of_line];
    let bare = line[..line.find('#').unwrap_or(line.len())].trim();
    let unquoted = ['\'', '"', '`']
        .into_iter()
        .find_map(|quote| bare.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(bare);
    (unquoted.to_owned(), end_of_line)
}

/// Reads a quoted value, which may span lines; nothing when text other than a comment follows it on its line.
fn quoted(text: &str, quote: char) -> Option<(&str, usize)> {
    let mut at = 1;
    let mut escaped = false;
    for c in text[1..].chars() {
        if c == quote && !escaped {
            let after = &text[at + 1..];
            let line_end = after.find('\n').unwrap_or(after.len());
            let tail = after[..line_end].trim_start();
            return (tail.is_empty() || tail.starts_with('#')).then(|| (&text[1..at], at + 1 + line_end));
        }
        escaped = c == '\\';
        at += c.len_utf8();
    }
    None
}

#[cfg(test)]
mod tests;
