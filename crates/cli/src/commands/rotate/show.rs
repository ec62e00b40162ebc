//! What a rotation does and did, for people.

use crate::render;
use crate::ui::{Progress, Text, Tone};
use keyshoal_core::vault::VaultCredential;
use keyshoal_engine::rotate::{Ended, Event, RotateReport, Rotation, Stage, Wave};

/// Returns the lines of what would be done.
pub fn plan(credential: &VaultCredential, waves: &[Wave]) -> Vec<Text> {
    let mut lines = vec![
        Text::toned(Tone::Strong, credential.profile.as_str())
            .plain(": stage → test → publish → prove → finish"),
    ];
    for (at, wave) in waves.iter().enumerate() {
        let names: Vec<&str> = wave.agents.iter().map(keyshoal_core::AgentId::as_str).collect();
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

/// Shows what happens.
pub fn event(progress: &Progress, lines: &mut Vec<Text>, event: &Event<'_>) {
    match event {
        Event::Progress(step) => progress.show(step),
        Event::Step(rotation) if rotation.stage == Stage::Publishing => {}
        Event::Step(rotation) => {
            let failed = rotation.stage == Stage::RolledBack && !rotation.is_asked_back();
            let tone = if failed { Tone::Bad } else { Tone::Good };
            lines.push(Text::toned(tone, format!("· {}", word(rotation.stage))));
        }
        Event::Wave { number, of, agents } => {
            let names: Vec<&str> = agents.iter().map(keyshoal_core::AgentId::as_str).collect();
            let who = if names.is_empty() { "everybody".to_owned() } else { names.join(", ") };
            lines.push(Text::of(format!("· publishing {number} of {of}: {who}")));
        }
    }
}

/// Returns the lines of what was done.
pub fn report(rotation: &Rotation, report: &RotateReport, ended: &Ended) -> Vec<Text> {
    let mut lines = Vec::new();
    for (endpoint, verdict) in &report.tested {
        let line = Text::of(format!("{}: {} says: ", rotation.new, endpoint.provider));
        lines.push(line.join(&render::words::verdict(verdict.kind)));
    }
    for run in &report.runs {
        lines.extend(render::receipts::lines(&run.receipts));
    }
    if let Some(run) = report.runs.last() {
        lines.push(render::receipts::activation(&run.activation));
    }
    for failure in &report.failures {
        let sign = if failure.certain { "✗ " } else { "? " };
        let tone = if failure.certain { Tone::Bad } else { Tone::Doubt };
        lines.push(Text::toned(tone, sign).plain(format!("{}: {}", failure.agent, failure.why)));
    }
    lines.push(match ended {
        Ended::Finished => {
            Text::toned(Tone::Good, "✓ ").plain(format!("every agent works with {}; the value before is retired", rotation.new))
        }
        Ended::Grace { until } => Text::toned(Tone::Good, "✓ ").plain(format!(
            "every agent works with {}; the value before stays at hand until {}",
            rotation.new,
            until.strftime("%Y-%m-%d %H:%M UTC")
        )),
        Ended::Unproven => Text::toned(Tone::Doubt, "? ").plain(format!(
            "every agent has {}, and nobody was asked whether they work with it: keyshoal rotate {} --resume   asks",
            rotation.new, rotation.profile
        )),
        Ended::RolledBack { asked: true, clean: true, .. } => {
            let before = rotation.old.map(|old| format!(" ({old})")).unwrap_or_default();
            Text::toned(Tone::Good, "✓ ").plain(format!("rolled back, as you asked: every agent has the value before again{before}"))
        }
        Ended::RolledBack { why, clean: true, .. } => {
            Text::toned(Tone::Bad, "✗ rolled back: ").plain(format!("{why}; every agent has the value before again"))
        }
        Ended::RolledBack { why, clean: false, .. } => Text::toned(Tone::Bad, "✗ rolled back: ")
            .plain(format!("{why}; and not every agent could be brought back: keyshoal sync")),
        Ended::Halted { .. } => Text::toned(Tone::Doubt, "? ").plain(format!("it stands at {}", word(rotation.stage))),
    });
    lines
}

fn word(stage: Stage) -> String {
    stage.as_str().replace('_', " ")
}
