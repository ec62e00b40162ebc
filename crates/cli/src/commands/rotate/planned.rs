//! What a rotation would do, and where it stands, for people.

use super::show::word;
use crate::ui::{Text, Tone};
use keyshoal_core::AgentId;
use keyshoal_core::vault::VaultCredential;
use keyshoal_engine::rotate::{Rotation, Wave};

/// Returns the lines of what would be done.
pub fn plan(credential: &VaultCredential, waves: &[Wave]) -> Vec<Text> {
    let mut lines = vec![
        Text::toned(Tone::Strong, credential.profile.as_str())
            .plain(": stage → test → publish → prove → finish"),
    ];
    lines.extend(steps(credential, waves));
    lines
}

/// Returns the lines of what would be done in one of several instances, whose turn is `wave` (from 0) of so many.
pub fn plan_there(
    name: &str,
    credential: &VaultCredential,
    away: Option<&str>,
    waves: &[Wave],
    (wave, of): (usize, usize),
) -> Vec<Text> {
    let head = Text::toned(Tone::Strong, name).plain(format!(" ({})", credential.profile));
    if let Some(why) = away {
        return vec![head.plain(format!(": left as it is, and unproven there: {why}"))];
    }
    let canary = if wave == 0 { ", canary" } else { "" };
    let mut lines = vec![head.plain(format!(": wave {} of {of}{canary}", wave + 1))];
    lines.extend(steps(credential, waves));
    lines
}

fn steps(credential: &VaultCredential, waves: &[Wave]) -> Vec<Text> {
    let mut lines = Vec::new();
    for (at, wave) in waves.iter().enumerate() {
        let names: Vec<&str> = wave.agents.iter().map(AgentId::as_str).collect();
        let what = if at == 0 { "canary" } else { "wave" };
        lines.push(Text::of(format!("  {what} {}: {}", at + 1, names.join(", "))));
    }
    lines.push(Text::of(match (waves.is_empty(), credential.agent) {
        (_, Some(_)) => "  one step: it is one agent's alone".to_owned(),
        (true, None) => {
            "  one step for all: no agent has a copy of its own, they share what they inherit".to_owned()
        }
        (false, None) => "  then everybody, and what all inherit".to_owned(),
    }));
    lines
}

/// Returns the lines of where a rotation stands in each of several instances, by their names, and why some cannot be reached.
pub fn stand<'a>(
    instances: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    rotations: &[Rotation],
) -> Vec<Text> {
    let line = |((name, away), rotation): ((&str, Option<&str>), &Rotation)| {
        let head = Text::toned(Tone::Strong, name).plain(format!(": {}", word(rotation.stage)));
        match away {
            Some(why) => head.plain(format!(", left as it is: {why}")),
            None => head,
        }
    };
    instances.zip(rotations).map(line).collect()
}
