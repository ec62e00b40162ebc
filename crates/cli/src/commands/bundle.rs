//! `keyshoal bundle`: the evidence of before and after, in one archive that may be shown to strangers.

mod archive;
mod scrub;

use super::{Context, shared};
use crate::document::{self, DoctorDocument, HistoryDocument, StatusDocument};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::{self, OpenFor};
use crate::ui::{Text, Tone, Ui};
use crate::view::status::StatusView;
use archive::{Archive, Entry};
use keyshoal_core::examination::{LogEvent, ProgramLog};
use keyshoal_engine::doctor::{self, Case, Examine as _};
use keyshoal_engine::{Look, LookOptions};
use keyshoal_ledger::PastLook;
use keyshoal_local::Installation;
use scrub::Scrub;
pub use scrub::words as without_secrets;
use serde_json::json;
use std::path::PathBuf;

/// So many looks and runs of the past go in.
const LOOKS: u32 = 50;
const RUNS: usize = 20;

/// Arguments of `bundle`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal bundle                        keyshoal-bundle-<time>.tar.gz, here
  keyshoal bundle --out evidence.tar.gz
  keyshoal bundle --upstream             a draft of the bug report, on stdout

In it: status, what earlier looks saw (before and after), the runs that wrote, and the config's shape. Agents, profiles and models are
named; values are fingerprints; secrets, names of people, accounts and the home directory are not in it. Look at it before you give it away.")]
pub struct BundleArgs {
    /// The archive's name
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print a draft of a bug report for OpenClaw instead, with the times and values before and after
    #[arg(long, conflicts_with = "out")]
    pub upstream: bool,
}

/// Looks, and puts the archive together.
pub fn cmd_bundle(ui: &mut Ui, context: &Context<'_>, args: &BundleArgs) -> Result<Outcome, CommandError> {
    let installation = shared::open(ui, context, OpenFor { offline: true, ..OpenFor::default() })?;
    let look = shared::look(ui, &installation, &LookOptions::default())?;
    let looks = installation.looks(LOOKS)?;
    let scrub = Scrub::new(&installation, context.world.environment.home.as_deref());
    if args.upstream {
        let report = render::upstream::report(&look, &looks);
        ui.raw(&scrub.text(report));
        return Ok(Outcome::Fine);
    }
    let facts = installation.examine(&look.observed, false)?;
    let diagnoses = doctor::diagnose(&Case { look: &look, facts: &facts });
    let doctor = DoctorDocument::of(look.now, &look.observed.instance.state_dir, &diagnoses);
    let history = installation.history(RUNS)?;
    let outline =
        installation.config_outline().unwrap_or_else(|error| json!({ "unreadable": error.to_string() }));
    let view = StatusView::of(&look.observed, &look.knowledge, &look.desired, &look.judgement.findings);
    let entries = vec![
        Entry::new("README.md", scrub.text(READ_ME.to_owned())),
        Entry::new("status.json", scrub.text(document::to_text(&StatusDocument::of(&view))?)),
        Entry::new("status.txt", scrub.text(crate::ui::to_plain(&render::status::screen(&view, 120)))),
        Entry::new("doctor.json", scrub.text(document::to_text(&doctor)?)),
        Entry::new("log.json", scrub.text(document::to_text(&events(&facts.log))?)),
        Entry::new("log.txt", scrub.text(log_sections(&installation, &looks))),
        Entry::new("looks.json", scrub.text(document::to_text(&past(&looks))?)),
        Entry::new("history.json", scrub.text(document::to_text(&HistoryDocument::of(&history))?)),
        Entry::new("config.json", scrub.text(document::to_text(&outline)?)),
        Entry::new("report.md", scrub.text(render::upstream::report(&look, &looks))),
    ];
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(named(&look)));
    let bytes = Archive::of(&entries, look.now)?;
    root::write_new(&path, &bytes)?;
    ui.data(&[Text::toned(Tone::Good, "✓ ")
        .plain(format!("{} holds the evidence; look at it before you give it away", path.display()))]);
    ui.document(&json!({
        "schema": "keyshoal.bundle.v1",
        "path": path.display().to_string(),
        "files": entries.iter().map(|entry| entry.name).collect::<Vec<_>>(),
    }))?;
    Ok(Outcome::Fine)
}

fn named(look: &Look) -> String {
    format!("keyshoal-bundle-{}.tar.gz", look.now.strftime("%Y%m%d-%H%M%S"))
}

/// What the program's own log tells of the gateway, by kinds and times alone: no line of it.
fn events(log: &ProgramLog) -> serde_json::Value {
    let one = |event: &LogEvent| json!({ "at": event.at, "kind": format!("{:?}", event.kind) });
    json!({ "files": log.files, "own": log.own, "events": log.events.iter().map(one).collect::<Vec<_>>() })
}

/// What the program's log says of credentials around the newest change: until the look that saw it last as it was, from there to the
/// first that saw it as it is, and after that.
fn log_sections(installation: &Installation, looks: &[PastLook]) -> String {
    let span = |at: usize| looks.get(at).and_then(|look| look.record.log.as_ref());
    let (newer, older) = (span(0), span(1));
    let sections = [
        ("Before", older.map(|span| (Some(&span.first), &span.last))),
        ("While it changed", newer.map(|span| (older.map(|older| &older.last), &span.first))),
        ("After", newer.map(|span| (Some(&span.first), &span.last))),
    ];
    let mut text = String::new();
    for (title, section) in sections {
        let lines = match section {
            Some((from, to)) => installation.log_between(from, to).unwrap_or_else(|why| vec![why]),
            None => vec!["no look has seen a log".to_owned()],
        };
        let shared = section.is_some_and(|(_, to)| !to.own);
        let whose = if shared { " (a log that all gateways of this user share)" } else { "" };
        text.push_str(&format!("== {title}{whose}\n{}\n\n", lines.join("\n")));
    }
    text
}

fn past(looks: &[PastLook]) -> serde_json::Value {
    let one = |look: &PastLook| json!({ "first": look.first, "last": look.last, "seen": look.record });
    looks.iter().map(one).collect()
}

const READ_ME: &str = "# Evidence of an OpenClaw installation's credentials

Made by `keyshoal bundle`. Values stand as fingerprints, which nobody can turn back; they are equal where values are.

- `report.md`: what is wrong, with the times and values before and after
- `status.txt`, `status.json`: what is there now
- `doctor.json`: what the checks found, with their evidence
- `log.json`: when the gateway began and read its secrets, as its log tells
- `log.txt`: its lines about credentials before, during and after the newest change, cut and without secrets
- `looks.json`: what earlier looks saw, the newest first; each from when to when it was so
- `history.json`: the runs of keyshoal that wrote something
- `config.json`: the shape of openclaw.json; texts that may be secret or personal are left out
";
