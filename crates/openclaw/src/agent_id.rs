//! How OpenClaw turns what a person calls an agent into the id that names its directory.

use keyshoal_core::AgentId;

/// The longest id.
const LONGEST: usize = 64;

/// The id of an agent whose name holds nothing usable.
pub const FALLBACK: &str = "main";

/// Returns the id that OpenClaw uses for `written`, exactly as its `normalizeAgentId` does.
///
/// The result holds only `a-z0-9_-`, 1 to 64 of them, so it can never leave the directory that it is joined to.
/// Seen the same in 2026.3.28, 2026.5.28, 2026.6.11, 2026.8.2 and 2026.9.6.
pub fn normalize(written: &str) -> AgentId {
    let id = canonical(written);
    if id.is_empty() { AgentId::new(FALLBACK) } else { AgentId::new(id) }
}

/// The account of a channel where none is named.
pub const DEFAULT_ACCOUNT: &str = "default";

/// Names that JavaScript objects have of themselves; no account may be called so.
const TAKEN: &[&str] = &["__proto__", "prototype", "constructor"];

/// Returns the id that OpenClaw uses for a channel's account, as its `normalizeAccountId` does.
pub fn normalize_account(written: &str) -> String {
    let id = canonical(written);
    if id.is_empty() || TAKEN.contains(&id.as_str()) { DEFAULT_ACCOUNT.to_owned() } else { id }
}

/// Returns what is usable of an id; nothing where nothing is.
fn canonical(written: &str) -> String {
    let trimmed = js_trim(written);
    if is_plain(trimmed) {
        return trimmed.to_ascii_lowercase();
    }
    let mut id = String::new();
    let mut dash_due = false;
    for character in trimmed.to_lowercase().chars() {
        if matches!(character, 'a'..='z' | '0'..='9' | '_' | '-') {
            if dash_due {
                id.push('-');
                dash_due = false;
            }
            id.push(character);
        } else {
            dash_due = true;
        }
    }
    id.trim_matches('-').chars().take(LONGEST).collect()
}

/// Tells whether OpenClaw accepts `key` as a key of `agents.entries` (2026.8.1 and later); others make its config invalid.
pub fn is_entries_key(key: &str) -> bool {
    let mut characters = key.chars();
    let first = characters.next();
    first.is_some_and(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'))
        && characters.all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-'))
        && key.len() <= LONGEST
}

/// Tells whether `text` is an id already, but for capitals.
fn is_plain(text: &str) -> bool {
    text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Trims what JavaScript's `trim` does: white space and the byte order mark, but not U+0085.
pub(crate) fn js_trim(text: &str) -> &str {
    text.trim_matches(|c: char| (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}')
}

#[cfg(test)]
mod tests;
