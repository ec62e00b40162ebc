//! The five questions that end a repair: do all agents hold the same, is each accepted, does each route answer, do calls come from
//! several agents, and did the last change reach everybody by itself.

use super::{AgentState, GatewayState, VerifyReport};
use keyshoal_core::knowledge::GenerationOrigin;
use keyshoal_core::{AgentId, Delivery, FindingKind, StoreId, Timestamp, TurnOutcome};

/// One of the five, answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A stable word.
    pub id: &'static str,
    /// What is asked.
    pub question: &'static str,
    /// The answer.
    pub result: CheckResult,
    /// What the answer rests on, one line each, without secrets.
    pub evidence: Vec<String>,
}

/// The answer to a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckResult {
    /// It was seen to be so.
    Yes,
    /// It was seen not to be so.
    No,
    /// Nothing was seen that tells.
    NotTested {
        /// Why, and how to have it tested.
        reason: String,
    },
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

/// A run of the past that wrote something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// The command that began it.
    pub command: String,
    /// When.
    pub begun: Timestamp,
}

/// Answers the five from a report, with the runs of the past, and the routes where they were derived.
pub fn five(report: &VerifyReport, runs: &[PastRun], routes: Option<&[RouteProof]>) -> Vec<Check> {
    let routes = routed(report, routes);
    vec![same_generation(report), accepted(report), routes, several(report), propagated(report, runs)]
}

fn not_tested(reason: impl Into<String>) -> CheckResult {
    CheckResult::NotTested { reason: reason.into() }
}

fn same_generation(report: &VerifyReport) -> Check {
    let look = &report.look;
    let apart = |kind| {
        matches!(
            kind,
            FindingKind::Stale
                | FindingKind::Shadowing
                | FindingKind::Foreign
                | FindingKind::Missing
                | FindingKind::Unreadable
                | FindingKind::SourceReverted
        )
    };
    let mut wrong = Vec::new();
    for one in look.judgement.findings.iter().filter(|one| apart(one.finding)) {
        let whose = one.agent.as_ref().map_or("the installation", |agent| agent.as_str());
        wrong.push(format!("{whose}: {}", one.message));
    }
    let held = look.observed.stores.values().any(|store| !store.profiles.is_empty());
    let result = match (wrong.is_empty(), held) {
        (true, true) => CheckResult::Yes,
        (true, false) => not_tested("no store holds any credential"),
        (false, _) => CheckResult::No,
    };
    let mut evidence = wrong;
    for agent in &look.observed.agents {
        let Some(store) = look.observed.store(&agent.store) else { continue };
        let own = agent.store == StoreId::Base || !store.profiles.is_empty();
        let modified =
            store.modified.map_or_else(|| "never written".to_owned(), |time| format!("changed {time:.0}"));
        evidence.push(match own {
            true => format!("{}: {}, {modified}", agent.id, store.path),
            false => format!("{}: nothing of its own, inherits", agent.id),
        });
    }
    Check {
        id: "same_generation",
        question: "Do all agents hold the same generation, overrides apart?",
        result,
        evidence,
    }
}

fn accepted(report: &VerifyReport) -> Check {
    let counts = report.summary();
    let behind = report.gateway.message.clone().filter(|_| report.gateway.is_behind());
    let mut evidence: Vec<String> = behind.clone().into_iter().collect();
    let unproven = report
        .agents
        .iter()
        .filter(|agent| agent.state() != AgentState::Proven)
        .map(|agent| format!("{}: not proven", agent.id));
    evidence.extend(unproven);
    evidence.push(format!(
        "{} of {} agents proven, {} questions to providers",
        counts.proven, counts.agents, report.asked
    ));
    let result = match () {
        () if counts.agents > 0 && counts.proven == counts.agents => CheckResult::Yes,
        () if counts.failing + counts.missing > 0 || behind.is_some() => CheckResult::No,
        () => not_tested("not every agent's provider gave a certain answer"),
    };
    Check { id: "agents_accepted", question: "Is every agent accepted by its providers?", result, evidence }
}

fn routed(report: &VerifyReport, routes: Option<&[RouteProof]>) -> Check {
    let mut evidence = Vec::new();
    let (mut wrong, mut open) = (0, 0);
    for route in routes.into_iter().flatten() {
        let whom = route.agent.as_ref().map_or("nobody", |agent| agent.as_str());
        let answered = route.answered(report);
        if route.misled || answered == Some(false) {
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
    let result = match routes {
        None => not_tested("pass --routes"),
        Some([]) => not_tested("neither bindings nor channels nor sessions tell of any message"),
        Some(_) if wrong > 0 => CheckResult::No,
        Some(_) if open > 0 => not_tested(format!("{open} lead to agents that were not asked")),
        Some(all) => {
            evidence.push(format!("{} messages lead to agents that answered", all.len()));
            let delivered = all.iter().filter(|route| route.delivery == Some(Delivery::Delivered)).count();
            if delivered > 0 {
                evidence.push(format!("{delivered} of their conversations took a test message"));
            }
            CheckResult::Yes
        }
    };
    let question = "Does every route lead to an agent that answers?";
    Check { id: "routes_answered", question, result, evidence }
}

fn several(report: &VerifyReport) -> Check {
    let mut evidence = Vec::new();
    let mut answered = 0;
    let turns: Vec<_> = report.agents.iter().filter_map(|agent| agent.turn.as_ref()).collect();
    for turn in &turns {
        if let TurnOutcome::Answered { .. } = turn.outcome {
            answered += 1;
            evidence.push(format!(
                "{}: its provider saw a request between {:.0} and {:.0}",
                turn.agent, turn.begun, turn.ended
            ));
        }
    }
    let result = match (turns.is_empty(), report.agents.len(), answered) {
        (true, ..) => not_tested("pass --through-gateway: then each agent makes a request of its own"),
        (_, ..=1, _) => not_tested("there is one agent only"),
        (_, _, 2..) => CheckResult::Yes,
        _ => CheckResult::No,
    };
    Check { id: "several_agents_seen", question: "Do calls come from several agents?", result, evidence }
}

fn propagated(report: &VerifyReport, runs: &[PastRun]) -> Check {
    let question = "Did the last change reach every agent without work by hand?";
    let knowledge = &report.look.knowledge;
    let changes = knowledge.generations.iter().filter_map(|(profile, all)| {
        let seen: Vec<_> = all.iter().filter(|one| one.origin != GenerationOrigin::Residue).collect();
        (seen.len() > 1).then(|| seen.last().map(|last| (last.first_seen, profile))).flatten()
    });
    let Some((at, profile)) = changes.max() else {
        let result = not_tested("no change of a credential was seen yet");
        return Check { id: "propagated", question, result, evidence: Vec::new() };
    };
    let mut evidence = vec![format!("{profile} changed, first seen {at:.0}")];
    let since: Vec<_> = runs.iter().filter(|run| run.begun >= at).collect();
    evidence.extend(since.iter().map(|run| format!("keyshoal {} wrote at {:.0}", run.command, run.begun)));
    // `set` changes the credential and brings it to everybody in one; `watch` acts by itself.
    let by_hand = since.iter().any(|run| !matches!(run.command.as_str(), "watch" | "set"));
    let behind = report.look.judgement.findings.iter().any(|one| {
        one.profile.as_ref() == Some(profile)
            && matches!(one.finding, FindingKind::Stale | FindingKind::Shadowing)
    });
    if behind {
        evidence.push("an agent still holds an earlier value".to_owned());
    }
    let unheard = report.gateway.message.clone().filter(|_| report.gateway.is_behind());
    let behind = behind || unheard.is_some();
    evidence.extend(unheard);
    let unknown = report.gateway.state == GatewayState::Unknown;
    let result = match report.gateway.message.clone().filter(|_| unknown) {
        _ if by_hand || behind => CheckResult::No,
        Some(message) => not_tested(message),
        None => CheckResult::Yes,
    };
    Check { id: "propagated", question, result, evidence }
}
