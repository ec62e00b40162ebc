//! What a watch may do: `keyshoal.toml`.

use crate::arguments::Globals;
use crate::commands::Context;
use crate::error::CommandError;
use crate::root;
use jiff::SignedDuration;
use keyshoal_core::ActivationMode;
use keyshoal_openclaw::files;
use serde::Deserialize;
use std::os::unix::fs::MetadataExt;
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
    /// The person's own command that restarts the gateway.
    pub restart_command: Option<String>,
    /// A file with the gateway's token.
    pub gateway_token_file: Option<PathBuf>,
    /// A device identity may be made and shown to a gateway that demands one.
    pub allow_device: bool,
    /// Look at least so often.
    pub every: SignedDuration,
}

impl WatchPolicy {
    /// Returns the options for every command, with what the policy adds. What was said on the command line goes first.
    pub fn globals(&self, given: &Globals) -> Globals {
        let token_file = given.gateway_token_file.clone().or_else(|| self.gateway_token_file.clone());
        Globals {
            gateway_token_file: token_file,
            allow_device: given.allow_device || self.allow_device,
            ..given.clone()
        }
    }
}

/// What tells one state of the policy's file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(Option<(u64, u64, i64, i64)>);

impl Stamp {
    /// Looks at the file.
    pub fn of(path: &Path) -> Self {
        let found = path.metadata().ok();
        Self(found.map(|found| (found.ino(), found.len(), found.mtime(), found.mtime_nsec())))
    }
}

/// The policy's file, as it was when it was read.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The file.
    pub path: PathBuf,
    /// Its state then.
    pub stamp: Stamp,
}

impl Watched {
    /// Tells whether it is another one now.
    pub fn has_changed(&self) -> bool {
        Stamp::of(&self.path) != self.stamp
    }
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
    restart_command: Option<String>,
    gateway_token_file: Option<PathBuf>,
    allow_device: bool,
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
        Self {
            policy: Word::Report,
            ask_providers: true,
            activate: ActivationMode::Auto,
            restart_command: None,
            gateway_token_file: None,
            allow_device: false,
            every_seconds: 60,
        }
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
pub fn read(path: &Path) -> Result<WatchPolicy, CommandError> {
    let bytes = files::read(path, 64 * 1024).map_err(|error| CommandError::io(error.to_string()))?;
    let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
    parse(&text, path)
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
    if watch.restart_command.is_some() && watch.activate != ActivationMode::Restart {
        return Err(CommandError::config(format!(
            "{}: restart_command is given, and activate does not allow a restart",
            path.display()
        ))
        .hint("say activate = \"restart\", or take the command out"));
    }
    if watch.gateway_token_file.as_ref().is_some_and(|file| file.is_relative()) {
        return Err(CommandError::config(format!(
            "{}: gateway_token_file is no absolute path",
            path.display()
        ))
        .hint("a service is started in another directory than you are in"));
    }
    Ok(WatchPolicy {
        repair: watch.policy == Word::Repair,
        ask_providers: watch.ask_providers,
        activate: watch.activate,
        restart_command: watch.restart_command,
        gateway_token_file: watch.gateway_token_file,
        allow_device: watch.allow_device,
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
    fn the_readme_shows_every_key_with_what_counts_without_it() {
        let readme = include_str!("../../../../../README.md");
        let (_, rest) = readme.split_once("```toml\n").unwrap();
        let (shown, _) = rest.split_once("```").unwrap();
        assert_eq!(parse(shown, Path::new("x")).unwrap(), parse("", Path::new("x")).unwrap());
        let all = shown.replace("# restart", "restart").replace("# gateway", "gateway");
        let policy = parse(&all.replacen("\"auto\"", "\"restart\"", 1), Path::new("x")).unwrap();
        assert!(policy.restart_command.is_some() && policy.gateway_token_file.is_some());
    }

    #[test]
    fn a_mistake_is_an_error_and_no_policy() {
        for text in [
            "[watch]\npolicy = \"repare\"",
            "[watch]\nrepair = true",
            "[wacht]",
            "[watch]\nevery_seconds = 0",
            "[watch]\nrestart_command = \"x\"",
            "[watch]\ngateway_token_file = \"token\"",
        ] {
            assert!(parse(text, Path::new("x")).is_err(), "{text}");
        }
    }

    #[test]
    fn what_the_gateway_may_be_done_can_be_said() {
        let text = "[watch]\nactivate = \"restart\"\nrestart_command = \"x y\"\nallow_device = true\ngateway_token_file = \"/t\"";
        let policy = parse(text, Path::new("x")).unwrap();
        assert_eq!(policy.restart_command.as_deref(), Some("x y"));
        let globals = policy.globals(&Globals::default());
        assert!(globals.allow_device);
        assert_eq!(globals.gateway_token_file, Some("/t".into()));
        let given = Globals { gateway_token_file: Some("/mine".into()), ..Globals::default() };
        assert_eq!(policy.globals(&given).gateway_token_file, Some("/mine".into()));
    }

    #[test]
    fn another_file_at_the_same_place_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let watched = |path: &Path| Watched { path: path.to_owned(), stamp: Stamp::of(path) };
        let before = watched(&path);
        assert!(!before.has_changed());
        root::write_file(&path, "[watch]\npolicy = \"report\"\n").unwrap();
        assert!(before.has_changed());
        let before = watched(&path);
        root::write_file(&path, "[watch]\npolicy = \"repair\"\n").unwrap();
        assert!(before.has_changed(), "as long as before");
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
