//! A vault: what it holds, and what is wrong with it.

use super::{age, words};
use crate::ui::{Grid, Text, Tone};
use keyshoal_core::Timestamp;
use keyshoal_vault::{Expired, KeyState, Mend, Origin, VaultStatus, Verified};
use std::path::Path;

/// So many things that are wrong are shown to people.
const MOST_LINES: usize = 50;

/// Returns what it holds.
pub fn status(path: &Path, status: &VaultStatus, now: Timestamp) -> Vec<Text> {
    let mut lines = vec![
        Text::toned(Tone::Strong, path.display().to_string()).plain(format!(
            " · {} · made {}",
            status.id,
            age::moment(status.created)
        )),
        Text::of(format!(
            "  {}, {}, {} with {}{}",
            count(status.instances, "instance"),
            count(status.agents, "agent"),
            count(status.credentials, "credential"),
            count(status.versions, "version"),
            settings(status.documents)
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
            count(status.versions + status.documents, "record"),
            open.from
        )));
    }
    lines
}

fn count(number: u64, one: &str) -> String {
    words::count(usize::try_from(number).unwrap_or(usize::MAX), one)
}

/// Says how many sealed settings there are beside the credentials: of channels, and of agents that have left the config.
fn settings(number: u64) -> String {
    match number {
        0 => String::new(),
        number => format!(", {}", count(number, "sealed setting")),
    }
}

/// Returns what was looked at, and what is wrong.
pub fn verified(found: &Verified) -> Vec<Text> {
    let seen = format!(
        "{}, {}{} opened, {} of the history",
        count(found.instances, "instance"),
        count(found.versions, "version"),
        settings(found.documents),
        match found.events {
            1 => "1 entry".to_owned(),
            many => format!("{many} entries"),
        }
    );
    if found.problems.is_empty() {
        return vec![Text::toned(Tone::Good, "✓ whole").plain(format!(": {seen}"))];
    }
    let mut lines: Vec<Text> = found
        .problems
        .iter()
        .take(MOST_LINES)
        .map(|problem| {
            Text::toned(Tone::Bad, format!("✗ {}", problem.what)).plain(format!(": {}", problem.why))
        })
        .collect();
    if let Some(more @ 1..) = found.problems.len().checked_sub(MOST_LINES) {
        lines.push(Text::of(format!("  and {more} more: --json lists all of them")));
    }
    lines.push(Text::of(format!("{} wrong; {seen}", words::count(found.problems.len(), "thing"))));
    lines
}

/// Returns what is damaged, where it can be had again, and what is lost.
pub fn mends(mends: &[Mend]) -> Vec<Text> {
    if mends.is_empty() {
        return vec![Text::toned(Tone::Good, "✓ whole").plain(": there is nothing to repair")];
    }
    let mut lines = Vec::new();
    for mend in mends {
        let (tone, from) = match mend.from {
            Origin::Proven => (Tone::Good, "as it was, which its tag proves"),
            Origin::Backup => (Tone::Good, "from the backup"),
            Origin::Installation => (Tone::Good, "from what the installation holds"),
            Origin::EarlierVersion => (Tone::Doubt, "from an earlier version of it"),
            Origin::Nowhere => (Tone::Bad, "cannot be had again"),
            Origin::Left => (Tone::Bad, "stays as it is"),
        };
        let lost = mend.lost.as_ref().map_or_else(String::new, |lost| format!("; lost: {lost}"));
        lines.push(Text::toned(tone, format!("✗ {}", mend.what)).plain(format!(": {from}{lost}")));
        lines.extend(mend.way_out.iter().map(|way| Text::of(format!("    {way}"))));
    }
    lines
}

/// Returns the versions whose time is over.
pub fn expired(expired: &[Expired], days: u16, now: Timestamp) -> Vec<Text> {
    if expired.is_empty() {
        return vec![Text::of(format!("nothing was retired more than {days} days ago"))];
    }
    let one = |one: &Expired| {
        let since = age::ago(one.since, now);
        Text::of(format!("{}: {} version {}, retired {since}", one.instance, one.profile, one.number))
    };
    expired.iter().map(one).collect()
}
