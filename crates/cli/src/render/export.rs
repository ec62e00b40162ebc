//! What goes into a payload, and what does not.

use super::words::count;
use crate::ui::{Text, Tone};
use keyshoal_transfer::Payload;
use keyshoal_transfer::manifest::{LeftOut, Part, Stays, Totals};

/// Returns the lines that `export` shows.
pub fn summary(payload: &Payload) -> Vec<Text> {
    let manifest = &payload.manifest;
    let release = manifest.source.release.as_deref().unwrap_or("of an unknown release");
    let mut lines = vec![
        Text::toned(Tone::Strong, &manifest.source.state_dir).plain(format!(" (OpenClaw {release})")),
        Text::of(format!(
            "  {}, {}, {}, {}, the config{}",
            count(manifest.agents.len(), "agent"),
            count(manifest.profiles.len(), "profile"),
            count(manifest.bindings.len(), "binding"),
            count(manifest.channels.len(), "channel"),
            if manifest.variables.is_empty() { "" } else { ", the variables of .env" },
        )),
    ];
    let disabled: Vec<&str> =
        manifest.agents.iter().filter(|agent| !agent.enabled).map(|agent| agent.id.as_str()).collect();
    if !disabled.is_empty() {
        lines.push(Text::of(format!("  disabled, and in no roster: {}", disabled.join(", "))));
    }
    lines.extend(
        manifest.profiles.iter().filter(|one| one.meant.as_ref().is_some_and(|meant| meant.waits)).map(
            |one| Text::of(format!("  {} of {}: only the vault has it, it waits", one.profile, one.store)),
        ),
    );
    lines.extend(manifest.files.map(|totals| along(&totals)));
    lines.extend(stays(&manifest.stays));
    lines.extend(left_out(&manifest.left_out));
    lines
}

/// Says which files come along.
pub fn along(totals: &Totals) -> Text {
    Text::of(format!(
        "  workspaces and sessions: {}, {}",
        count(usize::try_from(totals.files).unwrap_or(usize::MAX), "file"),
        size(totals.bytes)
    ))
}

/// Says what stays where it is.
pub fn stays(stays: &[Stays]) -> Vec<Text> {
    if stays.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Text::of("  stay where they are:")];
    lines.extend(stays.iter().map(|one| {
        let what = match one.what {
            Part::Workspace => "workspace",
            Part::Sessions => "session files",
            Part::Database => "database, with its sessions",
            Part::ChannelLogins => "logins of channels",
        };
        let whose = one.agent.as_ref().map(|agent| format!(" of {agent}")).unwrap_or_default();
        let files = count(usize::try_from(one.files).unwrap_or(usize::MAX), "file");
        Text::of(format!("    {what}{whose}: "))
            .plain(&one.path)
            .and(Tone::Dim, format!(" ({files}, {})", size(one.bytes)))
    }));
    lines
}

/// Says what is left out, and why.
pub fn left_out(left: &[LeftOut]) -> Vec<Text> {
    let line = |one: &LeftOut| {
        Text::of("  ")
            .and(Tone::Doubt, "! left out: ")
            .plain(&one.what)
            .and(Tone::Dim, format!(": {}", one.why))
    };
    left.iter().map(line).collect()
}

/// Returns "12 KiB".
pub fn size(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let (mut amount, mut unit) = (bytes, 0);
    while amount >= 10 * 1024 && unit + 1 < units.len() {
        amount /= 1024;
        unit += 1;
    }
    format!("{amount} {}", units[unit])
}
