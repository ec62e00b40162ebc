//! The last look at what leaves the machine: whatever a text came from, no secret, e-mail address or home directory is in it.

use keyshoal_local::Installation;
use std::path::Path;

/// How secrets begin in the world.
const BEGINNINGS: [&str; 12] =
    ["sk-", "sk_", "AIza", "xoxb-", "xoxp-", "xapp-", "ghp_", "gho_", "github_pat_", "gsk_", "xai-", "eyJ"];
/// What begins so and is shorter is a word.
const SHORTEST: usize = 16;

/// Cleans texts.
pub struct Scrub<'a> {
    installation: &'a Installation,
    home: Option<String>,
}

impl<'a> Scrub<'a> {
    /// Knows the installation's own secrets, and the person's home.
    pub fn new(installation: &'a Installation, home: Option<&Path>) -> Self {
        let home = home.map(|home| home.display().to_string()).filter(|home| home.len() > 1);
        Self { installation, home }
    }

    /// Returns the text without them.
    pub fn text(&self, text: String) -> String {
        let text = self.installation.scrubbed(text);
        let text = match &self.home {
            Some(home) => text.replace(home, "~"),
            None => text,
        };
        words(&text)
    }
}

/// Replaces words that look like secrets or addresses of people.
pub fn words(text: &str) -> String {
    let is_word = |one: char| one.is_ascii_alphanumeric() || "-_.@+/=~".contains(one);
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let length = rest.find(|one| !is_word(one)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        clean.push_str(if is_secret(word) || is_address(word) { "(redacted)" } else { word });
        let gap = after.find(is_word).unwrap_or(after.len());
        clean.push_str(&after[..gap]);
        rest = &after[gap..];
    }
    clean
}

fn is_secret(word: &str) -> bool {
    word.len() >= SHORTEST && BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
}

fn is_address(word: &str) -> bool {
    word.split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_or_a_person_goes_and_the_rest_stays() {
        for (text, expected) in [
            ("key sk-ant-api03-0123456789abcdef, said ada@example.com.", "key (redacted), said (redacted)"),
            ("\"eyJhbGciOiJIUzI1NiJ9.e30.abc\"", "\"(redacted)\""),
            ("agents/a/agent sk-short ü → x@y", "agents/a/agent sk-short ü → x@y"),
            ("", ""),
        ] {
            assert!(words(text).starts_with(expected), "{}", words(text));
        }
    }
}
