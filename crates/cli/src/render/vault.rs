//! A vault: what it holds, and what is wrong with it.

use super::{age, words};
use crate::ui::{Grid, Text, Tone};
use keyshoal_core::Timestamp;
use keyshoal_vault::{KeyState, VaultStatus, Verified};
use std::path::Path;

/// Returns what it holds.
pub fn status(path: &Path, status: &VaultStatus, now: Timestamp) -> Vec<Text> {
    let count = |number: u64, one: &str| words::count(usize::try_from(number).unwrap_or(usize::MAX), one);
    let mut lines = vec![
        Text::toned(Tone::Strong, path.display().to_string()).plain(format!(
            " · {} · made {}",
            status.id,
            age::moment(status.created)
        )),
        Text::of(format!(
            "  {}, {}, {} with {}, {}",
            count(status.instances, "instance"),
            count(status.agents, "agent"),
            count(status.credentials, "credential"),
            count(status.versions, "version"),
            count(status.documents, "document")
        )),
    ];
    let mut grid = Grid::bare();
    for key in &status.keys {
        let state = match key.state {
            KeyState::Active => Text::toned(Tone::Good, "● active"),
            KeyState::Retiring => Text::toned(Tone::Doubt, "◐ retiring"),
            KeyState::Retired => Text::toned(Tone::Dim, "○ retired"),
        };
        grid.row(vec![
            Text::of(format!("key {}", key.id)),
            state,
            Text::of(key.source.to_string()),
            Text::toned(Tone::Dim, age::ago(key.since, now)),
        ]);
    }
    lines.extend(grid.lines(usize::MAX, 2));
    if let Some(open) = &status.rekey {
        lines.push(Text::toned(Tone::Bad, "! the change of its key is not finished").plain(format!(
            ": {} of {} still have key {}; `keyshoal vault rekey` goes on",
            open.left,
            words::count(usize::try_from(status.versions + status.documents).unwrap_or(usize::MAX), "record"),
            open.from
        )));
    }
    lines
}

/// Returns what was looked at, and what is wrong.
pub fn verified(found: &Verified) -> Vec<Text> {
    let seen = format!(
        "{} instances, {} versions and {} documents opened, {} entries of the history",
        found.instances, found.versions, found.documents, found.events
    );
    if found.problems.is_empty() {
        return vec![Text::toned(Tone::Good, "✓ whole").plain(format!(": {seen}"))];
    }
    let mut lines: Vec<Text> = found
        .problems
        .iter()
        .map(|problem| {
            Text::toned(Tone::Bad, format!("✗ {}", problem.what)).plain(format!(": {}", problem.why))
        })
        .collect();
    lines.push(Text::of(format!("{} wrong; {seen}", words::count(found.problems.len(), "thing"))));
    lines
}
