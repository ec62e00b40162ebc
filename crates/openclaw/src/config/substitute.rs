//! `${VAR}` in text: replaced by the environment, `$${VAR}` stays as `${VAR}`.

use super::notes::{Notes, Steps};
use serde_json::Value;

/// Looks a variable up.
pub(super) type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// One piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    /// Text as it stands.
    Text(&'a str),
    /// `${NAME}`.
    Variable(&'a str),
    /// `$${NAME}`, which means the text `${NAME}`.
    Escaped(&'a str),
}

/// Replaces the variables in every text of a config. A variable that is missing or empty stays as written and is said.
pub(super) fn substitute(value: &mut Value, lookup: &Lookup<'_>, notes: &mut Notes<'_>) {
    walk(value, &Steps::default(), lookup, notes);
}

/// Replaces variables in one value and what is within it. The depth is limited by the parser.
fn walk(value: &mut Value, steps: &Steps, lookup: &Lookup<'_>, notes: &mut Notes<'_>) {
    match value {
        Value::String(text) if text.contains('$') => {
            let mut missing = Vec::new();
            let replaced = replace(text, lookup, &mut missing);
            for variable in missing {
                notes.warn(steps, format_args!("names ${{{variable}}}, which is not set here; OpenClaw then keeps the text as it is (set it in the environment or in .env)"));
            }
            *text = replaced;
        }
        Value::Array(elements) => {
            for (at, element) in elements.iter_mut().enumerate() {
                walk(element, &steps.index(at), lookup, notes);
            }
        }
        Value::Object(members) => {
            for (key, member) in members.iter_mut() {
                walk(member, &steps.key(key), lookup, notes);
            }
        }
        _ => {}
    }
}

/// Replaces the variables in one text.
fn replace(text: &str, lookup: &Lookup<'_>, missing: &mut Vec<String>) -> String {
    let mut replaced = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => replaced.push_str(text),
            Piece::Escaped(name) => push_literal(&mut replaced, name),
            Piece::Variable(name) => match lookup(name).filter(|value| !value.is_empty()) {
                Some(value) => replaced.push_str(&value),
                None => {
                    missing.push(name.to_owned());
                    push_literal(&mut replaced, name);
                }
            },
        }
    }
    replaced
}

/// Writes `${NAME}`.
fn push_literal(text: &mut String, name: &str) {
    text.push_str("${");
    text.push_str(name);
    text.push('}');
}

/// Tells whether a text holds an unescaped variable.
pub(super) fn has_variable(text: &str) -> bool {
    pieces(text).iter().any(|piece| matches!(piece, Piece::Variable(_)))
}

/// Cuts a text into pieces.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(dollar) = text[at..].find('$').map(|found| at + found) {
        let rest = &text[dollar..];
        let (name, length, escaped) = if let Some(name) = rest.strip_prefix("$${").and_then(name_before_brace)
        {
            (name, name.len() + 4, true)
        } else if let Some(name) = rest.strip_prefix("${").and_then(name_before_brace) {
            (name, name.len() + 3, false)
        } else {
            at = dollar + 1;
            continue;
        };
        pieces.push(Piece::Text(&text[from..dollar]));
        pieces.push(if escaped { Piece::Escaped(name) } else { Piece::Variable(name) });
        at = dollar + length;
        from = at;
    }
    pieces.push(Piece::Text(&text[from..]));
    pieces
}

/// Returns the variable's name before the first `}`, when it is one: `[A-Z_][A-Z0-9_]*`.
fn name_before_brace(text: &str) -> Option<&str> {
    let name = &text[..text.find('}')?];
    let valid = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    valid.then_some(name)
}

/// Returns a variable that a text still names when all that were set have been replaced.
pub(super) fn named_in(text: &str) -> Option<&str> {
    pieces(text).into_iter().find_map(|piece| match piece {
        Piece::Variable(name) => Some(name),
        Piece::Text(_) | Piece::Escaped(_) => None,
    })
}

/// Returns the variable when the whole text is `${VAR}` or `$VAR`: what the program treats as a reference to the environment.
pub(super) fn whole_variable(text: &str) -> Option<&str> {
    let text = text.trim();
    let name = match text.strip_prefix("${") {
        Some(rest) => rest.strip_suffix('}')?,
        None => text.strip_prefix('$')?,
    };
    let valid = name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    valid.then_some(name)
}

#[cfg(test)]
mod tests;
