//! A plan, by fingerprints.

use super::{question, words};
use crate::ui::{Grid, Text, Tone};
use keyshoal_core::plan::Why;
use keyshoal_core::{Action, ActivationNeed, AgentId, ConfigEdit, Finding, Plan, ProfileId};

/// Returns the lines.
pub fn lines(plan: &Plan) -> Vec<Text> {
    let mut lines = actions(&plan.actions);
    lines.extend(plan.config.iter().flat_map(config));
    lines.extend(actions(&plan.joining.actions));
    lines.extend(plan.joining.waits.iter().map(waits));
    match plan.activation.max(plan.joining.activation) {
        ActivationNeed::None => {}
        ActivationNeed::Reload => lines.push(Text::of("then the running gateway reads its stores again")),
        ActivationNeed::Restart => {
            lines.push(
                Text::toned(Tone::Doubt, "! ").plain("then the gateway needs a restart (--activate restart)"),
            );
        }
    }
    for one in &plan.questions {
        lines.push(Text::new());
        lines.extend(question::lines(one));
    }
    if lines.is_empty() {
        lines.push(Text::toned(Tone::Good, "✓ ").plain("nothing to do"));
    }
    lines
}

fn actions(all: &[Action]) -> Vec<Text> {
    if all.is_empty() {
        return Vec::new();
    }
    let mut grid = Grid::bare();
    all.iter().for_each(|action| grid.row(row(action)));
    grid.lines(usize::MAX, 0)
}

/// Says what the vault has and the program has made no place for yet: no matter, and not done either.
pub fn waits(one: &Finding) -> Text {
    let whose = one.agent.as_ref().map_or("all", AgentId::as_str);
    let what = one.profile.as_ref().map_or("", ProfileId::as_str);
    Text::toned(Tone::Doubt, "… waits: ").plain(format!("{whose} {what}: {}", one.message))
}

/// Returns the lines of what becomes of the config.
pub fn config(edit: &ConfigEdit) -> Vec<Text> {
    let mut grid = Grid::bare();
    for one in &edit.changes {
        let what = Text::toned(Tone::Strong, "config ").plain(one.path.clone());
        grid.row(vec![what, Text::of(one.what.clone())]);
    }
    let mut lines = grid.lines(usize::MAX, 0);
    lines.extend(edit.notes.iter().map(|note| Text::toned(Tone::Dim, format!("  {note}"))));
    lines
}

/// Returns who is concerned: the agent, or the base store.
pub fn whose(action: &Action) -> String {
    action.agent().map_or_else(|| action.store().to_string(), ToString::to_string)
}

/// Returns what an action does, without why.
pub fn deed(action: &Action) -> Text {
    match action {
        Action::Replace { expect, value, reset_cooldown, .. } => {
            let cooldown = if *reset_cooldown { ", reset its cooldown" } else { "" };
            match value.is_seen_as(*expect) {
                true => Text::toned(Tone::Strong, "deliver ").plain(format!("{value} another way{cooldown}")),
                false => Text::toned(Tone::Strong, "replace ").plain(format!("{expect} → {value}{cooldown}")),
            }
        }
        Action::RemoveShadow { expect, inherits, .. } => {
            Text::toned(Tone::Strong, "remove ").plain(format!("{expect}, inherit {inherits}"))
        }
        Action::Remove { expect, .. } => Text::toned(Tone::Strong, "remove ").plain(expect.to_string()),
        Action::Insert { value, kind, .. } => {
            Text::toned(Tone::Strong, "add ").plain(format!("{value} ({})", words::kind(kind)))
        }
        Action::FixType { expect, kind, .. } => {
            Text::toned(Tone::Strong, "set type ").plain(format!("of {expect} to {kind}"))
        }
        Action::ResetCooldown { expect, .. } => {
            Text::toned(Tone::Strong, "reset cooldown ").plain(format!("of {expect}"))
        }
    }
}

fn row(action: &Action) -> Vec<Text> {
    vec![
        Text::of(whose(action)),
        Text::of(action.profile().as_str()),
        deed(action),
        Text::toned(Tone::Dim, why(action)),
    ]
}

/// Returns why an action may be done.
pub fn why(action: &Action) -> String {
    match action {
        Action::Replace { expect, value, .. } if value.is_seen_as(*expect) => {
            "the vault has it in the stores themselves, or by reference".to_owned()
        }
        Action::Replace { why, .. } | Action::RemoveShadow { why, .. } | Action::Remove { why, .. } => {
            match why {
                Why::EarlierGeneration { behind: 1 } => "the source's value before this one".to_owned(),
                Why::EarlierGeneration { behind } => format!("the source's value {behind} generations ago"),
                Why::RejectedWhileSourceAccepted { verdict } => {
                    format!("{} by its provider, the source's is accepted", verdict.short())
                }
                Why::Approved => "you agreed".to_owned(),
                Why::Given => "the value that you gave".to_owned(),
                Why::LeadsNowhere => "it refers to what is not there".to_owned(),
                Why::DeadOAuthCopy => "a dead copy of the owner's OAuth login".to_owned(),
                Why::Override => "the vault has another value for this agent".to_owned(),
                Why::Withdrawn => "the vault has taken it back".to_owned(),
                Why::Renamed { to } => {
                    format!("the agent is called {to} now, and has what the vault gives it there")
                }
            }
        }
        Action::Insert { .. } => "the store has none".to_owned(),
        Action::FixType { .. } => "the config's auth.profiles wants this type".to_owned(),
        Action::ResetCooldown { .. } => "it belongs to a value that is gone".to_owned(),
    }
}
