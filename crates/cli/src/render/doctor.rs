//! What the doctor says: what was found, and one check with everything that it saw.

use super::words;
use crate::root::UnfinishedImport;
use crate::ui::{Text, Tone};
use crate::view::rotations::HalfDone;
use keyshoal_core::Severity;
use keyshoal_engine::doctor::{Diagnosis, Remedy, Symptom};
use keyshoal_engine::verify::NOBODY;

/// So many facts of one symptom are shown; `doctor CHECK` shows all.
const FACTS: usize = 3;

/// What is to be said beside what the checks found.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Rotations that are half done.
    pub rotations: Vec<HalfDone>,
    /// What was to be mended is not all done.
    pub unfinished: bool,
    /// An import into the state directory has not ended.
    pub import: Option<UnfinishedImport>,
    /// Whether a gateway runs.
    pub running: Option<bool>,
}

impl Beside {
    /// Tells whether there is anything that needs attention.
    pub fn needs_attention(&self) -> bool {
        self.unfinished || self.import.is_some() || !self.rotations.is_empty()
    }
}

/// Returns the lines of every check that found something, what needs attention first, and how many were fine.
pub fn screen(diagnoses: &[Diagnosis], beside: &Beside, width: usize) -> Vec<Text> {
    let mut lines = Vec::new();
    for severity in [Severity::Attention, Severity::Info] {
        for one in diagnoses.iter().filter(|one| one.severity() == severity) {
            lines.push(title(one));
            for symptom in &one.told.symptoms {
                lines.extend(symptom_lines(symptom, FACTS));
            }
        }
    }
    lines.extend(super::status::half_done(&beside.rotations));
    lines.extend(beside.import.map(super::status::unfinished_import));
    if !lines.is_empty() {
        lines.push(Text::new());
    }
    lines.push(summary(diagnoses, beside));
    lines.iter().flat_map(|line| line.wrapped(width, 6)).collect()
}

/// Returns the lines of one check: what it looks at, why, what it sees now, and the way out.
pub fn explained(one: &Diagnosis, width: usize) -> Vec<Text> {
    let mut lines = vec![title(one)];
    let part = |name: &str, text: &str| Text::toned(Tone::Strong, format!("  {name}: ")).plain(text);
    lines.push(part("looks at", one.check.looks_at));
    lines.push(part("matters", one.check.matters));
    lines.push(part("way out", one.check.way_out));
    if !one.told.symptoms.is_empty() {
        lines.push(Text::toned(Tone::Strong, "  found:"));
        lines.extend(one.told.symptoms.iter().flat_map(|symptom| symptom_lines(symptom, usize::MAX)));
    }
    lines.push(Text::toned(Tone::Strong, "  seen:"));
    match one.told.seen.as_slice() {
        [] => lines.push(Text::of("    nothing of the kind")),
        seen => lines.extend(seen.iter().map(|fact| Text::of(format!("    {fact}")))),
    }
    lines.iter().flat_map(|line| line.wrapped(width, 6)).collect()
}

/// Returns the lines of what `--fix` is about to do, and of what stays with the person.
pub fn intent(diagnoses: &[Diagnosis]) -> Vec<Text> {
    let mut lines = Vec::new();
    let parts = [
        (Some(Remedy::Sync), "keyshoal sync mends:"),
        (Some(Remedy::Scrub), "keyshoal scrub removes, after a question of its own:"),
        (None, "left for you:"),
    ];
    for (remedy, title) in parts {
        let symptoms =
            diagnoses.iter().flat_map(|one| one.told.symptoms.iter().map(move |it| (one.check.id, it)));
        let of_it = symptoms.filter(|(_, symptom)| {
            symptom.remedy == remedy && (remedy.is_some() || symptom.severity == Severity::Attention)
        });
        let before = lines.len();
        for (id, symptom) in of_it {
            lines.push(Text::toned(Tone::Strong, format!("  {id}  ")).plain(said(symptom)));
            let way = symptom.fix.iter().filter(|_| remedy.is_none());
            lines.extend(way.map(|fix| Text::toned(Tone::Dim, "      → ").plain(fix)));
        }
        if lines.len() > before {
            lines.insert(before, Text::toned(Tone::Strong, title));
        }
    }
    lines
}

fn title(one: &Diagnosis) -> Text {
    let (tone, symbol) = match one.severity() {
        Severity::Fine => (Tone::Good, "✓"),
        Severity::Info => (Tone::Info, "·"),
        Severity::Attention => (Tone::Bad, "✗"),
    };
    Text::toned(tone, format!("{symbol} {}", one.check.id))
        .and(Tone::Dim, format!("  {}", one.check.question))
}

fn said(symptom: &Symptom) -> String {
    match symptom.agents.as_slice() {
        [] => symptom.message.clone(),
        agents => format!("{} — {}", words::agents(agents, 6), symptom.message),
    }
}

fn symptom_lines(symptom: &Symptom, facts: usize) -> Vec<Text> {
    let mut lines = vec![Text::of(format!("    {}", said(symptom)))];
    let shown = symptom.evidence.iter().take(facts);
    lines.extend(shown.map(|fact| Text::toned(Tone::Dim, format!("      {fact}"))));
    let left = symptom.evidence.len().saturating_sub(facts);
    if left > 0 {
        lines.push(Text::toned(Tone::Dim, format!("      and {left} more")));
    }
    lines.extend(symptom.fix.iter().map(|fix| Text::toned(Tone::Dim, "      → ").plain(fix)));
    lines
}

fn summary(diagnoses: &[Diagnosis], beside: &Beside) -> Text {
    let count = |severity| diagnoses.iter().filter(|one| one.severity() == severity).count();
    let (fine, info, attention) = (count(Severity::Fine), count(Severity::Info), count(Severity::Attention));
    let line = match attention {
        0 if !beside.rotations.is_empty() => Text::toned(Tone::Bad, "✗ ").plain("a rotation is half done"),
        0 if beside.import.is_some() => Text::toned(Tone::Bad, "✗ ").plain("an import has not ended"),
        0 if beside.unfinished => {
            Text::toned(Tone::Bad, "✗ ").plain("not all that was to be mended is done: see above")
        }
        0 => Text::toned(Tone::Good, "✓ ").plain("nothing needs attention"),
        one => Text::toned(Tone::Bad, "✗ ")
            .plain(format!("{} found something that needs attention", words::count(one, "check"))),
    };
    let line = if info > 0 { line.plain(format!(", {info} something worth knowing")) } else { line };
    let line = line.plain(format!("; {fine} of {} found nothing", diagnoses.len()));
    if beside.running == Some(false) { line.plain(format!("; {NOBODY}")) } else { line }
}
