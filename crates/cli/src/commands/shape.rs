//! What can be said of a value before anybody is asked.

use crate::error::CommandError;
use keyshoal_core::Secret;

/// No key or token is longer than this.
pub const LONGEST: usize = 64 * 1024;

/// Beginnings of keys that people paste in the wrong place.
const BEGINNINGS: [&str; 8] = ["sk-", "sk_", "AIza", "xai-", "gsk_", "ghp_", "Bearer ", "eyJ"];

/// Says why a name looks like a secret, if it does. The name itself is never repeated.
pub fn looks_like_a_secret(name: &str) -> Option<&'static str> {
    let begins = BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
    (begins || name.len() > 200).then_some("the name given looks like a key")
}

/// Refuses what cannot be a credential, without repeating any of it. The hint names the command that it was given `to`.
pub fn check(secret: &Secret, to: &str) -> Result<(), CommandError> {
    let text = secret.reveal_secret();
    let problem = if text.is_empty() {
        "no value was given"
    } else if text.len() > LONGEST {
        "the value is longer than any key or token"
    } else if text.chars().any(char::is_control) {
        "the value has more than one line, or control characters in it"
    } else if text.chars().any(char::is_whitespace) {
        "the value has blanks in it"
    } else if !text.is_ascii() {
        "the value has characters that no key has (an ellipsis or typographic quotes from a web page?)"
    } else if text.contains("***") || text.contains("...") {
        "the value is masked: it is what a page shows in place of the key"
    } else if text.starts_with("${") || text.starts_with('$') {
        "the value is the name of a variable, not a key"
    } else if text.starts_with(['"', '\'', '`']) || text.ends_with(['"', '\'', '`', ',', ';']) {
        "the value has quotes or punctuation around it"
    } else if text.len() < 8 {
        "the value is too short for a key"
    } else {
        return Ok(());
    };
    Err(CommandError::user(format!("{problem}; nothing was changed"))
        .hint(format!("copy the whole key, alone, and try again: keyshoal {to}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_by_mistake_is_refused_and_not_repeated() {
        let wrong = [
            "",
            "sk-short one",
            "sk-ant-…abcd",
            "sk-ant-***abcd",
            "\"sk-ant-abcdefgh\"",
            "${ANTHROPIC_API_KEY}",
            "q7Zx",
            "sk-ant-one\nsk-ant-two",
            "sk-ant-abcdefgh,",
        ];
        for text in wrong {
            let error = check(&Secret::new(text), "set anthropic").unwrap_err();
            assert!(text.is_empty() || !error.message.contains(text), "{error:?}");
        }
        assert_eq!(check(&Secret::new("sk-ant-api03-abcdefgh"), "set anthropic"), Ok(()));
    }

    #[test]
    fn a_key_in_place_of_a_name_is_noticed() {
        assert!(looks_like_a_secret("sk-ant-api03-abc").is_some());
        assert!(looks_like_a_secret("anthropic:default").is_none());
    }
}
