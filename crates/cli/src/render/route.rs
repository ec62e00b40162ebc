//! Where messages go: one message with every binding's reason, or all of them with what is wrong.

use super::words;
use crate::ui::{Grid, Text, Tone};
use crate::view::route::{RouteView, RoutedMessage, is_misled};
use keyshoal_core::AgentId;
use keyshoal_openclaw::routing::{Answer, Finding, Mismatch, Origin, Passed, Refusal, Severity};
use std::collections::BTreeMap;

/// How many bindings are told of with their reason.
const MOST: usize = 20;

/// Returns one message and why it goes where it goes.
pub fn one(view: &RouteView) -> Vec<Text> {
    let mut lines = Vec::new();
    for message in &view.routes {
        let route = &message.route;
        lines.push(Text::toned(Tone::Strong, message.query.to_string()));
        let mut line = answer(message).and(Tone::Dim, format!("  by {}", route.tier));
        if let Some(index) = route.binding {
            line = line.plain(format!("  {}", binding(view, index)));
        }
        lines.push(line);
        match (&route.stranger, &route.answer) {
            (Some(stranger), _) if is_misled(route) => {
                lines.push(Text::of(format!("  the binding names {stranger}, which is not in the roster")));
            }
            (_, Answer::Nobody(refusal)) => lines.push(Text::of(format!("  {}", refusal_words(*refusal)))),
            _ => {}
        }
        let mut grid = Grid::bare();
        let other = |why: &Mismatch| matches!(why, Mismatch::Channel(Some(_)));
        let holds = |why: &Mismatch| matches!(why, Mismatch::LaterTier(_) | Mismatch::LaterInConfig);
        let mut near: Vec<&Passed> = route.passed.iter().filter(|passed| !other(&passed.why)).collect();
        near.sort_by_key(|passed| !holds(&passed.why));
        for passed in near.iter().take(MOST) {
            grid.row(vec![
                Text::toned(Tone::Dim, "×"),
                Text::of(binding(view, passed.binding)),
                Text::of(mismatch_words(&passed.why)),
            ]);
        }
        lines.extend(grid.lines(usize::MAX, 2));
        if near.len() > MOST {
            let said =
                format!("  × {} more (--json names them all)", words::count(near.len() - MOST, "binding"));
            lines.push(Text::toned(Tone::Dim, said));
        }
        let others = route.passed.iter().filter(|passed| other(&passed.why)).count();
        if others > 0 {
            let said = format!("  × {} for other channels", words::count(others, "binding"));
            lines.push(Text::toned(Tone::Dim, said));
        }
    }
    lines
}

/// Returns all messages with who answers, then what is wrong.
pub fn all(view: &RouteView, width: usize) -> Vec<Text> {
    let mut lines = Vec::new();
    if view.routes.is_empty() {
        let said = "No binding, configured channel or session tells of a message.";
        lines.push(Text::of(said));
    } else {
        let head = ["message", "agent", "by", "binding", "known from"];
        let mut grid = Grid::new(head.map(String::from).to_vec());
        for message in &view.routes {
            let index = message.route.binding;
            grid.row(vec![
                Text::of(message.query.to_string()),
                answer(message),
                Text::of(message.route.tier.as_str()),
                Text::of(index.map_or_else(String::new, |index| format!("bindings[{index}]"))),
                Text::toned(Tone::Dim, origins(&message.origins)),
            ]);
        }
        lines.extend(grid.lines(width, 0));
    }
    let default = view.default_agent.as_ref().map_or("nobody", AgentId::as_str);
    lines.push(Text::toned(Tone::Dim, format!("Where no binding holds, {default} answers.")));
    if !view.findings.is_empty() {
        lines.push(Text::new());
    }
    lines.extend(view.findings.iter().flat_map(|one| finding(view, one)));
    lines
}

fn answer(message: &RoutedMessage) -> Text {
    let route = &message.route;
    match &route.answer {
        Answer::Agent(agent) if is_misled(route) => Text::toned(Tone::Doubt, format!("! {agent}")),
        Answer::Agent(agent) => Text::toned(Tone::Good, format!("▸ {agent}")),
        Answer::Nobody(_) => Text::toned(Tone::Bad, "✗ nobody"),
    }
}

/// Says in a line why a message goes where it goes.
pub fn why(view: &RouteView, message: &RoutedMessage) -> String {
    let route = &message.route;
    if let Answer::Nobody(refusal) = &route.answer {
        return refusal_words(*refusal).to_owned();
    }
    let by = match route.binding {
        Some(index) => format!("{} {}", route.tier, binding(view, index)),
        None => route.tier.to_string(),
    };
    match &route.stranger {
        Some(stranger) => format!("{by} names {stranger}, which is in no roster"),
        None => by,
    }
}

fn binding(view: &RouteView, index: usize) -> String {
    let place = view.binding(index).and_then(|one| one.place.as_deref());
    place.map_or_else(|| format!("bindings[{index}]"), |place| format!("bindings[{index}] ({place})"))
}

fn origins(origins: &[Origin]) -> String {
    let mut sessions: BTreeMap<&AgentId, usize> = BTreeMap::new();
    let mut said = Vec::new();
    for origin in origins {
        match origin {
            Origin::Account => said.push("the channel".to_owned()),
            Origin::Binding(index) => said.push(format!("bindings[{index}]")),
            Origin::Session { agent, .. } => *sessions.entry(agent).or_default() += 1,
        }
    }
    said.extend(
        sessions.iter().map(|(agent, count)| format!("{} of {agent}", words::count(*count, "session"))),
    );
    said.join(", ")
}

fn finding(view: &RouteView, one: &Finding) -> Vec<Text> {
    let (tone, symbol) = match one.severity {
        Severity::Info => (Tone::Info, "·"),
        Severity::Attention => (Tone::Bad, "!"),
    };
    let mut line = Text::toned(tone, format!("{symbol} {}", one.kind.as_str().replace('_', " "))).plain("  ");
    if let Some(index) = one.binding {
        line = line.plain(format!("{} ", binding(view, index)));
    }
    vec![line.plain(&one.message), Text::toned(Tone::Dim, "    → ").plain(&one.fix)]
}

/// Returns why nobody answers.
pub fn refusal_words(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::UnknownAgent => "the binding names an agent that is not in the roster",
        Refusal::NoOwner => "no binding holds, and there is no default agent",
    }
}

/// Returns why a binding is not the one.
pub fn mismatch_words(why: &Mismatch) -> String {
    match why {
        Mismatch::NotARoute => "binds a conversation that another program leads (acp)".to_owned(),
        Mismatch::Channel(Some(channel)) => format!("is for channel {channel}"),
        Mismatch::Channel(None) => "names no channel, so it matches nothing".to_owned(),
        Mismatch::Account(account) => format!("is for account {account}"),
        Mismatch::UnusablePeer => "names a conversation without kind or id, so it matches nothing".to_owned(),
        Mismatch::Peer(peer) if peer.id == "*" => format!("is for every {} conversation", peer.kind.as_str()),
        Mismatch::Peer(peer) => format!("is for conversation {peer}"),
        Mismatch::Guild(guild) => format!("is for guild {guild}"),
        Mismatch::Team(team) => format!("is for team {team}"),
        Mismatch::Roles(roles) => format!("is for roles {}", roles.join(", ")),
        Mismatch::LaterTier(tier) => format!("holds as well, but {tier} comes later"),
        Mismatch::LaterInConfig => "holds as well, but stands later in the config".to_owned(),
    }
}
