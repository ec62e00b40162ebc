//! The whole why of one agent: what it may send, from where, and why, one line each.

use super::{age, words};
use crate::ui::{Grid, Text, Tone};
use keyshoal_core::{
    AgentView, Candidate, Finding, Knowledge, OutReason, Place, ProfileId, ProviderId, Severity, Standing,
    Timestamp,
};

/// Returns the lines for one agent, limited to one profile where it is named.
pub fn lines(
    agent: &AgentView,
    profile: Option<&ProfileId>,
    knowledge: &Knowledge,
    findings: &[Finding],
    now: Timestamp,
) -> Vec<Text> {
    let mut lines = vec![title(agent)];
    for (provider, candidates) in agent.candidates.iter().chain(&agent.unneeded) {
        let shown: Vec<&Candidate> = candidates
            .iter()
            .filter(|one| profile.is_none_or(|profile| one.profile.as_ref() == Some(profile)))
            .collect();
        if shown.is_empty() {
            continue;
        }
        lines.push(Text::new());
        lines.push(endpoint(agent, provider));
        let mut grid = Grid::bare();
        for one in shown {
            grid.row(row(agent, provider, one, knowledge, now));
        }
        lines.extend(grid.lines(usize::MAX, 2));
    }
    for provider in agent.needs.keys().filter(|provider| !agent.candidates.contains_key(*provider)) {
        lines.push(Text::new());
        lines.push(endpoint(agent, provider));
        lines.push(match &agent.unknown {
            Some(why) => Text::toned(Tone::Doubt, "  ? unknown ").plain(why),
            None => Text::toned(Tone::Bad, "  ✗ nothing ").plain("can be sent: requests fail"),
        });
    }
    lines.extend(judged(agent, profile, findings));
    lines
}

fn title(agent: &AgentView) -> Text {
    let mut title = Text::toned(Tone::Strong, agent.id.as_str());
    if let Some(name) = &agent.name {
        title = title.plain(format!(" ({name})"));
    }
    if agent.default {
        title = title.plain(" · default agent");
    }
    title.plain(format!(" · its own profiles: {} · {}", agent.store, agent.agent_dir))
}

fn endpoint(agent: &AgentView, provider: &ProviderId) -> Text {
    let mut line = Text::toned(Tone::Strong, provider.as_str());
    if let Some(endpoint) = agent.endpoints.get(provider) {
        line = line.plain(format!(
            " at {}",
            endpoint.shown_url().unwrap_or_else(|| "the provider's public address".to_owned())
        ));
    }
    match agent.needs.get(provider).map(Vec::as_slice) {
        None | Some([]) => line.and(Tone::Dim, " · no model of this agent needs it"),
        Some(models) => {
            let models: Vec<String> = models.iter().map(ToString::to_string).collect();
            line.plain(format!(" · for {}", models.join(", ")))
        }
    }
}

fn row(
    agent: &AgentView,
    provider: &ProviderId,
    one: &Candidate,
    knowledge: &Knowledge,
    now: Timestamp,
) -> Vec<Text> {
    let (tone, standing) = standing_words(&one.standing, now);
    let said = one
        .material
        .fingerprint()
        .zip(agent.endpoints.get(provider))
        .and_then(|(print, endpoint)| knowledge.verdict(print, endpoint));
    let name = one.profile.as_ref().map_or_else(|| "—".to_owned(), ToString::to_string);
    let kind = one.kind.as_ref().map_or("", words::kind);
    let mut why = Text::of(&one.because);
    if !one.pinned_by_sessions.is_empty() {
        let pinned = words::count(one.pinned_by_sessions.len(), "session");
        let chosen = one.pinned_by_sessions.iter().filter(|pin| pin.by_person).count();
        let by_whom = match chosen {
            0 => " (OpenClaw's own choice)".to_owned(),
            all if all == one.pinned_by_sessions.len() => " (a person's choice)".to_owned(),
            some => format!(" ({some} by a person's choice)"),
        };
        why = why.and(Tone::Doubt, format!(" · pinned by {pinned}{by_whom}"));
    }
    vec![
        Text::toned(tone, standing),
        Text::of(name),
        Text::of(words::material(&one.material)),
        Text::of(kind),
        Text::of(place_words(&one.place)),
        words::verdict_aged(said, now),
        why,
    ]
}

fn standing_words(standing: &Standing, now: Timestamp) -> (Tone, String) {
    match standing {
        Standing::First => (Tone::Good, "▸ first".to_owned()),
        Standing::Later => (Tone::Info, "· later".to_owned()),
        Standing::Out(reason) => (Tone::Dim, format!("× out: {}", out_words(reason, now))),
    }
}

/// Returns why a candidate is out.
pub fn out_words(reason: &OutReason, now: Timestamp) -> String {
    match reason {
        OutReason::Shadowed { by } => format!("hidden by the one in store {by}"),
        OutReason::ModeMismatch { wanted } => format!("the config wants type {wanted}"),
        OutReason::NotListed => "the config lists other profiles".to_owned(),
        OutReason::NotInOrder => "not in the order".to_owned(),
        OutReason::Expired { at } => format!("expired {}", age::ago(*at, now)),
        OutReason::InvalidExpires => "its expiry is no time".to_owned(),
        OutReason::CoolingDown { until, reason } => {
            format!("cooling down ({reason}), over {}", age::until(*until, now))
        }
        OutReason::MissingCredential => "it holds nothing".to_owned(),
        OutReason::ProviderMismatch => "it is for another provider".to_owned(),
        OutReason::Fenced => "an OAuth refresh is under way".to_owned(),
        OutReason::PinnedElsewhere { to } => format!("the config pins {to}"),
        OutReason::LowerPrecedence => "something before it is set".to_owned(),
    }
}

/// Returns where something comes from.
pub fn place_words(place: &Place) -> String {
    match place {
        Place::Local => "own store".to_owned(),
        Place::Inherited => "inherited".to_owned(),
        Place::Environment { name, layer } if layer.is_empty() => format!("environment {name}"),
        Place::Environment { name, layer } => format!("environment {name} ({layer})"),
        Place::ConfigKey => "key in the config".to_owned(),
        Place::ModelsFile => "copy in models.json".to_owned(),
        Place::NoKey => "asked without a key".to_owned(),
        Place::OtherLogin { of } => format!("login of {of}"),
    }
}

fn judged(agent: &AgentView, profile: Option<&ProfileId>, findings: &[Finding]) -> Vec<Text> {
    let mut lines = Vec::new();
    let mine = findings.iter().filter(|one| {
        one.agent.as_ref() == Some(&agent.id)
            && (profile.is_none() || one.profile.as_ref() == profile || one.profile.is_none())
    });
    for one in mine {
        if lines.is_empty() {
            lines.push(Text::new());
        }
        let mut line = words::finding(one).plain("  ");
        if let Some(profile) = &one.profile {
            line = line.plain(format!("{profile} — "));
        }
        lines.push(line.plain(&one.message));
        if one.severity != Severity::Fine {
            lines.extend(one.fix.iter().map(|fix| Text::toned(Tone::Dim, "    → ").plain(fix)));
        }
    }
    lines
}
