//! What agents really send first, gathered by provider and value.

use keyshoal_core::{
    AgentId, AgentView, Candidate, Finding, FindingKind, Knowledge, Material, Observation, Place, ProfileId,
    ProviderId, Timestamp, Verdict, VerdictKind,
};
use std::collections::BTreeSet;

/// Agents that send the same thing to the same provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sends {
    /// To whom.
    pub provider: ProviderId,
    /// What; `None` when they have nothing that can be sent, or nobody can tell.
    pub what: Option<Sent>,
    /// A model of any of them needs the provider, or no model is known.
    pub needed: bool,
    /// Nobody can tell: a store of theirs cannot be read.
    pub unknown: bool,
    /// What they would send is lost on the disk, and a gateway that may run has perhaps read it before.
    pub from_memory: bool,
    /// Who, in the roster's order.
    pub agents: Vec<AgentId>,
    /// What the provider last said of it.
    pub verdict: Option<Verdict>,
    /// Since when the earliest of them has this value, where it is remembered.
    pub since: Option<Timestamp>,
    /// How many of their sessions pin another profile.
    pub pinned_elsewhere: usize,
}

/// One thing that is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The profile, where it is one.
    pub profile: Option<ProfileId>,
    /// What it holds.
    pub material: Material,
    /// Where it comes from, where that is not a profile's store.
    pub place: Option<Place>,
}

impl Sends {
    /// Tells whether these agents fail: they need the provider, and have nothing to send, or a value that it rejects.
    pub fn fails(&self) -> bool {
        self.needed && (self.is_refused() || self.what.is_none() && !self.unknown)
    }

    /// Tells whether the provider rejects what they would send.
    pub fn is_refused(&self) -> bool {
        let refused = |said: &Verdict| said.kind.is_dead() || said.kind == VerdictKind::Missing;
        self.verdict.as_ref().is_some_and(refused)
    }
}

/// Gathers them: by provider, those that fail last.
pub fn gather(observation: &Observation, knowledge: &Knowledge, findings: &[Finding]) -> Vec<Sends> {
    let mut all: Vec<Sends> = Vec::new();
    for agent in &observation.agents {
        let providers: BTreeSet<&ProviderId> = agent.needs.keys().chain(agent.candidates.keys()).collect();
        for provider in providers {
            let mut one = of_agent(agent, provider, knowledge, findings);
            one.from_memory &= observation.instance.gateway.running != Some(false);
            if one.what.is_none() && !agent.needs.contains_key(provider) {
                continue;
            }
            let same = all.iter_mut().find(|all| {
                all.provider == one.provider
                    && all.what == one.what
                    && (all.unknown, all.from_memory) == (one.unknown, one.from_memory)
                    // Whether it is needed tells only something of what fails.
                    && (all.needed == one.needed || one.what.is_some() && !one.is_refused())
                    && all.verdict.as_ref().map(|said| said.kind)
                        == one.verdict.as_ref().map(|said| said.kind)
            });
            match same {
                Some(same) => {
                    same.agents.push(agent.id.clone());
                    same.needed |= one.needed;
                    same.since = same.since.into_iter().chain(one.since).min();
                    same.pinned_elsewhere += one.pinned_elsewhere;
                }
                None => all.push(one),
            }
        }
    }
    all.sort_by(|one, other| (&one.provider, one.fails()).cmp(&(&other.provider, other.fails())));
    all
}

fn of_agent(agent: &AgentView, provider: &ProviderId, knowledge: &Knowledge, findings: &[Finding]) -> Sends {
    // What leads nowhere is nothing that could be sent.
    let missing = |profile: &ProfileId| {
        findings.iter().any(|one| {
            one.finding == FindingKind::Missing
                && one.agent.as_ref() == Some(&agent.id)
                && one.profile.as_ref() == Some(profile)
        })
    };
    let first = agent.first(provider).filter(|first| {
        first.material.leads_nowhere().is_none() || !first.profile.as_ref().is_some_and(missing)
    });
    let verdict = first.and_then(|first| {
        let asked_by = first.asked_by().or_else(|| first.material.fingerprint())?;
        knowledge.verdict(asked_by, agent.endpoints.get(provider)?).cloned()
    });
    let since = first.and_then(|first| {
        let (profile, print) = (first.profile.clone()?, first.material.fingerprint()?);
        let judged = findings.iter().find(|one| {
            one.agent.as_ref() == Some(&agent.id)
                && one.profile.as_ref() == Some(&profile)
                && one.fingerprint == Some(print)
        });
        let remembered = knowledge.first_seen.get(&(agent.id.clone(), profile.clone(), print)).copied();
        remembered.or_else(|| judged.and_then(|one| one.first_seen))
    });
    let others = agent.candidates.get(provider).into_iter().flatten();
    let pinned_elsewhere = others
        .filter(|one| first.is_some_and(|first| first.profile != one.profile))
        .map(|one| one.pinned_by_sessions.len())
        .sum();
    Sends {
        provider: provider.clone(),
        what: first.map(sent),
        needed: agent.may_need(provider),
        unknown: agent.unknown.is_some(),
        from_memory: first.is_none() && agent.first(provider).is_some(),
        agents: vec![agent.id.clone()],
        verdict,
        since,
        pinned_elsewhere,
    }
}

fn sent(candidate: &Candidate) -> Sent {
    let place = match &candidate.place {
        Place::Local | Place::Inherited => None,
        place => Some(place.clone()),
    };
    Sent { profile: candidate.profile.clone(), material: candidate.material.clone(), place }
}
