//! What a scrub would do, did, and left; and files that come back.

use super::history::state;
use crate::ui::{Text, Tone};
use keyshoal_core::StepState;
use keyshoal_engine::scrub::{Deed, Scrub, ScrubStep};
use keyshoal_local::restore::{FileBack, RestoredFile};

/// Returns what would go, and what stays.
pub fn plan(scrub: &Scrub) -> Vec<Text> {
    if scrub.steps.is_empty() && scrub.left.is_empty() {
        return vec![Text::toned(Tone::Good, "✓ ").plain("no plaintext lies around outside of the stores")];
    }
    let mut lines = Vec::new();
    for step in &scrub.steps {
        lines.push(title(step));
        lines.push(Text::toned(Tone::Dim, format!("    {}", step.why)));
    }
    lines.extend(left(scrub));
    lines
}

/// Returns how each step went, and what stays.
pub fn done(scrub: &Scrub, states: &[StepState]) -> Vec<Text> {
    let went =
        scrub.steps.iter().zip(states).map(|(step, outcome)| title(step).plain("  ").join(&state(outcome)));
    went.chain(left(scrub)).collect()
}

/// Returns which files a rollback would put back.
pub fn back(files: &[FileBack]) -> Vec<Text> {
    if files.is_empty() {
        return vec![Text::of("Nothing that this run did to files can be put back any more.")];
    }
    let line = |file: &FileBack| match &file.impossible {
        None => Text::toned(Tone::Strong, "put back  ").plain(&file.path),
        Some(reason) => Text::toned(Tone::Doubt, "· stays  ").plain(format!("{}: {reason}", file.path)),
    };
    files.iter().map(line).collect()
}

/// Returns what came of files.
pub fn restored(files: &[RestoredFile]) -> Vec<Text> {
    files.iter().map(|file| Text::of(format!("{}  ", file.path)).join(&state(&file.state))).collect()
}

fn left(scrub: &Scrub) -> Vec<Text> {
    let mut lines = Vec::new();
    for one in &scrub.left {
        lines.push(Text::toned(Tone::Doubt, "· stays  ").plain(format!("{}: {}", one.path, one.why)));
        lines.extend(one.fix.iter().map(|fix| Text::toned(Tone::Dim, "      → ").plain(fix)));
    }
    lines
}

fn title(step: &ScrubStep) -> Text {
    let deed = match step.deed {
        Deed::Remove => "remove",
        Deed::Clean => "take the key out of",
        Deed::Rewrite => "write anew",
    };
    Text::toned(Tone::Strong, format!("{deed}  ")).plain(&step.path)
}
