//! The preview of an import.

use super::export::{along, left_out, stays};
use super::words::{agents, count, kind, verdict};
use crate::commands::import::{Access, Made};
use crate::ui::{Grid, Text, Tone};
use keyshoal_core::{Fingerprint, ProfileId, VerdictKind};
use keyshoal_transfer::preview::{Conflict, DropReason, Dropped, Question, QuestionReason};
use keyshoal_transfer::{ImportPlan, PlannedCredential};

/// Returns the lines of the preview.
pub fn preview(plan: &ImportPlan, sealed: &str, width: usize) -> Vec<Text> {
    let release = plan.source.release.as_deref().unwrap_or("of an unknown release");
    let from = match sealed {
        "directory" => "a state directory",
        "clear" => "a payload in the clear",
        _ => "a sealed payload",
    };
    let mut lines = vec![
        Text::of("Instance ")
            .and(Tone::Strong, &plan.name)
            .plain(format!(", from {from}: {} (OpenClaw {release})", plan.source.state_dir)),
        Text::new(),
    ];
    lines.extend(roster(plan).lines(width, 2));
    lines.push(Text::new());
    lines.extend(credentials(plan).lines(width, 2));
    lines.extend(plan.dropped.iter().map(|one| dropped(plan, one)));
    for question in &plan.questions {
        lines.extend(about(plan, question));
        lines.push(Text::toned(Tone::Dim, "    kept as an override, unless you say otherwise"));
    }
    lines.push(Text::new());
    let channels: Vec<&str> = plan.channels.iter().map(|channel| channel.name.as_str()).collect();
    lines.push(Text::of(format!(
        "  {}; channels: {}",
        count(plan.bindings.len(), "binding"),
        if channels.is_empty() { "none".to_owned() } else { channels.join(", ") }
    )));
    lines.extend(plan.files.map(|totals| along(&totals)));
    lines.extend(stays(&plan.stays));
    lines.extend(left_out(&plan.left_out));
    lines.extend(plan.warnings.iter().map(|warning| Text::of("  ").and(Tone::Doubt, "! ").plain(warning)));
    lines.extend(
        plan.conflicts.iter().map(|one| Text::of("  ").and(Tone::Bad, "✗ ").plain(conflict_words(one))),
    );
    lines.into_iter().flat_map(|line| line.wrapped(width, 4)).collect()
}

fn roster(plan: &ImportPlan) -> Grid {
    let mut grid = Grid::new(["agent", "model", "credentials of its own"].map(str::to_owned).to_vec());
    for agent in &plan.agents {
        let own: Vec<&str> = plan
            .overrides()
            .chain(plan.questions.iter().flat_map(|question| &question.overrides))
            .filter(|one| one.agent == Some(agent.uid))
            .map(|one| one.profile.as_str())
            .collect();
        let mark = match (agent.enabled, agent.default) {
            (false, _) => " (disabled)",
            (true, true) => " (default)",
            (true, false) => "",
        };
        let name = Text::of(agent.id.as_str()).and(Tone::Dim, mark);
        let model = match (&agent.models.primary, &plan.models.primary) {
            (Some(model), _) => Text::of(model),
            (None, Some(model)) => Text::toned(Tone::Dim, model),
            (None, None) => Text::toned(Tone::Dim, "–"),
        };
        let own = if own.is_empty() { Text::toned(Tone::Dim, "–") } else { Text::of(own.join(", ")) };
        grid.row(vec![name, model, own]);
    }
    grid
}

fn credentials(plan: &ImportPlan) -> Grid {
    let head = ["credential", "type", "value", "for", "its provider says"];
    let mut grid = Grid::new(head.map(str::to_owned).to_vec());
    for one in &plan.credentials {
        grid.row(vec![
            Text::of(one.profile.as_str()),
            Text::of(kind(&one.kind)),
            value(plan, one),
            match one.agent.and_then(|uid| plan.agent(uid)) {
                None => Text::of("all").and(Tone::Info, if one.waits { " (waits)" } else { "" }),
                Some(agent) => Text::of(agent.id.as_str())
                    .and(Tone::Info, if one.waits { " (override, waits)" } else { " (override)" }),
            },
            said(one.verdict),
        ]);
    }
    grid
}

/// Says which of a profile's values it is. Fingerprints are an instance's own, and this one is none yet.
fn numbered(plan: &ImportPlan, profile: &ProfileId, value: Fingerprint) -> String {
    let planned = plan.credentials.iter().map(|one| (&one.profile, one.fingerprint));
    let asked = plan.questions.iter().map(|one| (&one.profile, one.fingerprint));
    let dropped = plan.dropped.iter().map(|one| (&one.profile, one.fingerprint));
    let mut seen: Vec<Fingerprint> = Vec::new();
    for (_, other) in planned.chain(asked).chain(dropped).filter(|(of, _)| *of == profile) {
        if other == value {
            break;
        }
        if !seen.contains(&other) {
            seen.push(other);
        }
    }
    format!("value {}", seen.len() + 1)
}

fn value(plan: &ImportPlan, one: &PlannedCredential) -> Text {
    match &one.reference {
        Some(reference) => Text::toned(Tone::Dim, format!("names {}", reference.id)),
        None => {
            let since =
                one.origin.as_ref().map(|origin| origin.created.strftime(" since %Y-%m-%d").to_string());
            Text::of(numbered(plan, &one.profile, one.fingerprint)).and(Tone::Dim, since.unwrap_or_default())
        }
    }
}

fn said(kind: Option<VerdictKind>) -> Text {
    kind.map_or_else(|| Text::toned(Tone::Dim, "not asked"), verdict)
}

fn dropped(plan: &ImportPlan, one: &Dropped) -> Text {
    Text::of("  ").and(Tone::Info, "– dropped: ").plain(format!(
        "{} {} of {}: {}",
        one.profile,
        numbered(plan, &one.profile, one.fingerprint),
        agents(&one.agents, 4),
        drop_words(one.why)
    ))
}

/// Says why a value comes to nothing.
fn drop_words(why: DropReason) -> &'static str {
    match why {
        DropReason::Stale => "its provider rejects it, and accepts the shared one",
        DropReason::SameLogin => "an earlier state of the shared login, which has one owner",
        DropReason::Answered => "as you said",
    }
}

/// Puts a question; a yes keeps the value.
pub fn about(plan: &ImportPlan, question: &Question) -> Vec<Text> {
    let with = |fingerprint: Fingerprint, kind: Option<VerdictKind>| {
        Text::toned(Tone::Strong, numbered(plan, &question.profile, fingerprint))
            .plain(" (")
            .join(&said(kind))
            .plain(")")
    };
    let mut line = Text::of("  ")
        .and(Tone::Doubt, "? ")
        .plain(format!("{} of {}: ", question.profile, agents(&question.agents, 4)))
        .join(&with(question.fingerprint, question.verdict));
    if let Some((shared, said)) = question.shared {
        line = line.plain(" where all share ").join(&with(shared, said));
    }
    let why = match question.why {
        QuestionReason::Dead => "none of them is known to be accepted",
        QuestionReason::Unknown => "nobody knows whether it is a stale copy or meant (--check asks)",
        QuestionReason::LaterLogin => "a later state of the same login, which has one owner",
    };
    vec![line, Text::of(format!("    {why}; keep it for them?"))]
}

/// Asks whether to make all of it.
pub fn question(plan: &ImportPlan) -> Text {
    Text::of(format!(
        "Make instance {} with {} and {}?",
        plan.name,
        count(plan.agents.len(), "agent"),
        count(plan.credentials.len(), "credential")
    ))
}

/// Says a conflict.
pub fn conflict_words(conflict: &Conflict) -> String {
    match conflict {
        Conflict::NameTaken { name } => {
            format!(
                "there is an instance {name} already, and nothing is overwritten: choose another name with --name"
            )
        }
        Conflict::SameInstance { id, name } => {
            format!(
                "this instance is in the vault already, as {name} ({id}): change it there, or remove it first"
            )
        }
        Conflict::Config { why } => format!("OpenClaw could not read the config: {why}"),
    }
}

/// Says what an import made, what waits, and what to do next.
pub fn made(plan: &ImportPlan, made: &Made) -> Vec<Text> {
    let good = |text: String| Text::of("  ").and(Tone::Good, "✓ ").plain(text);
    let mut lines = vec![
        Text::toned(Tone::Good, "✓ ").plain(format!(
            "{} is in the vault ({}), and its word counts in {}",
            plan.name,
            made.vault.display(),
            made.state_dir.display()
        )),
        good(format!(
            "{} and {}, in {}",
            count(plan.agents.len(), "agent"),
            count(plan.credentials.len(), "credential"),
            made.config.display()
        )),
    ];
    lines.push(match made.open.as_slice() {
        [] => good("everything is for its owner alone (directories 0700, files 0600)".to_owned()),
        some => Text::of("  ").and(Tone::Bad, "✗ ").plain(format!(
            "others may read {}",
            some.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
        )),
    });
    lines.push(good(match made.access {
        Access::NewToken => {
            "the gateway binds to loopback, and a new token is set in the config (gateway.auth.token)"
                .to_owned()
        }
        Access::Kept => {
            "the gateway binds to loopback, with the token or password that the config had".to_owned()
        }
        Access::Elsewhere => {
            "the config names a gateway elsewhere, as it did; nothing of that was changed".to_owned()
        }
    }));
    if made.files > 0 {
        lines.push(good(format!(
            "{} of workspaces and sessions",
            count(usize::try_from(made.files).unwrap_or(usize::MAX), "file")
        )));
    }
    if made.writes > 0 {
        lines.push(good(format!("{} into stores and read back", count(made.writes, "write"))));
    }
    if made.logins > 0 {
        let logins = count(made.logins, "login");
        lines.push(good(format!("{logins} moved here: the old machine must not run any more")));
    }
    match made.proven {
        Some(true) => lines.push(good("every agent has what its provider accepts".to_owned())),
        Some(false) => lines.push(
            Text::of("  ")
                .and(Tone::Bad, "✗ ")
                .plain("not every agent has what its provider accepts: keyshoal verify   says which"),
        ),
        None => lines.push(Text::of("  ").and(Tone::Dim, "– no provider was asked (keyshoal verify)")),
    }
    lines.extend(made.notes.iter().map(|note| Text::of("  ").and(Tone::Info, "– ").plain(note)));
    lines.extend(made.waits.iter().map(|wait| Text::of("  ").and(Tone::Doubt, "… waits: ").plain(wait)));
    lines.extend(made.sign_in.iter().map(|one| Text::of("  ").and(Tone::Doubt, "… sign in: ").plain(one)));
    lines.extend(made.findings.iter().map(|one| Text::of("  ").and(Tone::Bad, "✗ ").plain(one)));
    lines.extend(
        made.backup.as_ref().map(|file| good(format!("the vault is backed up in {}", file.display()))),
    );
    lines.push(Text::new());
    lines.push(Text::toned(Tone::Strong, "Next"));
    if !made.waits.is_empty() {
        lines.push(Text::of(
            "  OpenClaw makes an agent's store at its first turn, and until then that agent sends what all share: have each of them answer once, then keyshoal sync delivers what waits (so does a keyshoal watch that repairs)",
        ));
    }
    if !made.watch {
        lines.push(Text::of("  keyshoal watch install-service   keeps an eye on it"));
    }
    if made.backup.is_none() {
        lines.push(Text::of(
            "  keyshoal vault backup FILE       keeps a sealed copy; keep the key apart from it",
        ));
    }
    lines
}
