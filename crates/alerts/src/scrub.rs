//! What must not leave the machine in a message: the person's home, and anything that looks like a secret.

use std::path::Path;

/// How keys and tokens begin. Findings hold none; this is the belt beside the braces.
const BEGINNINGS: [&str; 12] =
    ["sk-", "sk_", "pk_", "rk_", "AIza", "xox", "ghp_", "gho_", "github_pat_", "gsk_", "eyJ", "Bearer "];
/// A word that begins so is taken for a secret from this length on.
const SUSPICIOUS: usize = 16;

/// Takes out of a text what must not leave the machine.
#[derive(Clone, Debug, Default)]
pub struct Scrub {
    homes: Vec<String>,
}

impl Scrub {
    /// Makes it for a home, which may have several names (links).
    pub fn new<'a>(homes: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut homes: Vec<String> = homes
            .into_iter()
            .filter_map(|home| home.to_str())
            .map(|home| home.trim_end_matches('/').to_owned())
            .filter(|home| home.starts_with('/') && home.len() > 1)
            .collect();
        // The longest first: one may lie in another.
        homes.sort_by_key(|home| std::cmp::Reverse(home.len()));
        homes.dedup();
        Self { homes }
    }

    /// Returns the text as it may leave.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for home in &self.homes {
            text = without_home(&text, home);
        }
        without_secrets(&text)
    }
}

/// Puts `~` where a path leads into the home: not where another directory's name merely begins like it.
fn without_home(text: &str, home: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(home) {
        let (before, from) = rest.split_at(at);
        let after = &from[home.len()..];
        let ends = !after.starts_with(|next: char| next.is_alphanumeric() || matches!(next, '-' | '_' | '.'))
            || after.starts_with(". ")
            || after == ".";
        let begins =
            !before.ends_with(|last: char| last.is_alphanumeric() || matches!(last, '-' | '_' | '.' | '~'));
        made.push_str(before);
        made.push_str(if ends && begins { "~" } else { home });
        rest = after;
    }
    made.push_str(rest);
    made
}

fn without_secrets(text: &str) -> String {
    let part = |one: char| one.is_ascii_alphanumeric() || matches!(one, '-' | '_' | '.' | '+' | '/' | '=');
    let mut text = text.to_owned();
    for beginning in BEGINNINGS {
        let mut from = 0;
        while let Some(found) = text[from..].find(beginning) {
            let start = from + found;
            let inner = start + beginning.len();
            let length = text[inner..].find(|one| !part(one)).unwrap_or(text.len() - inner);
            let inside = text[..start].ends_with(|one: char| one.is_ascii_alphanumeric());
            if !inside && beginning.len() + length >= SUSPICIOUS {
                text.replace_range(inner..inner + length, "…");
            }
            from = inner;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_home_is_a_tilde_and_its_neighbour_is_not() {
        let scrub = Scrub::new([Path::new("/home/me"), Path::new("/srv/homes/me/")]);
        for (text, shown) in [
            ("/home/me/.openclaw/x: denied", "~/.openclaw/x: denied"),
            ("in /home/me.", "in ~."),
            ("(/home/me)", "(~)"),
            ("/home/meander/x", "/home/meander/x"),
            ("/home/me-too", "/home/me-too"),
            ("/mnt/srv/homes/me/x and /srv/homes/me", "/mnt/srv/homes/me/x and ~"),
        ] {
            assert_eq!(scrub.text(text), shown);
        }
        assert_eq!(Scrub::new([Path::new("/")]).text("/etc/x"), "/etc/x", "the root's home is no reason");
    }

    #[test]
    fn what_looks_like_a_secret_is_cut() {
        let scrub = Scrub::default();
        assert_eq!(scrub.text("refused: sk-ant-api03-abcdef0123456789, see"), "refused: sk-…, see");
        assert_eq!(scrub.text("Bearer abcdefghijklmnop"), "Bearer …");
        assert_eq!(scrub.text("task-list-of-the-evening risk-free"), "task-list-of-the-evening risk-free");
        assert_eq!(scrub.text("sk-old"), "sk-old");
    }

    proptest! {
        #[test]
        fn nothing_seeded_gets_through(before in ".{0,20}", after in "[ ,;:)]?.{0,20}") {
            let scrub = Scrub::new([Path::new("/home/someone")]);
            prop_assume!(!before.ends_with(|one: char| one.is_alphanumeric() || matches!(one, '-' | '_' | '.' | '~')));
            let text = format!("{before}/home/someone/{after} sk-ant-api03-5f0c8e1db2a94c77");
            let shown = scrub.text(&text);
            prop_assert!(!shown.contains("/home/someone/"), "{shown}");
            prop_assert!(!shown.contains("5f0c8e1db2a94c77"), "{shown}");
        }
    }
}
