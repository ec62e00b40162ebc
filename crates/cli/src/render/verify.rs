//! What `verify` found, one line per credential that an agent sends.

use super::{explain, verify_summary, words};
use crate::document::state_word;
use crate::ui::{Grid, Text, Tone};
use keyshoal_core::{Delivery, Turn, TurnOutcome, Verdict, VerdictKind};
use keyshoal_engine::VerifyReport;
use keyshoal_engine::verify::{AgentProof, AgentState, Check, CheckResult, Gap, Proof, Role, RouteProof};

/// Returns the screen.
pub fn lines(report: &VerifyReport, checks: &[Check], routes: &[RouteProof], width: usize) -> Vec<Text> {
    let mut grid = Grid::bare();
    for agent in &report.agents {
        if agent.proofs.is_empty() {
            grid.row(vec![
                state(agent),
                Text::of(agent.id.as_str()),
                Text::toned(Tone::Bad, "✗ nothing to check"),
            ]);
        }
        for (at, proof) in agent.proofs.iter().enumerate() {
            let (state, id) = match at {
                0 => (state(agent), Text::of(agent.id.as_str())),
                _ => (Text::new(), Text::new()),
            };
            grid.row(vec![
                state,
                id,
                Text::of(proof.provider.as_str()),
                Text::of(what(proof)),
                verdict(agent, proof),
                evidence(&proof.verdict),
            ]);
            for model in &proof.models {
                let name = format!("  answers with {}", model.model);
                let said = words::verdict(model.verdict.kind);
                grid.row(vec![
                    Text::new(),
                    Text::new(),
                    Text::new(),
                    Text::of(name),
                    said,
                    evidence(&model.verdict),
                ]);
            }
        }
    }
    let mut lines = grid.lines(usize::MAX, 0);
    let turns = turns(report);
    if !turns.is_empty() {
        lines.push(Text::new());
        lines.push(Text::toned(Tone::Strong, "Through the gateway"));
        lines.extend(turns);
    }
    if !routes.is_empty() {
        lines.push(Text::new());
        lines.push(Text::toned(Tone::Strong, "Where messages go"));
        lines.extend(ways(report, routes));
    }
    let advice = advice(report);
    if !advice.is_empty() {
        lines.push(Text::new());
        lines.extend(advice.iter().flat_map(|line| line.wrapped(width, 4)));
    }
    // Otherwise the last line says it.
    if let Some(gateway) = gateway(report).filter(|_| report.is_proven() || !report.is_accepted()) {
        lines.push(Text::new());
        lines.extend(gateway.wrapped(width, 4));
    }
    lines.push(Text::new());
    lines.extend(checks.iter().flat_map(|check| answer(check).wrapped(width, 4)));
    lines.push(Text::new());
    lines.extend(verify_summary::line(report).wrapped(width, 2));
    lines
}

/// Says what is to be said of the running gateway, if anything.
pub fn gateway(report: &VerifyReport) -> Option<Text> {
    let message = report.gateway.message.as_deref()?;
    let (tone, symbol) = if report.gateway.is_behind() { (Tone::Bad, "✗ ") } else { (Tone::Doubt, "! ") };
    let fix = report.gateway.fix.as_ref().map(|fix| format!(" ({fix})")).unwrap_or_default();
    Some(Text::toned(tone, symbol).plain(format!("{message}{fix}")))
}

fn answer(check: &Check) -> Text {
    let (tone, symbol) = match check.result {
        CheckResult::Yes => (Tone::Good, "✓ "),
        CheckResult::No => (Tone::Bad, "✗ "),
        CheckResult::NotTested => (Tone::Dim, "· "),
    };
    let not = if check.result == CheckResult::NotTested { "not tested: " } else { "" };
    Text::toned(tone, symbol)
        .plain(format!("{} ", check.question))
        .and(Tone::Dim, format!("{not}{}", check.reason))
}

fn state(agent: &AgentProof) -> Text {
    let state = agent.state();
    let tone = match state {
        AgentState::Proven => Tone::Good,
        AgentState::Accepted => Tone::Info,
        AgentState::Unproven => Tone::Doubt,
        AgentState::Missing | AgentState::Failing => Tone::Bad,
    };
    let symbol = match tone {
        Tone::Good => "✓",
        Tone::Doubt => "!",
        Tone::Info => "·",
        _ => "✗",
    };
    Text::toned(tone, format!("{symbol} {}", state_word(state)))
}

/// Names what is sent.
pub fn what(proof: &Proof) -> String {
    let print = proof.fingerprint.map(|print| format!(" {}", print.short())).unwrap_or_default();
    let name = match (&proof.profile, &proof.place) {
        (Some(profile), _) => profile.to_string(),
        (None, Some(place)) => explain::place_words(place),
        (None, None) => "—".to_owned(),
    };
    let role = match proof.role {
        Role::Later => " (falls back on it)",
        Role::HeldBack => " (held back)",
        Role::First | Role::Keyless | Role::Nothing => "",
    };
    format!("{name}{print}{role}")
}

fn verdict(agent: &AgentProof, proof: &Proof) -> Text {
    match proof.role {
        _ if proof.is_rejected() && !agent.needs(proof) => {
            words::verdict(proof.verdict.kind).and(Tone::Dim, ", not needed")
        }
        Role::Keyless if proof.verdict.kind == VerdictKind::Ok => Text::toned(Tone::Good, "✓ needs no key"),
        Role::Nothing => Text::toned(Tone::Bad, "✗ no credential"),
        _ => words::verdict(proof.verdict.kind),
    }
}

fn evidence(said: &Verdict) -> Text {
    let took = said.latency_ms.map(|millis| format!("{millis} ms"));
    let parts: Vec<String> = took.into_iter().chain(said.request_id.clone()).collect();
    Text::toned(Tone::Dim, parts.join("  "))
}

/// One prompt, as it is shown.
pub struct Shown {
    /// Whose.
    pub agent: String,
    /// What came of it.
    pub outcome: Text,
    /// The time within which the provider saw the request; empty where there was none.
    pub when: String,
}

/// What came of the prompts.
pub fn shown(report: &VerifyReport) -> Vec<Shown> {
    let turns = report.agents.iter().filter_map(|agent| Some((agent, agent.turn.as_ref()?)));
    turns
        .map(|(agent, turn)| {
            let took = turn.ended.duration_since(turn.begun).as_secs_f64();
            let asked = !matches!(turn.outcome, TurnOutcome::NotAsked { .. });
            let when = format!("{} + {took:.1} s", turn.begun.strftime("%H:%M:%S UTC"));
            let when = if asked { when } else { String::new() };
            Shown { agent: agent.id.to_string(), outcome: outcome(agent, turn), when }
        })
        .collect()
}

fn turns(report: &VerifyReport) -> Vec<Text> {
    let mut grid = Grid::bare();
    for one in shown(report) {
        grid.row(vec![Text::of(one.agent), one.outcome, Text::toned(Tone::Dim, one.when)]);
    }
    grid.lines(usize::MAX, 2)
}

/// Returns what is to be said of a route: routed, answered, and why it goes there.
pub fn route_words(report: &VerifyReport, route: &RouteProof) -> Text {
    if route.unreachable.is_some() {
        return Text::toned(Tone::Bad, "✗ no message comes this way");
    }
    match (&route.agent, route.misled, route.answered(report)) {
        (None, ..) => Text::toned(Tone::Bad, "✗ refused"),
        (_, true, _) => Text::toned(Tone::Bad, "✗ not the agent that was meant"),
        (_, _, Some(false)) => Text::toned(Tone::Bad, "✗ routed, and not answered"),
        (_, _, Some(true)) => Text::toned(Tone::Good, "✓ routed and answered"),
        (_, _, None) => Text::toned(Tone::Doubt, "· routed, answer not tested"),
    }
}

/// Returns what became of the test message of a route; nothing where none was meant to be posted.
pub fn delivery_words(route: &RouteProof) -> Text {
    match &route.delivery {
        None => Text::new(),
        Some(Delivery::Delivered) => Text::toned(Tone::Good, "✓ delivered"),
        Some(Delivery::Refused { why }) => {
            Text::toned(Tone::Bad, "✗ not delivered").plain(format!(": {why}"))
        }
        Some(Delivery::NotTested { reason }) => {
            Text::toned(Tone::Dim, "delivery not tested").plain(format!(": {reason}"))
        }
    }
}

fn ways(report: &VerifyReport, routes: &[RouteProof]) -> Vec<Text> {
    let mut grid = Grid::bare();
    for route in routes {
        let whom = route.agent.as_ref().map_or("nobody", |agent| agent.as_str());
        grid.row(vec![
            Text::of(route.query.as_str()),
            Text::of(format!("→ {whom}")),
            route_words(report, route),
            delivery_words(route),
            Text::toned(Tone::Dim, route.why.as_str()),
        ]);
    }
    grid.lines(usize::MAX, 2)
}

fn outcome(agent: &AgentProof, turn: &Turn) -> Text {
    let not_activated = "not activated: the provider accepts what the store holds, and the gateway sends something else (keyshoal sync, or keyshoal restart)";
    match (&turn.outcome, agent.gap()) {
        (_, Some(Gap::Fallback { by })) => {
            Text::toned(Tone::Doubt, "! a fallback answered: ").plain(by.to_string())
        }
        (_, Some(Gap::Snapshot)) => Text::toned(Tone::Doubt, "! answered from memory")
            .plain(": the provider rejects what the store holds; a restart will end it"),
        (TurnOutcome::AuthFailed { .. }, Some(Gap::NotActivated)) => {
            Text::toned(Tone::Bad, "✗ refused").plain(format!(": {not_activated}"))
        }
        (TurnOutcome::Answered { by }, _) => {
            let by = by.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
            Text::toned(Tone::Good, "✓ answered").plain(by)
        }
        (TurnOutcome::AuthFailed { why }, _) => Text::toned(Tone::Bad, "✗ refused").plain(format!(": {why}")),
        (TurnOutcome::Failed { why }, _) => Text::toned(Tone::Doubt, "! no answer").plain(format!(": {why}")),
        (TurnOutcome::NotAsked { reason }, _) => {
            Text::toned(Tone::Dim, "not asked").plain(format!(": {reason}"))
        }
    }
}

/// What can be done, each advice once with everybody whom it concerns.
fn advice(report: &VerifyReport) -> Vec<Text> {
    let mut said: Vec<(String, &str, Vec<keyshoal_core::AgentId>)> = Vec::new();
    for agent in &report.agents {
        for proof in agent.proofs.iter().filter(|proof| !proof.is_ok()) {
            let of_models = proof.models.iter().map(|model| &model.verdict);
            let open = std::iter::once(&proof.verdict)
                .chain(of_models)
                .filter(|said| said.kind != VerdictKind::Ok || proof.models.is_empty());
            for advice in open.filter_map(|verdict| verdict.advice.as_deref()) {
                let what = what(proof);
                match said.iter_mut().find(|(known, line, _)| *known == what && *line == advice) {
                    // Several models of an agent may say the same.
                    Some((_, _, whose)) if whose.last() == Some(&agent.id) => {}
                    Some((_, _, whose)) => whose.push(agent.id.clone()),
                    None => said.push((what, advice, vec![agent.id.clone()])),
                }
            }
        }
    }
    said.into_iter()
        .map(|(what, advice, whose)| {
            let what = if what == "—" { String::new() } else { format!("{what}, ") };
            Text::toned(Tone::Strong, format!("  {what}{}: ", words::agents(&whose, 4))).plain(advice)
        })
        .collect()
}
