//! What every agent gets of a vault's credentials.

use crate::ui::{Grid, Text, Tone};
use keyshoal_core::artifacts::{AgentArtifacts, How};

/// Returns one line for each agent and profile.
pub fn lines(all: &[AgentArtifacts]) -> Vec<Text> {
    let mut grid = Grid::new(["agent", "profile", "value", "how"].map(str::to_owned).to_vec());
    for agent in all {
        let name = Text::toned(Tone::Strong, agent.agent.as_str());
        let name = if agent.enabled { name } else { name.and(Tone::Dim, " (disabled)") };
        let name = if agent.in_vault { name } else { name.and(Tone::Doubt, " (not in the vault)") };
        if agent.artifacts.is_empty() {
            grid.row(vec![name.clone(), Text::new(), Text::new(), Text::of("the vault has no credential")]);
        }
        for one in &agent.artifacts {
            let value = one.fingerprint.map_or_else(|| "-".to_owned(), |print| print.to_string());
            grid.row(vec![name.clone(), Text::of(one.profile.as_str()), Text::of(value), how(&one.how)]);
        }
    }
    grid.lines(usize::MAX, 0)
}

fn how(how: &How) -> Text {
    match how {
        How::Emitted { there: true } => Text::toned(Tone::Good, "✓ emitted"),
        How::Emitted { there: false } => Text::toned(Tone::Doubt, "… emitted").plain(" with the next sync"),
        How::Inherits { there: true } => Text::toned(Tone::Good, "↑ inherits"),
        How::Inherits { there: false } => Text::toned(Tone::Doubt, "… inherits").plain(" with the next sync"),
        How::Pending { why, .. } => Text::toned(Tone::Doubt, "… pending").plain(format!(": {why}")),
        How::Skipped { why } => Text::toned(Tone::Dim, "· skipped").plain(format!(": {why}")),
    }
}
