//! What a rotation would do, and where it stands, for people.

use super::show::word;
use crate::ui::{Text, Tone};
use keyshoal_core::AgentId;
use keyshoal_core::vault::VaultCredential;
use keyshoal_engine::rotate::{Rotation, Stage, Wave};

/// Returns the lines of what would be done.
pub fn plan(credential: &VaultCredential, waves: &[Wave]) -> Vec<Text> {
    let mut lines = vec![
        Text::toned(Tone::Strong, credential.profile.as_str())
            .plain(": stage → test → publish → prove → finish"),
    ];
    lines.extend(steps(credential, waves, 0));
    lines
}

/// Returns the lines of what is left to be done of one that has begun, with the waves that are left.
pub fn on(head: Text, credential: &VaultCredential, rotation: &Rotation, waves: &[Wave]) -> Vec<Text> {
    let left = match rotation.stage {
        Stage::Staged => "test → publish → prove → finish",
        Stage::Tested | Stage::Publishing => "publish → prove → finish",
        Stage::Published => "prove → finish",
        Stage::Proven | Stage::Finished | Stage::RolledBack => return Vec::new(),
    };
    let mut lines = vec![head.plain(format!(" stands at {}: {left}", word(rotation.stage)))];
    lines.extend(match rotation.stage {
        Stage::Published if credential.agent.is_none() => {
            vec![Text::of("  then everybody who does not have it yet, and what all inherit")]
        }
        _ => steps(credential, waves, rotation.state.done),
    });
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
    lines.extend(steps(credential, waves, 0));
    lines
}

/// The waves, so many of which are done.
fn steps(credential: &VaultCredential, waves: &[Wave], done: usize) -> Vec<Text> {
    let mut lines = Vec::new();
    for (at, wave) in (done..).zip(waves) {
        let names: Vec<&str> = wave.agents.iter().map(AgentId::as_str).collect();
        let what = if at == 0 { "canary" } else { "wave" };
        lines.push(Text::of(format!("  {what} {}: {}", at + 1, names.join(", "))));
    }
    lines.push(Text::of(match (waves.is_empty() && done == 0, credential.agent) {
        (_, Some(_)) => "  one step: it is one agent's alone".to_owned(),
        (true, None) => {
            "  one step for all: no agent has a copy of its own, they share what they inherit".to_owned()
        }
        (false, None) => "  then everybody, and what all inherit".to_owned(),
    }));
    lines
}

/// Says where a rotation stands in one of several instances, and why that cannot be reached, if so.
pub fn stand(name: &str, away: Option<&str>, rotation: &Rotation) -> Text {
    let head = Text::toned(Tone::Strong, name).plain(format!(": {}", word(rotation.stage)));
    match away {
        Some(why) => head.plain(format!(", left as it is: {why}")),
        None => head,
    }
}
