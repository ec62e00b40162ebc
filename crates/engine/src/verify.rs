//! `verify`: is what every agent sends accepted by its provider?
//!
//! For every enabled agent and every provider, the agent's own first candidate is asked about at the agent's own endpoint; when that
//! one is not accepted, those that the agent would fall back on as well. Each distinct value is asked about once per endpoint,
//! however many agents send it.

mod deep;
mod five;
mod gateway;
mod gather;
mod proof;
mod questions;
mod turns;

pub use five::{Check, CheckResult, LastChange, PastRun, RouteProof, five, last_change, left_behind};
pub use gateway::{GatewayProof, GatewayState, NOBODY};
pub use proof::{AgentProof, AgentState, ModelProof, Proof, Role, Summary};
pub use turns::Gap;

use crate::look::Look;
use crate::ports::Ports;
use crate::progress::Progress;
use keyshoal_core::{AgentId, Ask, Fact, Scope, Verdict, VerdictKind, activation};
use std::collections::{BTreeMap, BTreeSet};

/// Says what to verify.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// Only these agents, providers and profiles.
    pub scope: Scope,
    /// Ask nobody: what the installation says by itself.
    pub offline: bool,
    /// Then have each model that an agent is configured with answer with the agent's first credential: a token each.
    pub deep: bool,
    /// Then put a prompt to every agent through the running gateway, unless its credential was just rejected.
    pub through_gateway: bool,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct VerifyReport {
    /// What was seen, and what is known now.
    pub look: Look,
    /// Every enabled agent, in the roster's order.
    pub agents: Vec<AgentProof>,
    /// Whether the running gateway has what was asked about.
    pub gateway: GatewayProof,
    /// How many questions were really put to providers.
    pub asked: usize,
}

impl VerifyReport {
    /// Counts.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.agents)
    }

    /// Tells whether every agent is shown to work, and nothing that was asked about was rejected: what it has was accepted just now,
    /// and the running gateway sends it.
    pub fn is_proven(&self) -> bool {
        self.is_accepted() && self.agents.iter().all(|agent| agent.state() == AgentState::Proven)
    }

    /// Tells whether every agent has what was accepted just now, nothing that was asked about was rejected, and no gateway is known to
    /// send anything else.
    pub fn is_accepted(&self) -> bool {
        let fine = |agent: &AgentProof| matches!(agent.state(), AgentState::Proven | AgentState::Accepted);
        !self.agents.is_empty() && self.agents.iter().all(fine) && self.rejected_unneeded().is_empty()
    }

    /// Returns what was rejected and no model needs, each once, with the agents that have it.
    pub fn rejected_unneeded(&self) -> Vec<(&Proof, Vec<&AgentId>)> {
        let mut all: Vec<(&Proof, Vec<&AgentId>)> = Vec::new();
        for agent in &self.agents {
            for proof in agent.rejected_unneeded() {
                let what = |one: &Proof| (one.provider.clone(), one.profile.clone(), one.fingerprint);
                match all.iter_mut().find(|(known, _)| what(known) == what(proof)) {
                    Some((_, whose)) => whose.push(&agent.id),
                    None => all.push((proof, vec![&agent.id])),
                }
            }
        }
        all
    }
}

/// Answers by value and endpoint.
type Answers = BTreeMap<(keyshoal_core::Fingerprint, String), Verdict>;

/// Verifies every enabled agent of a fresh look at its providers.
pub fn verify<P: Ports + ?Sized>(
    ports: &P,
    mut look: Look,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress),
) -> VerifyReport {
    let mut answers = Answers::new();
    let mut asked = 0;
    // The first candidates; then those behind the ones that were not accepted.
    for _ in 0..2 {
        let wanted = questions::of(&look.observed, &options.scope, &answers);
        if wanted.is_empty() || options.offline {
            break;
        }
        progress(Progress::Asking { questions: wanted.len() });
        let said = ask(ports, &wanted);
        asked += said.iter().filter(|(_, said)| said.kind.was_asked() || said.http_status.is_some()).count();
        look.now = ports.now();
        let told = said.iter().filter(|(_, verdict)| verdict.kind != VerdictKind::NotAsked);
        let facts: Vec<Fact> =
            told.map(|(ask, verdict)| Fact::Verdict { ask: ask.clone(), verdict: verdict.clone() }).collect();
        look.learn(ports, &facts);
        answers.extend(said.into_iter().map(|(ask, said)| ((ask.fingerprint, ask.endpoint.key()), said)));
    }
    look.judge_again();
    let learned = look.judgement.learned.clone();
    look.learn(ports, &learned);
    let mut agents = gather::of_all(&look.observed, &options.scope, &answers, look.now);
    gather::advise(&mut agents, &look.judgement);
    if options.deep && !options.offline {
        asked += deep::put(ports, &look.observed, &mut agents, progress);
        look.now = ports.now();
    }
    if options.through_gateway && !options.offline {
        turns::put(ports, &mut agents, progress);
        look.now = ports.now();
        if agents.iter().any(|agent| agent.gap() == Some(Gap::NotActivated)) {
            // Seen, not guessed: the next look says so as well, and the next sync has it read its stores again.
            look.learn(ports, &[Fact::Activated { digest: activation::UNKNOWN.to_owned() }]);
            look.judge_again();
        }
    }
    let gateway = gateway::of(&look, &agents);
    gateway::note(&gateway, &mut agents);
    VerifyReport { look, agents, gateway, asked }
}

/// Asks, and has an answer for each question: what the port leaves out was not asked.
fn ask<P: Ports + ?Sized>(ports: &P, wanted: &BTreeSet<Ask>) -> Vec<(Ask, Verdict)> {
    let mut said: BTreeMap<Ask, Verdict> = ports.ask(wanted).into_iter().collect();
    let now = ports.now();
    let mut answers = Vec::with_capacity(wanted.len());
    for ask in wanted {
        let verdict = said.remove(ask).unwrap_or_else(|| Verdict::new(VerdictKind::NotAsked, now));
        answers.push((ask.clone(), verdict));
    }
    answers
}
