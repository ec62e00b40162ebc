//! Do calls come from several agents?

use super::{Answer, Check, named, no, not_tested, number, yes};
use crate::verify::VerifyReport;
use keyshoal_core::{AgentId, Timestamp, Turn, TurnOutcome};

const QUESTION: &str = "Do calls come from several agents?";

/// Answers by the prompts that were put through the gateway: each agent that answered has made a request of its own.
pub(super) fn several(report: &VerifyReport) -> Check {
    let turns: Vec<&Turn> = report.agents.iter().filter_map(|agent| agent.turn.as_ref()).collect();
    let evidence = turns.iter().map(|turn| seen(turn)).collect();
    let answered: Vec<&Turn> =
        turns.iter().copied().filter(|turn| matches!(turn.outcome, TurnOutcome::Answered { .. })).collect();
    let (result, reason) = answer(report, &turns, &answered);
    Check { id: "several_agents_seen", question: QUESTION, result, reason, evidence }
}

fn answer(report: &VerifyReport, turns: &[&Turn], answered: &[&Turn]) -> Answer {
    let asked = turns.iter().any(|turn| !matches!(turn.outcome, TurnOutcome::NotAsked { .. }));
    match (turns, report.agents.as_slice()) {
        (_, [] | [_]) => not_tested("there is one agent only"),
        ([], _) => not_tested(
            "only a request of each agent's own tells; pass --through-gateway: one short prompt to each (a few tokens)",
        ),
        _ if !asked => not_tested(match turns.first().map(|turn| &turn.outcome) {
            Some(TurnOutcome::NotAsked { reason }) => {
                format!("no agent could be asked through the gateway: {reason}")
            }
            _ => "no agent could be asked through the gateway".to_owned(),
        }),
        _ => {
            let names: Vec<&AgentId> = answered.iter().map(|turn| &turn.agent).collect();
            let of = format!("of {}", number(report.agents.len(), "agent"));
            match (answered.iter().map(|turn| turn.begun).min(), answered.iter().map(|turn| turn.ended).max())
            {
                (Some(from), Some(to)) if names.len() > 1 => yes(format!(
                    "{} {of} each had an answer from a provider between {} and {}: {}",
                    names.len(),
                    second(from),
                    second(to),
                    named(&names)
                )),
                (Some(_), Some(_)) => {
                    no(format!("only {} {of} had an answer from a provider", named(&names)))
                }
                _ => no(format!("none {of} had an answer from a provider")),
            }
        }
    }
}

fn seen(turn: &Turn) -> String {
    let (from, to) = (second(turn.begun), second(turn.ended));
    let agent = &turn.agent;
    match &turn.outcome {
        TurnOutcome::Answered { by } => {
            let by = by.as_ref().map(|by| format!(" ({by})")).unwrap_or_default();
            format!("{agent}: its provider{by} answered a request between {from} and {to}")
        }
        TurnOutcome::AuthFailed { why } => format!("{agent}: refused between {from} and {to}: {why}"),
        TurnOutcome::Failed { why } => format!("{agent}: no answer between {from} and {to}: {why}"),
        TurnOutcome::NotAsked { reason } => format!("{agent}: not asked: {reason}"),
    }
}

/// Returns a time as people read it, to the second.
pub(super) fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
