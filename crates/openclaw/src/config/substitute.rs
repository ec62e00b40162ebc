//! `${VAR}` in text: replaced by the environment, `$${VAR}` stays as `${VAR}`.

/// Returns the variable when the whole text is `${VAR}` or `$VAR`: what the program treats as a reference to the environment.
pub(super) fn whole_variable(text: &str) -> Option<&str> {
    let text = text.trim();
    let name = match text.strip_prefix("${") {
        Some(rest) => rest.strip_suffix('}')?,
        None => text.strip_prefix('$')?,
    };
    is_reference_name(name).then_some(name)
}

/// Tells whether a name may stand in a reference to the environment: `[A-Z][A-Z0-9_]{0,127}`.
fn is_reference_name(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
