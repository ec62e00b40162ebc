//! What of a look and of a verification is not as it should be, for the alarms.

use super::alarms::Pass;
use crate::look::Look;
use crate::verify::{AgentProof, Gap, Proof, Role, VerifyReport};
use keyshoal_core::alarm::Source;
use keyshoal_core::{
    Condition, ConditionId, Finding, FindingKind, GatewayView, Nature, ProviderId, Severity, Topic,
    TurnOutcome, VerdictKind,
};
use std::collections::{BTreeMap, BTreeSet};

/// Returns what a look says; `gateway_expected`: that no gateway runs is trouble.
pub fn of_look(look: &Look, gateway_expected: bool) -> Pass {
    let mut pass = Pass::new(Source::Look);
    if gateway_expected {
        of_gateway(&mut pass, look.observed.instance.gateway.running);
    }
    of_home(&mut pass, &look.observed.instance.gateway);
    for finding in &look.judgement.findings {
        if finding.severity != Severity::Attention {
            continue;
        }
        pass.see(Condition {
            id: ConditionId {
                topic: Topic::Finding(finding.finding),
                agent: finding.agent.clone(),
                provider: finding.provider.clone(),
                profile: finding.profile.clone(),
            },
            nature: nature(finding.finding),
            message: super::seen::sentence(finding),
            fix: finding.fix.clone(),
        });
    }
    pass
}

/// A gateway that ends and begins again is down for a moment.
fn of_gateway(pass: &mut Pass, running: Option<bool>) {
    let id = ConditionId::of(Topic::GatewayDown);
    match running {
        Some(true) => {}
        None => {
            pass.open.insert(id);
        }
        Some(false) => pass.see(Condition {
            id,
            nature: Nature::Passing,
            message: "no gateway of this installation runs: no agent answers anybody".to_owned(),
            fix: Some("start the gateway; keyshoal status tells how things stand".to_owned()),
        }),
    }
}

/// Every key that is given to this state directory goes past a gateway that reads another one.
fn of_home(pass: &mut Pass, gateway: &GatewayView) {
    let id = ConditionId::of(Topic::SplitHome);
    if gateway.other_state_dir.is_some() {
        // Which one stays here: it may be in somebody else's home.
        let message = "the running gateway uses another state directory than this one: nothing that is changed here reaches it";
        let fix = Some("keyshoal doctor split_home".to_owned());
        pass.see(Condition { id, nature: Nature::Lasting, message: message.to_owned(), fix });
    } else if gateway.running.is_none() {
        pass.open.insert(id);
    }
}

/// Says what passes by itself: a cooldown ends, a gateway reads its stores again, a file that is just being written is whole a moment
/// later, and another Keyshoal ends its run.
fn nature(kind: FindingKind) -> Nature {
    use FindingKind::{CoolingDown, NotActivated, OpenRun, Unreadable};
    match kind {
        CoolingDown | NotActivated | OpenRun | Unreadable => Nature::Passing,
        _ => Nature::Lasting,
    }
}

/// Returns what a failed look says.
pub fn of_failure(reason: &str) -> Pass {
    let mut pass = Pass::new(Source::Watch);
    pass.see(Condition {
        id: ConditionId::of(Topic::NotLooked),
        nature: Nature::Passing,
        message: format!("the installation could not be looked at: {reason}"),
        fix: Some("keyshoal status".to_owned()),
    });
    pass
}

/// Returns what a verification says, beyond what its own look already does.
pub fn of_verify(report: &VerifyReport) -> Pass {
    let mut pass = Pass::new(Source::Verify);
    let findings = &report.look.judgement.findings;
    let mut providers: BTreeMap<&ProviderId, Asked<'_>> = BTreeMap::new();
    for agent in &report.agents {
        for proof in &agent.proofs {
            of_proof(&mut pass, agent, proof, findings);
            providers.entry(&proof.provider).or_default().take(agent, proof);
        }
        of_turn(&mut pass, agent);
    }
    for (provider, asked) in providers {
        of_provider(&mut pass, provider, &asked);
    }
    pass
}

fn of_proof(pass: &mut Pass, agent: &AgentProof, proof: &Proof, findings: &[Finding]) {
    // What no model of an agent needs is told of once, and not as if each of them failed.
    let needed = agent.needs(proof);
    let id = ConditionId {
        topic: Topic::Rejected,
        agent: needed.then(|| agent.id.clone()),
        provider: Some(proof.provider.clone()),
        profile: proof.profile.clone(),
    };
    let missing = needed && proof.role == Role::Nothing && proof.verdict.kind == VerdictKind::Missing;
    if !proof.is_rejected() && !missing {
        if !proof.is_ok() && proof.verdict.kind != VerdictKind::Ok {
            pass.open.insert(id);
        }
        return;
    }
    let covered = findings.iter().any(|finding| {
        // Of what is missing a look knows more, and how much it matters.
        let weighs =
            finding.severity == Severity::Attention || missing && finding.finding == FindingKind::Missing;
        let same = match &proof.profile {
            Some(profile) => finding.profile.as_ref() == Some(profile),
            None => finding.provider.as_ref() == Some(&proof.provider),
        };
        weighs && same && (!needed || finding.agent.as_ref().is_none_or(|whose| *whose == agent.id))
    });
    if covered {
        // The look tells of it already.
        pass.open.insert(id);
        return;
    }
    // What an agent falls back on, and what is held back anyway, fails nobody now.
    if matches!(proof.role, Role::Later | Role::HeldBack) {
        return;
    }
    let what = match &proof.profile {
        Some(profile) => profile.to_string(),
        None => format!("its credential for {}", proof.provider),
    };
    let status = proof.verdict.http_status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
    let message = if missing {
        format!("{}: it has nothing to send to {}", agent.id, proof.provider)
    } else {
        let why = proof.verdict.kind.clause();
        let said = format!("{} does not accept {what}: {why}{status}", proof.provider);
        match needed {
            true => format!("{}: {said}", agent.id),
            false => format!("{said}; no model of the agents that have it needs it"),
        }
    };
    let fix = Some(match needed {
        true => format!("keyshoal verify --agent {}", agent.id),
        false => format!("keyshoal verify --provider {}", proof.provider),
    });
    pass.see(Condition { id, nature: Nature::Lasting, message, fix });
}

fn of_turn(pass: &mut Pass, agent: &AgentProof) {
    let id = ConditionId { agent: Some(agent.id.clone()), ..ConditionId::of(Topic::TurnFailed) };
    let Some(turn) = &agent.turn else { return };
    let gap = agent.gap();
    // The gateway's own words stay here: nobody knows what a provider puts into them.
    let message = match (&turn.outcome, &gap) {
        (_, Some(Gap::NotActivated)) => "the gateway still sends an earlier value, which is refused",
        (_, Some(Gap::Snapshot)) => "the gateway answers with a value that only its memory has",
        (TurnOutcome::AuthFailed { .. }, _) => "the gateway's request for it was refused as unauthenticated",
        (TurnOutcome::Answered { .. }, _) => return,
        (TurnOutcome::Failed { .. } | TurnOutcome::NotAsked { .. }, _) => {
            pass.open.insert(id);
            return;
        }
    };
    let message = format!("{}: {message}", agent.id);
    let fix = Some("keyshoal verify --through-gateway".to_owned());
    pass.see(Condition { id, nature: Nature::Lasting, message, fix });
}

/// How a provider answered, over all agents.
#[derive(Default)]
struct Asked<'a> {
    answered: bool,
    passing: Option<VerdictKind>,
    agents: BTreeSet<&'a str>,
}

impl<'a> Asked<'a> {
    fn take(&mut self, agent: &'a AgentProof, proof: &Proof) {
        if proof.verdict.kind.is_passing() {
            self.passing = Some(proof.verdict.kind);
            self.agents.insert(agent.id.as_str());
        } else if proof.verdict.kind.was_asked() && proof.verdict.kind != VerdictKind::Unknown {
            self.answered = true;
        }
    }
}

fn of_provider(pass: &mut Pass, provider: &ProviderId, asked: &Asked<'_>) {
    let id = ConditionId { provider: Some(provider.clone()), ..ConditionId::of(Topic::Unreachable) };
    let Some(kind) = asked.passing else {
        if !asked.answered {
            pass.open.insert(id);
        }
        return;
    };
    let count = asked.agents.len();
    let agents = if count == 1 { "1 agent".to_owned() } else { format!("{count} agents") };
    let message = format!("{provider} gives no answer about the credentials of {agents} ({})", kind.short());
    let fix = Some(format!("keyshoal verify --provider {provider}"));
    pass.see(Condition { id, nature: Nature::Passing, message, fix });
}
