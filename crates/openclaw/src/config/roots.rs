//! The keys at the root of a config: OpenClaw's schema is closed there, and one that it does not have makes it refuse the whole.

use super::notes::{Look, Notes};
use crate::layout::Release;

/// What the schemas of 2026.3.28, 2026.5.28, 2026.6.11, 2026.8.2 and 2026.9.6 have there (`openclaw config schema`), any of them: a
/// release in between may have what its neighbours have.
const KNOWN: &[&str] = &[
    "$schema",
    "accessGroups",
    "acp",
    "agents",
    "approvals",
    "attachments",
    "audio",
    "auth",
    "bindings",
    "broadcast",
    "browser",
    "canvasHost",
    "channels",
    "cli",
    "cloudWorkers",
    "commands",
    "commitments",
    "crestodian",
    "cron",
    "desktop",
    "diagnostics",
    "discovery",
    "env",
    "gateway",
    "hooks",
    "logging",
    "mcp",
    "media",
    "memory",
    "messages",
    "meta",
    "models",
    "nodeHost",
    "plugins",
    "proxy",
    "secrets",
    "security",
    "session",
    "skills",
    "surfaces",
    "talk",
    "telemetry",
    "tools",
    "transcripts",
    "tts",
    "tui",
    "ui",
    "update",
    "web",
    "wizard",
    "worktreeAcceleration",
    "worktreeRoot",
];
/// The first release of which that tells nothing.
const UNSEEN_SINCE: Release = Release::new(10, 0);

/// Says which keys at the root OpenClaw does not have.
pub(super) fn warn_of_strangers(root: &Look<'_>, touched_version: Option<&str>, notes: &mut Notes<'_>) {
    let release = touched_version.and_then(Release::parse);
    let seen = release.is_some_and(|release| release < UNSEEN_SINCE);
    let problem = if seen {
        "is no key of OpenClaw's; OpenClaw refuses the config (take it away, or correct its name)"
    } else {
        "is no key that OpenClaw has had until 2026.9; `openclaw config validate` says whether yours takes the config"
    };
    for (_, stranger) in root.entries().filter(|(key, _)| !KNOWN.contains(key)) {
        notes.warn(&stranger.steps, problem);
    }
}
