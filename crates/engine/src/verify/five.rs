//! The five questions that end a repair: do all agents hold the same, is each accepted, does each route answer, do calls come from
//! several agents, and did the last change reach everybody by itself.

mod calls;
mod change;
mod generation;

pub use change::{LastChange, PastRun, last_change};
pub use generation::left_behind;

use super::{AgentProof, AgentState, Role, VerifyReport};
use keyshoal_core::{AgentId, Delivery, TurnOutcome, VerdictKind};

/// One of the five, answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A stable word.
    pub id: &'static str,
    /// What is asked.
    pub question: &'static str,
    /// The answer.
    pub result: CheckResult,
    /// Why that is the answer, in one sentence; where it was not tested, also how to have it tested.
    pub reason: String,
    /// What the answer rests on, one line each, without secrets.
    pub evidence: Vec<String>,
}

/// The answer to a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckResult {
    /// It was seen to be so.
    Yes,
    /// It was seen not to be so.
    No,
    /// Nothing was seen that tells.
    NotTested,
}

/// A message that there may be, and what came of its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteProof {
    /// The message, as `keyshoal route` takes it.
    pub query: String,
    /// Who answers; `None`: the program refuses it.
    pub agent: Option<AgentId>,
    /// Why that agent, or why nobody: one line.
    pub why: String,
    /// Whether it goes where it is meant to.
    pub misled: bool,
    /// Why no message comes that way, if so.
    pub unreachable: Option<String>,
    /// What became of a test message into its conversation; `None` where none was to be posted.
    pub delivery: Option<Delivery>,
}

impl RouteProof {
    /// Tells whether the agent that it leads to was seen to answer; `None`: that was not tested.
    pub fn answered(&self, report: &VerifyReport) -> Option<bool> {
        let Some(agent) = &self.agent else { return Some(false) };
        let proof = report.agents.iter().find(|one| one.id == *agent)?;
        match &proof.turn.as_ref()?.outcome {
            TurnOutcome::Answered { .. } => Some(true),
            TurnOutcome::AuthFailed { .. } | TurnOutcome::Failed { .. } => Some(false),
            // Who was not asked because of a rejected credential cannot answer either.
            TurnOutcome::NotAsked { .. } => (proof.state() == AgentState::Failing).then_some(false),
        }
    }
}

/// Answers the five from a report, with the runs of the past, and the routes where they were derived.
pub fn five(report: &VerifyReport, runs: &[PastRun], routes: Option<&[RouteProof]>) -> Vec<Check> {
    let routes = routed(report, routes);
    vec![
        generation::same(report),
        accepted(report),
        routes,
        calls::several(report),
        change::propagated(report, runs),
    ]
}

type Answer = (CheckResult, String);

fn yes(reason: impl Into<String>) -> Answer {
    (CheckResult::Yes, reason.into())
}

fn no(reason: impl Into<String>) -> Answer {
    (CheckResult::No, reason.into())
}

fn not_tested(reason: impl Into<String>) -> Answer {
    (CheckResult::NotTested, reason.into())
}

/// Lists names, the first of them.
fn first<T: AsRef<str>>(names: &[T]) -> String {
    const MOST: usize = 4;
    let shown: Vec<&str> = names.iter().take(MOST).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Lists agents, the first of them.
fn named(agents: &[&AgentId]) -> String {
    first(&agents.iter().map(|id| id.as_str()).collect::<Vec<_>>())
}

/// Counts ("1 agent", "3 agents").
fn number(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn accepted(report: &VerifyReport) -> Check {
    let counts = report.summary();
    let of = |wanted: AgentState| -> Vec<String> {
        report.agents.iter().filter(|agent| agent.state() == wanted).map(trouble).collect()
    };
    let (failing, missing) = (of(AgentState::Failing), of(AgentState::Missing));
    let unproven = of(AgentState::Unproven);
    let behind = report.gateway.message.clone().filter(|_| report.gateway.is_behind());
    let (result, reason) = match () {
        () if counts.agents == 0 => not_tested("there is no agent"),
        () if let Some(behind) = &behind => no(behind.clone()),
        () if counts.proven == counts.agents => {
            yes(format!("what each of {} sends was accepted just now", number(counts.agents, "agent")))
        }
        () if counts.accepted == counts.agents => not_tested(format!(
            "what each of {} has was accepted just now, but {}",
            number(counts.agents, "agent"),
            report.gateway.words()
        )),
        () if failing.is_empty() && missing.is_empty() => {
            not_tested(format!("no certain answer about {}", first(&unproven)))
        }
        () => no(format!("not of {}", first(&[&failing[..], &missing[..]].concat()))),
    };
    let mut evidence: Vec<String> = behind.into_iter().collect();
    evidence.extend([failing, missing, unproven].concat());
    evidence.extend(report.rejected_unneeded().iter().map(|(proof, agents)| {
        let what = proof.profile.as_ref().map_or_else(|| proof.provider.to_string(), ToString::to_string);
        format!("{what} is rejected, and no model of {} needs it", named(agents))
    }));
    let (good, word) = counts.good();
    evidence.push(format!(
        "{good} of {} {word}, {} to providers",
        number(counts.agents, "agent"),
        number(report.asked, "question")
    ));
    let question = "Is every agent accepted by its providers?";
    Check { id: "agents_accepted", question, result, reason, evidence }
}

/// Says what stands between an agent and its proof: "stocks (anthropic: rejected)".
fn trouble(agent: &AgentProof) -> String {
    let open = agent.proofs.iter().find(|proof| !proof.is_ok() && agent.needs(proof));
    let why = match (open, &agent.turn) {
        (Some(proof), _) if proof.role == Role::Nothing => format!("nothing to send to {}", proof.provider),
        (Some(proof), _) => {
            let model = proof.models.iter().find(|model| model.verdict.kind != VerdictKind::Ok);
            let said = model.map_or(&proof.verdict, |model| &model.verdict);
            format!("{}: {}", proof.provider, said.kind.short())
        }
        (None, Some(_)) => "no proof through the gateway".to_owned(),
        (None, None) => "nothing to check".to_owned(),
    };
    format!("{} ({why})", agent.id)
}

fn routed(report: &VerifyReport, routes: Option<&[RouteProof]>) -> Check {
    let mut evidence = Vec::new();
    let (mut wrong, mut open) = (0, 0);
    for route in routes.into_iter().flatten() {
        let whom = route.agent.as_ref().map_or("nobody", |agent| agent.as_str());
        let answered = route.answered(report);
        if let Some(why) = &route.unreachable {
            wrong += 1;
            evidence.push(format!("{}: {why}", route.query));
        } else if route.misled || answered == Some(false) {
            wrong += 1;
            evidence.push(format!("{} → {whom}: {}", route.query, route.why));
        } else if answered.is_none() {
            open += 1;
        }
        if let Some(Delivery::Refused { why }) = &route.delivery {
            wrong += 1;
            evidence.push(format!("{}: a message from {whom} could not be delivered: {why}", route.query));
        }
    }
    let (result, reason) = match routes {
        None => not_tested("pass --routes: then every message that there may be is followed to its agent"),
        Some([]) => not_tested("neither bindings nor channels nor sessions tell of any message"),
        Some(_) if wrong > 0 => no(first(&evidence)),
        Some(_) if open > 0 => not_tested(format!(
            "{open} lead to agents that could not be asked through the gateway: is it running?"
        )),
        Some(all) => {
            let delivered = all.iter().filter(|route| route.delivery == Some(Delivery::Delivered)).count();
            if delivered > 0 {
                evidence.push(format!("{delivered} of their conversations took a test message"));
            }
            yes(format!("{} kinds of messages lead to agents that answered", all.len()))
        }
    };
    let question = "Does every route lead to an agent that answers?";
    Check { id: "routes_answered", question, result, reason, evidence }
}
