//! Looks at a key before it is sent anywhere.

use crate::registry::{self, Provider};

/// Why a key cannot be right. The words never repeat the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    Whitespace,
    Quoted,
    Unprintable,
    Placeholder,
    Assignment,
    OfAnother(&'static str),
    CutOff,
}

impl Malformed {
    pub(crate) fn advice(self) -> String {
        match self {
            Self::Whitespace => {
                "the value has a space or a line break in or around it: set it again without".to_owned()
            }
            Self::Quoted => "the value has quotation marks around it: set it again without".to_owned(),
            Self::Unprintable => "the value has characters that no key has: set it again".to_owned(),
            Self::Placeholder => "the value is a placeholder, not a key: set the real one".to_owned(),
            Self::Assignment => {
                "the value begins with a variable's name: set it again without NAME=".to_owned()
            }
            Self::OfAnother(name) => format!("this looks like a key of {name}: set this provider's own"),
            Self::CutOff => {
                "the value is shorter than any key of this provider: it was cut off when it was copied"
                    .to_owned()
            }
        }
    }
}

/// Looks at the text alone, then, for a provider's own endpoint, at what its keys look like.
pub(crate) fn check(key: &str, own: Option<&Provider>) -> Result<(), Malformed> {
    if key.chars().any(char::is_whitespace) {
        return Err(Malformed::Whitespace);
    }
    if key.starts_with(['"', '\'', '`', '“', '‘']) || key.ends_with(['"', '\'', '`', '”', '’']) {
        return Err(Malformed::Quoted);
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Malformed::Unprintable);
    }
    if key.starts_with("${")
        || key.starts_with("{{")
        || (key.starts_with('<') && key.ends_with('>'))
        || key.ends_with("...")
    {
        return Err(Malformed::Placeholder);
    }
    if is_assignment(key) {
        return Err(Malformed::Assignment);
    }
    let Some(own) = own else { return Ok(()) };
    if let Some(other) = registry::by_key(key)
        && other.name != own.name
    {
        return Err(Malformed::OfAnother(other.name));
    }
    let known = own.key_prefixes.iter().any(|prefix| key.starts_with(prefix));
    if known && key.len() < own.shortest_key {
        return Err(Malformed::CutOff);
    }
    Ok(())
}

/// Tells whether a line of an environment file was pasted: `OPENAI_API_KEY=…`.
fn is_assignment(key: &str) -> bool {
    key.split_once('=').is_some_and(|(name, value)| {
        let end = name.ends_with("_KEY") || name.ends_with("_TOKEN");
        end && !value.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str) -> Option<&'static Provider> {
        registry::find(name)
    }

    #[test]
    fn what_cannot_be_a_key_is_seen_before_it_is_sent() {
        let long = "x".repeat(120);
        for (key, provider, expected) in [
            ("sk-abc\n".to_owned(), "openai", Err(Malformed::Whitespace)),
            ("sk ant".to_owned(), "anthropic", Err(Malformed::Whitespace)),
            ("\"sk-abc\"".to_owned(), "openai", Err(Malformed::Quoted)),
            ("sk-ab\u{200b}c".to_owned(), "openai", Err(Malformed::Unprintable)),
            ("${OPENAI_API_KEY}".to_owned(), "openai", Err(Malformed::Placeholder)),
            ("<your key>".to_owned(), "openai", Err(Malformed::Whitespace)),
            (format!("OPENAI_API_KEY=sk-proj-{long}"), "openai", Err(Malformed::Assignment)),
            ("c2VjcmV0IGtleQ==".to_owned(), "openai", Ok(())),
            ("AB_KEY=".to_owned(), "openai", Ok(())),
            (format!("sk-ant-{long}"), "openai", Err(Malformed::OfAnother("anthropic"))),
            (format!("sk-or-v1-{long}"), "openai", Err(Malformed::OfAnother("openrouter"))),
            (format!("AIza{long}"), "anthropic", Err(Malformed::OfAnother("google"))),
            ("sk-ant-api03-short".to_owned(), "anthropic", Err(Malformed::CutOff)),
            ("AIzaSyShort".to_owned(), "google", Err(Malformed::CutOff)),
            (format!("sk-ant-{long}"), "anthropic", Ok(())),
            (format!("sk-proj-{long}"), "openai", Ok(())),
            ("a-key-of-a-shape-we-do-not-know".to_owned(), "openai", Ok(())),
        ] {
            assert_eq!(check(&key, at(provider)), expected, "{provider}");
        }
        assert_eq!(check("sk-ant-api03-short", None), Ok(()), "a custom endpoint may use any shape");
    }
}
