//! What a traced command did.

use super::words;
use crate::commands::trace::Trace;
use crate::ui::{Grid, Text, Tone};
use keyshoal_core::changes::{Change, Held};
use keyshoal_core::{AgentId, Observation, StoreId};

/// Returns the screen.
pub fn lines(trace: &Trace, observed: &Observation, width: usize) -> Vec<Text> {
    let mut lines = vec![Text::toned(Tone::Strong, "What the command changed")];
    if trace.handed {
        let text = format!("  in {}, of which it was told (OPENCLAW_STATE_DIR)", trace.state_dir);
        lines.push(Text::toned(Tone::Dim, text));
    } else if trace.by_environment {
        lines.push(Text::toned(Tone::Dim, format!("  in {}", trace.state_dir)));
    }
    if trace.changes.is_empty() {
        lines.push(Text::of("  nothing in any agent's store, nor in the config's keys, types and roster"));
    }
    let mut grid = Grid::bare();
    for change in &trace.changes {
        let (place, what) = told(change, observed);
        grid.row(vec![Text::of(place), Text::of(what)]);
    }
    lines.extend(grid.lines(usize::MAX, 2));
    lines.push(Text::new());
    if trace.missed.is_empty() {
        lines.push(Text::toned(Tone::Good, "✓ ").plain("no agent is worse off than before"));
        return lines;
    }
    lines.push(Text::toned(Tone::Strong, "Whom it missed"));
    for one in &trace.missed {
        let whose = one.agent.as_ref().map_or("the installation", |agent| agent.as_str());
        let line = Text::of("  ").join(&words::finding(one)).plain(format!("  {whose}: {}", one.message));
        lines.extend(line.wrapped(width, 6));
    }
    let fixes: std::collections::BTreeSet<&String> =
        trace.missed.iter().filter_map(|one| one.fix.as_ref()).collect();
    lines.extend(fixes.into_iter().map(|fix| Text::toned(Tone::Strong, "  → ").plain(fix)));
    lines
}

fn told(change: &Change, observed: &Observation) -> (String, String) {
    let place = |store: &StoreId| match store {
        StoreId::Base => {
            let own = observed.agents_of(store).next().map(|agent| format!(" ({}'s own)", agent.id));
            format!("shared store{}", own.unwrap_or_default())
        }
        StoreId::Agent(agent) => format!("{agent}'s store"),
    };
    let names = |order: &[keyshoal_core::ProfileId]| match order {
        [] => "none".to_owned(),
        all => all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    match change {
        Change::Profile { store, profile, before, after } => {
            (place(store), profile_words(profile.as_str(), before.as_ref(), after.as_ref()))
        }
        Change::Order { store, provider, before, after } => {
            (place(store), format!("order of {provider}: {} → {}", names(before), names(after)))
        }
        Change::Mode { profile, before, after } => {
            let word = |kind: &Option<keyshoal_core::CredentialKind>| {
                kind.as_ref().map_or_else(|| "nothing".to_owned(), |kind| words::kind(kind).to_owned())
            };
            (
                "config".to_owned(),
                format!("auth.profiles demands of {profile}: {} → {}", word(before), word(after)),
            )
        }
        Change::ConfigKey { provider, before, after, affected, fallback_of } => {
            let what = match (before, after) {
                (None, Some(new)) => format!("{provider}'s apiKey was set: {}", new.short()),
                (Some(old), None) => {
                    format!("{provider}'s apiKey has no value any more: it was {}", old.short())
                }
                (Some(old), Some(new)) => {
                    format!("{provider}'s apiKey was changed: {} → {}", old.short(), new.short())
                }
                (None, None) => {
                    format!("{provider}'s apiKey names a variable that is not set, before or now")
                }
            };
            ("config".to_owned(), format!("{what}{}", users(affected, fallback_of, observed)))
        }
        Change::Mark { store, profile, before, after } => {
            let word = |why: &Option<String>| why.clone().unwrap_or_else(|| "none".to_owned());
            (place(store), format!("cooldown of {profile}: {} → {}", word(before), word(after)))
        }
        Change::Roster { agent, came } => {
            ("roster".to_owned(), format!("agent {agent} {}", if *came { "came" } else { "went" }))
        }
    }
}

/// Says whom a key in the config concerns.
fn users(affected: &[AgentId], fallback_of: &[AgentId], observed: &Observation) -> String {
    let names = |agents: &[AgentId]| agents.iter().map(AgentId::as_str).collect::<Vec<_>>().join(", ");
    let mut said = String::new();
    if !affected.is_empty() {
        said.push_str(&format!("; changes what is sent by {}", names(affected)));
    }
    if !fallback_of.is_empty() {
        said.push_str(&format!("; tried later by {}", names(fallback_of)));
    }
    // Where a store cannot be read, nobody knows.
    if said.is_empty() && observed.agents.iter().all(|agent| agent.unknown.is_none()) {
        said.push_str("; no agent sends it");
    }
    said
}

fn profile_words(profile: &str, before: Option<&Held>, after: Option<&Held>) -> String {
    let print = |held: &Held| held.fingerprint.map_or_else(|| "nothing".to_owned(), |print| print.short());
    match (before, after) {
        (None, Some(new)) => format!("{profile} came: {} ({})", print(new), words::kind(&new.r#type)),
        (Some(old), None) => format!("{profile} went: it held {}", print(old)),
        (Some(old), Some(new)) => {
            let kinds = match old.r#type == new.r#type {
                true => String::new(),
                false => format!(", {} → {}", words::kind(&old.r#type), words::kind(&new.r#type)),
            };
            format!("{profile}: {} → {}{kinds}", print(old), print(new))
        }
        (None, None) => profile.to_owned(),
    }
}
