//! The status screen.

use super::{age, findings, words};
use crate::root::UnfinishedImport;
use crate::ui::{Grid, Text, Tone};
use crate::view::rotations::HalfDone;
use crate::view::sends::Sends;
use crate::view::status::{AgentRow, Cell, StatusView};
use keyshoal_core::{FindingKind, Material, Severity, VerdictKind};

/// With more agents than this, those that are as they should be are only counted.
const MANY: usize = 40;

/// Returns the screen.
pub fn screen(view: &StatusView, width: usize) -> Vec<Text> {
    let mut lines = head(view);
    lines.push(Text::new());
    lines.extend(table(view, width));
    let sends = sends(view);
    if !sends.is_empty() {
        lines.push(Text::new());
        lines.push(Text::toned(Tone::Strong, "What agents send first"));
        lines.extend(sends);
    }
    let found = findings::lines(view, width);
    if !found.is_empty() {
        lines.push(Text::new());
        lines.push(Text::toned(Tone::Strong, "Findings"));
        lines.extend(found);
    }
    if let Some(import) = view.unfinished_import {
        lines.push(Text::new());
        lines.extend(unfinished_import(import).wrapped(width, 4));
    }
    if !view.rotations.is_empty() {
        lines.push(Text::new());
        lines.extend(half_done(&view.rotations).iter().flat_map(|line| line.wrapped(width, 4)));
    }
    lines.push(Text::new());
    lines.push(summary(view));
    lines.extend(ways_on(view).iter().flat_map(|line| line.wrapped(width, 4)));
    lines
}

/// Says that an import has not ended, and how to go on.
pub fn unfinished_import(import: UnfinishedImport) -> Text {
    let how = match import {
        UnfinishedImport::AtWork => "it is at work now, and what is here is not whole yet",
        UnfinishedImport::Begun => {
            "it broke off, and what is here is not whole, which keyshoal sync does not mend; the same keyshoal import again removes what it had made and begins anew, unless that was changed since"
        }
        UnfinishedImport::LeftToSync => {
            "it broke off, and what is here need not be whole; keyshoal sync brings what is missing, and ends it once nothing else needs attention"
        }
    };
    let told = format!("an import into this state directory has not ended: {how}");
    Text::toned(Tone::Bad, "✗ ").plain(told)
}

/// The same of one that has not ended, if there is one.
pub fn unfinished_imports(import: Option<UnfinishedImport>, width: usize) -> Vec<Text> {
    import.iter().flat_map(|one| unfinished_import(*one).wrapped(width, 4)).collect()
}

/// Says which rotations are half done, and how to go on.
pub fn half_done(rotations: &[HalfDone]) -> Vec<Text> {
    let line = |one: &HalfDone| {
        let whose = one.agent.as_ref().map(|agent| format!(" of {agent}")).unwrap_or_default();
        let at_work = one.at_work.as_ref().map(|who| format!("{who} is at work on it: ")).unwrap_or_default();
        Text::toned(Tone::Doubt, "! half rotated: ").plain(format!(
            "{}{whose} stands at {} since {}; {at_work}{}",
            one.profile,
            one.stands(),
            age::moment(one.since),
            one.fix
        ))
    };
    rotations.iter().map(line).collect()
}

/// Says how to go on: where `sync` mends something, and where no provider was ever asked.
fn ways_on(view: &StatusView) -> Vec<Text> {
    let mut lines = Vec::new();
    if view.never_asked && view.columns.iter().any(|column| column.source.is_some()) {
        let source =
            "(source) is what the agents should send: by default, what OpenClaw's own commands write";
        lines.push(Text::toned(Tone::Dim, format!("  {source}")));
        lines.push(way(
            "keyshoal status --check",
            "asks the providers whether these values work: none was asked yet",
        ));
    }
    if view.is_mended_by_sync() {
        lines.push(way("keyshoal sync", "shows what it would change, and asks before it writes"));
    }
    lines
}

fn way(command: &str, does: &str) -> Text {
    Text::toned(Tone::Dim, "  → ").plain(command).and(Tone::Dim, format!("   {does}"))
}

fn head(view: &StatusView) -> Vec<Text> {
    let instance = &view.instance;
    let version = instance.openclaw_version.as_deref().unwrap_or("(version unknown)");
    let gateway = match (&instance.gateway.running, &instance.gateway.started) {
        (Some(true), Some(started)) => format!("gateway running {}", age::lasting(*started, view.at)),
        (Some(true), None) => "gateway running".to_owned(),
        (Some(false), _) => "gateway not running".to_owned(),
        (None, _) if instance.gateway.other_state_dir.is_some() => {
            "gateway uses another state directory".to_owned()
        }
        (None, _) => "gateway unknown".to_owned(),
    };
    let layout = instance.layout.words();
    let mut lines = vec![
        Text::toned(Tone::Strong, format!("OpenClaw {version}"))
            .plain(format!(" · {} · {layout} · {gateway}", instance.state_dir)),
    ];
    if let Some(why) = &instance.gateway.unknown_because {
        let said = format!("whether this installation's gateway runs is not known: {why}");
        lines.push(Text::toned(Tone::Doubt, "! warning: ").plain(said));
    }
    if let Some(reason) = &view.read_only {
        lines.push(Text::toned(Tone::Doubt, "! read-only: ").plain(reason));
    }
    lines
}

fn table(view: &StatusView, width: usize) -> Vec<Text> {
    if view.columns.is_empty() {
        return vec![Text::of("No agent has any auth profile.")];
    }
    let mut head = vec!["agent".to_owned()];
    head.extend(view.columns.iter().map(|column| column.profile.as_str().to_owned()));
    let mut grid = Grid::new(head);
    let mut source = vec![Text::toned(Tone::Dim, "(source)")];
    source.extend(view.columns.iter().map(|column| match column.source {
        Some(print) => Text::of(print.short()),
        None => Text::toned(Tone::Dim, "—"),
    }));
    grid.row(source);
    let mut said = vec![Text::toned(Tone::Dim, "(provider)")];
    said.extend(view.columns.iter().map(|column| match column.source {
        Some(_) => words::verdict_aged(column.verdict.as_ref(), view.at),
        None => Text::new(),
    }));
    grid.row(said);
    let mut hidden = 0;
    for row in &view.rows {
        if view.rows.len() > MANY && row.cells.values().all(|cell| cell.finding.severity == Severity::Fine) {
            hidden += 1;
            continue;
        }
        let mut cells = vec![agent_cell(row)];
        cells.extend(view.columns.iter().map(|column| match row.cells.get(&column.profile) {
            Some(one) => cell(one),
            None => Text::toned(Tone::Dim, "—"),
        }));
        grid.row(cells);
    }
    let mut lines = grid.lines(width, 0);
    if hidden > 0 {
        let said = format!("and {}, as they should be", words::count(hidden, "more agent"));
        lines.push(Text::toned(Tone::Good, "✓ ").plain(said));
    }
    lines
}

fn agent_cell(row: &AgentRow) -> Text {
    let name = Text::of(row.id.as_str());
    match (row.default, row.enabled) {
        (_, false) => name.and(Tone::Dim, " (off)"),
        (true, _) => name.and(Tone::Dim, " (default)"),
        _ => name,
    }
}

fn cell(cell: &Cell) -> Text {
    let mut text = words::finding(&cell.finding);
    let print = match cell.finding.finding {
        FindingKind::Inherited => None,
        // Nothing stands there yet; this is what is to come.
        FindingKind::Pending => cell.finding.source_fingerprint,
        _ => cell.finding.fingerprint,
    };
    if let Some(print) = print {
        text = text.plain(format!(" {print}"));
    }
    for also in &cell.also {
        if !matches!(also, FindingKind::InSync | FindingKind::Inherited) {
            text = text.and(Tone::Doubt, format!(" {} {}", words::symbol(*also), words::word(*also)));
        }
    }
    text
}

fn sends(view: &StatusView) -> Vec<Text> {
    let mut grid = Grid::bare();
    let mut before = None;
    for one in &view.sends {
        let same = before == Some(&one.provider);
        before = Some(&one.provider);
        let provider = if same { Text::new() } else { Text::of(one.provider.as_str()) };
        let (value, from) = match &one.what {
            None if one.unknown => (Text::toned(Tone::Doubt, "? unknown"), Text::new()),
            None => (Text::toned(Tone::Bad, "✗ nothing"), Text::new()),
            Some(sent) => (
                match (&sent.material, &sent.place) {
                    (Material::Absent, Some(_)) => Text::toned(Tone::Dim, "—"),
                    (material, _) => Text::of(words::material(material)),
                },
                match (&sent.place, &sent.profile) {
                    (Some(place), _) => Text::of(super::explain::place_words(place)),
                    (None, Some(profile)) => Text::of(profile.as_str()),
                    (None, None) => Text::new(),
                },
            ),
        };
        grid.row(vec![provider, value, from, Text::of(words::agents(&one.agents, 4)), said(one, view)]);
    }
    grid.lines(usize::MAX, 2)
}

fn said(one: &Sends, view: &StatusView) -> Text {
    if one.unknown {
        return Text::toned(Tone::Doubt, "a store cannot be read");
    }
    if one.from_memory {
        return Text::toned(Tone::Bad, "only what the gateway remembers, until it restarts");
    }
    if one.what.is_none() {
        return Text::toned(Tone::Bad, "requests fail");
    }
    let mut text = words::verdict_aged(one.verdict.as_ref(), view.at);
    if one.is_refused() && !one.needed {
        text = text.and(Tone::Dim, " · no model of theirs needs it");
    }
    if one.fails()
        && let Some(since) = one.since
    {
        text = text.plain(format!(", held {}", age::lasting(since, view.at)));
    }
    if one.pinned_elsewhere > 0 {
        let pinned = words::count(one.pinned_elsewhere, "session");
        text = text.and(Tone::Doubt, format!(" · another profile is pinned by {pinned}"));
    }
    text
}

/// Names what providers last said that is no acceptance, of what agents send first.
fn last_said(view: &StatusView) -> String {
    let said = view.sends.iter().filter_map(|one| {
        let kind = one.verdict.as_ref()?.kind;
        let told = kind != VerdictKind::Ok && kind != VerdictKind::NotAsked;
        told.then(|| format!("{} when last asked: {}", kind.short(), words::agents(&one.agents, 4)))
    });
    said.collect::<Vec<_>>().join("; ")
}

fn summary(view: &StatusView) -> Text {
    let all = words::count(view.rows.len(), "agent");
    if !view.needs_attention() {
        let said = last_said(view);
        return match said.is_empty() {
            true => Text::toned(Tone::Good, "✓ ").plain(format!("{all}, nothing to do")),
            false => Text::toned(Tone::Doubt, "! ").plain(format!("{all}, nothing to write; {said}")),
        };
    }
    let bad = Text::toned(Tone::Bad, "✗ ");
    match view.drifted() {
        0 => bad.plain(format!("{all}; the installation needs attention")),
        1 => bad.plain(format!("{all}: {} as they should be, 1 needs attention", view.in_sync())),
        some => bad.plain(format!("{all}: {} as they should be, {some} need attention", view.in_sync())),
    }
}
