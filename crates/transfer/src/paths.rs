//! Paths within a payload: relative, plain, the same on every machine.

/// The longest path, in bytes, and the longest name in it.
const LONGEST: usize = 4096;
const LONGEST_NAME: usize = 255;

/// Says why a path does not lead to a place below the directory that it is for.
pub fn check(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("the path is empty");
    }
    if path.len() > LONGEST {
        return Err("the path is longer than any file system allows");
    }
    if path.starts_with('/') {
        return Err("the path is absolute");
    }
    if path.contains('\\') {
        return Err("the path has a backslash, which some systems take for a slash");
    }
    if path.chars().any(char::is_control) {
        return Err("the path has a control character");
    }
    for name in path.split('/') {
        match name {
            "" => return Err("the path has an empty name in it"),
            "." | ".." => return Err("the path leads out of its directory, or tries to"),
            name if name.len() > LONGEST_NAME => {
                return Err("a name in the path is longer than any file system allows");
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn only_plain_relative_paths_are_let_in() {
        for fine in ["a", "notes/a.md", ".git/config", "日本/ü", "a b/c..d", "..."] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        let (long, deep) = ("x".repeat(256), "x/".repeat(3000));
        for refused in [
            "",
            "/etc/passwd",
            "..",
            "a/../../b",
            "./a",
            "a//b",
            "a/",
            "a\0b",
            "a\nb",
            "C:\\x",
            "a\\..\\b",
            &long,
            &deep,
        ] {
            assert!(check(refused).is_err(), "{refused}");
        }
    }
}
