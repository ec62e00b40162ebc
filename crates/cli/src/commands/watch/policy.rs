//! What a watch may do, and whom it tells: `keyshoal.toml`.

pub mod alert;
mod metrics;
mod verify;

pub use metrics::Listen;

use crate::arguments::Globals;
use crate::commands::Context;
use crate::error::CommandError;
use crate::root;
use jiff::SignedDuration;
use keyshoal_core::ActivationMode;
use keyshoal_engine::watch::{Hysteresis, VerifyPolicy};
use keyshoal_openclaw::files;
use serde::Deserialize;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

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
    /// When to verify.
    pub verify: VerifyPolicy,
    /// When trouble that may pass by itself is told of.
    pub hysteresis: Hysteresis,
    /// Whom to tell of alarms.
    pub alerts: Vec<alert::Alert>,
    /// Where to serve metrics.
    pub metrics: Option<Listen>,
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
    #[serde(default)]
    verify: verify::Verify,
    #[serde(default)]
    alarms: verify::Alarms,
    #[serde(default)]
    alert: Vec<alert::Table>,
    #[serde(default)]
    metrics: Option<metrics::Metrics>,
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
    // It may hold secrets of alerts.
    let bytes = Zeroizing::new(bytes.unwrap_or_default());
    let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
    parse(&text, path)
}

/// Reads a policy's text. A mistake is an error: a policy that is guessed may write.
pub fn parse(text: &str, path: &Path) -> Result<WatchPolicy, CommandError> {
    let file: File = toml::from_str(text).map_err(|error| {
        CommandError::config(format!("{}: {}", path.display(), mistake(&error, text)))
            .hint("`keyshoal watch --help` shows the file")
    })?;
    let wrong = |what: String| {
        CommandError::config(format!("{}: {what}", path.display()))
            .hint("the README shows every key of the file")
    };
    let alerts = alert::read(file.alert, file.alarms.per_hour()).map_err(wrong)?;
    let metrics = file.metrics.map(metrics::Metrics::read).transpose().map_err(wrong)?.flatten();
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
        verify: file.verify.policy(),
        hysteresis: file.alarms.hysteresis(),
        alerts,
        metrics,
    })
}

/// Says what is wrong and where, without repeating the line: it may hold a secret. What stands between quotes is a value.
fn mistake(error: &toml::de::Error, text: &str) -> String {
    let mut said = String::new();
    for (at, part) in error.message().split('"').enumerate() {
        said.push_str(if at % 2 == 1 { "\"…\"" } else { part });
    }
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {said}", before.matches('\n').count() + 1),
        None => said,
    }
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
mod tests;
