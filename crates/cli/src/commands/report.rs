//! Showing what a run did.

use super::flow::Noted;
use super::shared;
use crate::document::RunDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::{self, UnfinishedImport};
use crate::ui::{Text, Tone, Ui};
use crate::view::rotations::HalfDone;
use crate::view::status::StatusView;
use keyshoal_core::{FindingKind, Severity};
use keyshoal_engine::{Outcome as Ended, SyncReport};
use std::path::Path;

/// Prints what a run did, or what it would do, and returns the command's outcome.
pub fn show(ui: &mut Ui, command: &str, report: &SyncReport) -> Result<Outcome, CommandError> {
    show_beside(ui, command, report, Beside::default())
}

/// What else there is to say of a run in an installation that has a vault.
#[derive(Default)]
pub struct Beside {
    /// What came of changes that touch no store.
    pub noted: Noted,
    /// Rotations that are half done, where the command is one that tells of them.
    pub rotations: Option<Vec<HalfDone>>,
    /// What came of an import that had not ended, where the command is one that tells of it.
    pub import: Option<Import>,
}

/// What came of an import that had not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Import {
    /// There is none.
    None,
    /// It has not ended.
    Unfinished(UnfinishedImport),
    /// This run has ended it.
    Ended,
}

impl Import {
    /// Looks whether one has not ended.
    pub fn of(state_dir: &Path) -> Self {
        root::unfinished_import(state_dir).map_or(Self::None, Self::Unfinished)
    }

    fn unfinished(self) -> Option<UnfinishedImport> {
        match self {
            Self::Unfinished(import) => Some(import),
            Self::None | Self::Ended => None,
        }
    }
}

/// The same with what else there is to say.
pub fn show_beside(
    ui: &mut Ui,
    command: &str,
    report: &SyncReport,
    Beside { noted, rotations, import }: Beside,
) -> Result<Outcome, CommandError> {
    shared::warn_not_remembered(ui, &report.after);
    if let Some(run) = &report.settled {
        let short: String = run.as_str().chars().take(13).collect();
        ui.warn(&format!(
            "run {short} had broken off; it was closed with every store as it stood (keyshoal history {short}), and this run went on from there"
        ));
    }
    let wrote = wrote(report);
    let mut lines = lines(report, ui.width());
    if let Some(text) = noted_text(noted, wrote) {
        if report.outcome != Ended::Attention {
            lines.pop();
            lines.push(text);
        } else {
            // What was done comes first, then what is open.
            lines.insert(0, text);
            if noted == Noted::Done && !wrote {
                lines.pop();
                lines.push(Text::toned(Tone::Bad, "✗ ").plain("something else needs attention"));
            }
        }
    }
    let half_done = rotations.as_deref().unwrap_or_default();
    let unfinished = import.and_then(Import::unfinished);
    let told = render::status::unfinished_imports(unfinished, ui.width()).into_iter();
    let halves = render::status::half_done(half_done);
    let told = told.chain(halves.iter().flat_map(|line| line.wrapped(ui.width(), 4))).collect();
    let open = match (unfinished.is_some(), !half_done.is_empty()) {
        (true, true) => Some("an import has not ended, and a rotation is half done"),
        (true, false) => Some("an import has not ended"),
        (false, true) => Some("a rotation is half done"),
        (false, false) => None,
    };
    if let Some(what) = open {
        add(&mut lines, told, what, report.outcome);
    }
    if import == Some(Import::Ended) {
        let ended = "the import that had broken off has ended: what was missing is here";
        lines.insert(lines.len().saturating_sub(1), Text::toned(Tone::Good, "✓ ").plain(ended));
    }
    ui.data(&lines);
    let needed = noted == Noted::Would || open.is_some() || report.outcome.needs_attention();
    let mut document = RunDocument::new(command, &report.plan).attention(needed).rotations(rotations);
    document = document.unfinished_import(import.map(|import| import.unfinished().is_some()));
    if report.run.is_some() || report.activation != keyshoal_core::ActivationOutcome::NotNeeded {
        document = document.applied(report.run.clone(), &report.receipts, &report.activation);
        document = document.configured(report.config.as_ref());
    }
    ui.document(&document)?;
    Ok(Outcome::attention_if(needed))
}

/// Adds what is open beside the run. That the stores are right is not the end of it then.
fn add(lines: &mut Vec<Text>, told: Vec<Text>, what: &str, outcome: Ended) {
    let last = match outcome {
        Ended::NothingToDo => {
            lines.pop();
            Some(format!("nothing to do in the stores; {what}"))
        }
        Ended::Done => Some(what.to_owned()),
        _ => None,
    };
    let at = if last.is_some() { lines.len() } else { lines.len().saturating_sub(1) };
    lines.splice(at..at, told);
    lines.extend(last.map(|last| Text::toned(Tone::Bad, "✗ ").plain(last)));
}

/// Tells whether a store or the config was to be written.
fn wrote(report: &SyncReport) -> bool {
    !report.receipts.is_empty() || report.config.is_some()
}

fn noted_text(noted: Noted, wrote: bool) -> Option<Text> {
    match noted {
        Noted::Nothing => None,
        Noted::Done if wrote => Some(Text::toned(Tone::Good, "✓ ").plain("the vault has it")),
        Noted::Done => Some(Text::toned(Tone::Good, "✓ ").plain("the vault has it; no store had to change")),
        Noted::Reported => Some(Text::toned(
            Tone::Strong,
            "nothing was written: the policy is \"report\". keyshoal sync does it",
        )),
        Noted::Would => Some(Text::toned(
            Tone::Strong,
            "dry run: nothing was written. The vault would take it, and no store would change",
        )),
    }
}

/// Returns the lines of what a run did.
pub fn lines(report: &SyncReport, width: usize) -> Vec<Text> {
    match report.outcome {
        Ended::DryRun => {
            let mut lines = render::plan::lines(&report.plan);
            lines.extend(waiting(report));
            lines.push(Text::toned(Tone::Strong, "dry run: nothing was written"));
            return lines;
        }
        Ended::NeedsAnswer => {
            let mut lines = render::plan::lines(&report.plan);
            lines.push(Text::toned(Tone::Doubt, "? nothing was written: ").plain(
                "nobody is there to ask. Run it in a terminal, or agree to what is proposed with --yes; what nothing is proposed for, keep or replace (keyshoal keep, keyshoal replace), or replace all of it with --include foreign",
            ));
            return lines;
        }
        Ended::Declined => return vec![Text::of("nothing was written")],
        Ended::NothingToDo | Ended::Done | Ended::Attention => {}
    }
    let mut lines = render::receipts::lines(&report.receipts);
    if let (Some(edit), Some(state)) = (&report.plan.config, &report.config) {
        lines.extend(render::plan::config(edit));
        lines.push(render::receipts::config(state));
    }
    let wrote = wrote(report);
    if wrote || report.activation != keyshoal_core::ActivationOutcome::NotNeeded {
        lines.extend(render::receipts::activation(&report.activation).wrapped(width, 4));
    }
    let after = StatusView::of(
        &report.after.observed,
        &report.after.knowledge,
        &report.after.desired,
        &report.after.judgement.findings,
    );
    let left = render::findings::attention(&after, width);
    if !left.is_empty() {
        if !lines.is_empty() {
            lines.push(Text::new());
        }
        lines.push(Text::toned(Tone::Strong, if wrote { "Left" } else { "Findings" }));
        lines.extend(left);
    }
    lines.extend(waiting(report));
    lines.push(last(report, wrote));
    lines
}

fn waiting(report: &SyncReport) -> impl Iterator<Item = Text> {
    let findings = report.after.judgement.findings.iter();
    let waits = findings.filter(|one| one.finding == FindingKind::Pending && one.severity == Severity::Info);
    waits.map(render::plan::waits)
}

fn last(report: &SyncReport, wrote: bool) -> Text {
    let run = report.run.as_ref().map_or_else(String::new, |run| {
        let short: String = run.as_str().chars().take(13).collect();
        match &report.after.desired.wish {
            Some(_) => format!(" (run {short})"),
            None => format!(" (run {short}; to take it back: keyshoal rollback {short})"),
        }
    });
    match report.outcome {
        Ended::NothingToDo => Text::toned(Tone::Good, "✓ ").plain("nothing to do"),
        Ended::Done if !wrote => Text::toned(Tone::Good, "✓ ").plain("done"),
        Ended::Done => Text::toned(Tone::Good, "✓ ").plain(format!(
            "{} done and read back{run}",
            render::words::count(report.receipts.len() + usize::from(report.config.is_some()), "write")
        )),
        _ if wrote => {
            Text::toned(Tone::Bad, "✗ ").plain(format!("something is left that needs attention{run}"))
        }
        _ => Text::toned(Tone::Bad, "✗ ").plain("no store was written; something needs attention"),
    }
}
