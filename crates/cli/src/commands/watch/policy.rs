//! What a watch may do: `keyshoal.toml`.

use crate::commands::Context;
use crate::error::CommandError;
use crate::root;
use jiff::SignedDuration;
use keyshoal_core::ActivationMode;
use keyshoal_openclaw::files;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The file's name.
pub const FILE: &str = "keyshoal.toml";

/// A policy, as it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchPolicy {
    /// Repair what is certain; otherwise only report.
    pub repair: bool,
    /// Ask providers about values that differ.
    pub ask_providers: bool,
    /// What may be done to the gateway.
    pub activate: ActivationMode,
    /// Look at least so often.
    pub every: SignedDuration,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    watch: Watch,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Watch {
    policy: Word,
    ask_providers: bool,
    activate: ActivationMode,
    every_seconds: u32,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    #[default]
    Report,
    Repair,
}

impl Default for Watch {
    fn default() -> Self {
        Self { policy: Word::Report, ask_providers: true, activate: ActivationMode::Auto, every_seconds: 60 }
    }
}

/// Returns the policy's place.
pub fn path(context: &Context<'_>) -> Result<PathBuf, CommandError> {
    root::keys_dir(context.world, context.globals)
        .or_else(|| keyshoal_local::open::default_keys_dir(&context.world.environment))
        .map(|dir| dir.join(FILE))
        .ok_or_else(|| CommandError::config("no directory for the policy: set HOME or XDG_CONFIG_HOME"))
}

/// Reads the policy; without a file it reports.
pub fn read(context: &Context<'_>) -> Result<WatchPolicy, CommandError> {
    let path = path(context)?;
    let bytes = files::read(&path, 64 * 1024).map_err(|error| CommandError::io(error.to_string()))?;
    let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
    parse(&text, &path)
}

/// Reads a policy's text. A mistake is an error: a policy that is guessed may write.
pub fn parse(text: &str, path: &Path) -> Result<WatchPolicy, CommandError> {
    let file: File = toml::from_str(text).map_err(|error| {
        CommandError::config(format!("{}: {}", path.display(), error.to_string().trim_end()))
            .hint("`keyshoal watch --help` shows the file")
    })?;
    let watch = file.watch;
    if watch.every_seconds == 0 {
        return Err(
            CommandError::config(format!("{}: every_seconds is 0", path.display())).hint("give 5 or more")
        );
    }
    Ok(WatchPolicy {
        repair: watch.policy == Word::Repair,
        ask_providers: watch.ask_providers,
        activate: watch.activate,
        every: SignedDuration::from_secs(i64::from(watch.every_seconds)),
    })
}

/// Returns the text with the policy's word in it; what else stands there stays.
pub fn with_word(text: &str, repair: bool) -> String {
    let line = format!("policy = \"{}\"", if repair { "repair" } else { "report" });
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let table = lines.iter().position(|one| one.trim() == "[watch]");
    let Some(table) = table else {
        let gap = if text.trim().is_empty() { "" } else { "\n" };
        return format!("{}{gap}[watch]\n{line}\n", if text.trim().is_empty() { "" } else { text });
    };
    let end = lines
        .iter()
        .skip(table + 1)
        .position(|one| one.trim().starts_with('['))
        .map_or(lines.len(), |at| table + 1 + at);
    let is_policy = |one: &String| {
        one.trim_start().strip_prefix("policy").is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    match lines[table..end].iter().position(is_policy) {
        Some(at) => lines[table + at] = line,
        None => lines.insert(table + 1, line),
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_word_it_only_reports() {
        let policy = parse("", Path::new("x")).unwrap();
        assert!(!policy.repair && policy.ask_providers);
        assert!(parse("[watch]\npolicy = \"repair\"\n", Path::new("x")).unwrap().repair);
    }

    #[test]
    fn a_mistake_is_an_error_and_no_policy() {
        for text in [
            "[watch]\npolicy = \"repare\"",
            "[watch]\nrepair = true",
            "[wacht]",
            "[watch]\nevery_seconds = 0",
        ] {
            assert!(parse(text, Path::new("x")).is_err(), "{text}");
        }
    }

    #[test]
    fn changing_the_word_keeps_the_rest() {
        let before = "# mine\n[watch]\nevery_seconds = 5\npolicy = \"report\" # careful\n";
        let after = with_word(before, true);
        assert_eq!(after, "# mine\n[watch]\nevery_seconds = 5\npolicy = \"repair\"\n");
        for text in ["", "# only a comment\n", "[watch]\n", before] {
            assert!(parse(&with_word(text, true), Path::new("x")).unwrap().repair, "{text}");
            assert!(
                !parse(&with_word(&with_word(text, true), false), Path::new("x")).unwrap().repair,
                "{text}"
            );
        }
    }
}
