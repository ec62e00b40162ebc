//! The last line of what `verify` says: `proven` is said only of what the running gateway sends.

use super::verify::what;
use super::words;
use crate::ui::{Text, Tone};
use keyshoal_core::AgentId;
use keyshoal_engine::VerifyReport;

/// Says in one line how things stand.
pub fn line(report: &VerifyReport) -> Text {
    let counts = report.summary();
    let asked = words::count(report.asked, "question");
    let mut rest = Vec::new();
    for (number, word) in [
        (counts.failing, "failing"),
        (counts.unproven, "unproven"),
        (counts.missing, "with nothing to check"),
    ] {
        if number > 0 {
            rest.push(format!("{number} {word}"));
        }
    }
    rest.extend(report.rejected_unneeded().into_iter().map(|(proof, agents)| {
        let agents: Vec<AgentId> = agents.into_iter().cloned().collect();
        format!("{} is rejected, and no model of {} needs it", what(proof), words::agents(&agents, 4))
    }));
    let (good, word) = counts.good();
    let line = format!("{good} of {} {word} with {asked} to providers", words::count(counts.agents, "agent"));
    if !report.is_accepted() {
        return Text::toned(Tone::Bad, "✗ ").plain(format!("{line}; {}", rest.join(", ")));
    }
    let by_key = report
        .agents
        .iter()
        .all(|agent| agent.turn.is_none() && agent.proofs.iter().all(|proof| proof.models.is_empty()));
    let more = "; by the key alone: whether there is credit and each model answers, --deep asks";
    let more = if by_key { more } else { "" };
    if report.is_proven() {
        return Text::toned(Tone::Good, "✓ ").plain(format!("{line}{more}"));
    }
    let what = match counts.agents {
        1 => "what the agent has was accepted by its providers".to_owned(),
        some => format!("what all {some} agents have was accepted by their providers"),
    };
    Text::toned(Tone::Doubt, "? ").plain(format!("{what} with {asked}{more}; but {}", report.gateway.words()))
}
