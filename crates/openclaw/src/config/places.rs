//! Places on the machine that a config's own text names, for whoever carries it to another one.

use super::notes::{Look, Steps};
use super::text;
use keyshoal_core::Secret;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Returns every absolute path that stands as a value in a text of a config, with the way there. What it includes is not looked at.
pub fn named_places(config: &Secret) -> Vec<(String, PathBuf)> {
    let parsed = text::parse(Path::new("openclaw.json"), config.reveal_secret());
    let Ok(value) = parsed else { return Vec::new() };
    let mut found = Vec::new();
    look_for(&Look::root(&value), &mut found);
    found.into_iter().map(|(steps, path)| (steps.to_string(), path)).collect()
}

fn look_for(look: &Look<'_>, found: &mut Vec<(Steps, PathBuf)>) {
    match look.value {
        Value::String(text) if is_path(text) => found.push((look.steps.clone(), PathBuf::from(text))),
        Value::Array(all) => {
            for (at, value) in all.iter().enumerate() {
                look_for(&Look { value, steps: look.steps.index(at) }, found);
            }
        }
        Value::Object(_) => look.entries().for_each(|(_, inner)| look_for(&inner, found)),
        _ => {}
    }
}

/// A command line, or a text that merely begins with a slash, is no path.
fn is_path(text: &str) -> bool {
    text.starts_with('/') && text.len() < 4096 && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_path_is_named_with_the_way_there() {
        let text = "{ logging: { file: '/home/ada/log' }, hooks: [{ run: '/bin/sh -c x' }, { at: '/srv/a' }], x: 'a/b' }";
        let named = named_places(&Secret::new(text));
        let said: Vec<_> = named.iter().map(|(way, path)| format!("{way} {}", path.display())).collect();
        assert_eq!(said, ["logging.file /home/ada/log", "hooks[1].at /srv/a"]);
    }
}
