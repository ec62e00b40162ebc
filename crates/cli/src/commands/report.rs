//! Showing what a run did.

use super::flow::Noted;
use super::shared;
use crate::document::RunDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::ui::{Text, Tone, Ui};
use crate::view::status::StatusView;
use keyshoal_core::{AgentId, FindingKind, ProfileId, Severity};
use keyshoal_engine::{Outcome as Ended, SyncReport};

/// Prints what a run did, or what it would do, and returns the command's outcome.
pub fn show(ui: &mut Ui, command: &str, report: &SyncReport) -> Result<Outcome, CommandError> {
    show_noted(ui, command, report, Noted::Nothing)
}

/// The same, where the vault may have taken in what touches no store.
pub fn show_noted(
    ui: &mut Ui,
    command: &str,
    report: &SyncReport,
    noted: Noted,
) -> Result<Outcome, CommandError> {
    shared::warn_not_remembered(ui, &report.after);
    if let Some(run) = &report.settled {
        let short: String = run.as_str().chars().take(13).collect();
        ui.warn(&format!(
            "run {short} had broken off; it was closed with every store as it stood (keyshoal history {short}), and this run went on from there"
        ));
    }
    let mut lines = lines(report, ui.width());
    if let (Some(last), Some(text)) = (lines.last_mut(), noted_text(noted)) {
        *last = text;
    }
    ui.data(&lines);
    let would = noted == Noted::Would;
    let mut document =
        RunDocument::new(command, &report.plan).attention(would || report.outcome.needs_attention());
    if report.run.is_some() || report.activation != keyshoal_core::ActivationOutcome::NotNeeded {
        document = document.applied(report.run.clone(), &report.receipts, &report.activation);
        document = document.configured(report.config.as_ref());
    }
    ui.document(&document)?;
    Ok(Outcome::attention_if(would || report.outcome.needs_attention()))
}

fn noted_text(noted: Noted) -> Option<Text> {
    match noted {
        Noted::Nothing => None,
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
    let wrote = !report.receipts.is_empty() || report.config.is_some();
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

/// What the vault has and the program has made no place for yet: no matter, and not done either.
fn waiting(report: &SyncReport) -> impl Iterator<Item = Text> {
    let findings = report.after.judgement.findings.iter();
    let waits = findings.filter(|one| one.finding == FindingKind::Pending && one.severity == Severity::Info);
    waits.map(|one| {
        let whose = one.agent.as_ref().map_or("all", AgentId::as_str);
        let what = one.profile.as_ref().map_or("", ProfileId::as_str);
        Text::toned(Tone::Doubt, "… waits: ").plain(format!("{whose} {what}: {}", one.message))
    })
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
