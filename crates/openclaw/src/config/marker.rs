//! Texts that stand where a key could stand but are none: names of variables and OpenClaw's own marks.

use super::substitute;

/// Marks of OpenClaw and its bundled plugins for "nothing secret stands here" (2026.3.28 to 2026.9.6).
const MARKS: [&str; 9] = [
    "secretref-managed",
    "custom-local",
    "ollama-local",
    "lmstudio-local",
    "apple-fm-local",
    "minimax-oauth",
    "codex-app-server",
    "gcp-vertex-credentials",
    "openclaw:claude-cli-native-auth",
];

/// Beginnings of marks that go on with a name.
const MARK_PREFIXES: [&str; 2] = ["oauth:", "secretref-env:"];

/// What a text is that stands where a key could stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written<'a> {
    /// A key.
    Key(&'a str),
    /// The name of the variable that holds it: `${NAME}`, `$NAME`, or a bare name such as `OPENAI_API_KEY`.
    Variable(&'a str),
    /// A mark: there is no key.
    Mark,
}

/// Tells what a text is that stands where a key could stand, in openclaw.json or models.json.
///
/// The program knows the variables of its providers by a list; here a bare name counts that has their shape
/// (`…_API_KEY`, `…_TOKEN`, `…_KEY` in capitals), which no key has.
pub fn written(text: &str) -> Written<'_> {
    let text = text.trim();
    if let Some(name) = substitute::whole_variable(text) {
        return Written::Variable(name);
    }
    let mark = MARKS.contains(&text)
        || MARK_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
        || matches!(text, "AWS_ACCESS_KEY_ID" | "AWS_PROFILE" | "AWS_BEARER_TOKEN_BEDROCK");
    if mark || text.is_empty() {
        return Written::Mark;
    }
    let capitals = text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if capitals && ["_API_KEY", "_TOKEN", "_KEY"].iter().any(|end| text.ends_with(end)) {
        return Written::Variable(text);
    }
    Written::Key(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_variables_and_marks_are_told_apart() {
        for (text, expected) in [
            ("sk-ant-1", Written::Key("sk-ant-1")),
            (" sk-ant-1\n", Written::Key("sk-ant-1")),
            ("AKIAIOSFODNN7EXAMPLE", Written::Key("AKIAIOSFODNN7EXAMPLE")),
            ("oauthy", Written::Key("oauthy")),
            ("${OPENAI_API_KEY}", Written::Variable("OPENAI_API_KEY")),
            ("$X", Written::Variable("X")),
            ("OPENAI_API_KEY", Written::Variable("OPENAI_API_KEY")),
            ("GITHUB_TOKEN", Written::Variable("GITHUB_TOKEN")),
            ("ollama-local", Written::Mark),
            ("oauth:chutes", Written::Mark),
            ("AWS_PROFILE", Written::Mark),
            (" ", Written::Mark),
        ] {
            assert_eq!(written(text), expected, "for {text:?}");
        }
    }
}
