//! Agents that share one key, which hits its provider's limits.

use super::super::case::moment;
use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::{AgentId, Endpoint, Fingerprint, ProviderId, Standing, VerdictKind};

/// OpenClaw's words for limits.
const LIMITS: [&str; 5] = ["rate_limit", "billing", "overloaded", "quota", "blocked"];
/// A remembered answer counts for so long.
const FRESH: i64 = 24 * 60 * 60;

pub(super) const CHECK: Check = Check {
    id: "shared_limits",
    question: "Do agents share a key that hits its provider's limits?",
    looks_at: "Which agents send the same value, the marks and failure counts for limits in the stores, and what providers said of it \
               within the last day.",
    matters: "Many providers count requests per key. A busy agent then makes the others fail, which looks like a credential gone bad.",
    way_out: "Give busy agents keys of their own (keyshoal set PROVIDER --agent AGENT). Or raise the limit at the provider.",
    run,
};

struct Shared<'a> {
    provider: &'a ProviderId,
    value: Fingerprint,
    agents: Vec<AgentId>,
    endpoint: Option<Endpoint>,
}

fn run(case: &Case<'_>) -> Told {
    let mut senders: Vec<Shared<'_>> = Vec::new();
    for agent in &case.observed().agents {
        for (provider, candidates) in &agent.candidates {
            // What a mark holds back would be first.
            let sent = candidates.iter().find(|one| {
                one.standing == Standing::First
                    || matches!(one.standing, Standing::Out(keyshoal_core::OutReason::CoolingDown { .. }))
            });
            let Some(value) = sent.and_then(|one| one.material.fingerprint()) else { continue };
            let endpoint = agent.endpoints.get(provider).cloned();
            match senders.iter_mut().find(|one| one.provider == provider && one.value == value) {
                Some(shared) => shared.agents.push(agent.id.clone()),
                None => senders.push(Shared { provider, value, agents: vec![agent.id.clone()], endpoint }),
            }
        }
    }
    let mut told = Told::default();
    for shared in senders {
        let (provider, value) = (shared.provider, shared.value);
        let evidence = limits(case, provider, value, shared.endpoint.as_ref());
        let many = shared.agents.len() > 1;
        told.seen.push(format!("{provider} {value} is sent by {} agents", shared.agents.len()));
        if evidence.is_empty() {
            continue;
        }
        let text = match many {
            true => format!("share {value} for {provider}, which hits its provider's limits"),
            false => format!("sends {value} to {provider}, which hits its provider's limits"),
        };
        let symptom = if many { Symptom::attention(text) } else { Symptom::info(text) };
        told.symptoms.push(
            symptom
                .agents(shared.agents)
                .given(evidence)
                .fix(format!("keyshoal set {provider} --agent AGENT   gives a busy agent a key of its own")),
        );
    }
    told
}

/// What says that a value hits limits now.
fn limits(
    case: &Case<'_>,
    provider: &ProviderId,
    value: Fingerprint,
    endpoint: Option<&Endpoint>,
) -> Vec<String> {
    let mut evidence = Vec::new();
    let is_limit = |reason: &str| LIMITS.iter().any(|limit| reason.starts_with(limit));
    for (id, store) in &case.observed().stores {
        for (profile, usage) in &store.usage {
            let view = store.profiles.get(profile);
            // A mark may stand in an agent's store for a profile that it inherits.
            let held = view.or_else(|| case.base()?.profiles.get(profile));
            let is_it = held
                .is_some_and(|view| view.provider == *provider && view.material.fingerprint() == Some(value));
            let mark = usage.in_force(case.now()).filter(|(_, reason)| is_limit(reason));
            if let (true, Some((until, reason))) = (is_it, mark) {
                let count: u64 =
                    usage.failures.iter().filter(|(why, _)| is_limit(why)).map(|(_, count)| count).sum();
                let counted = if count > 0 { format!(", {count} failures") } else { String::new() };
                evidence.push(format!(
                    "store {id} holds {profile} back until {} ({reason}{counted})",
                    moment(*until)
                ));
            }
        }
    }
    let said = endpoint.and_then(|endpoint| case.known().verdict(value, endpoint));
    let limited = said.filter(|said| {
        matches!(said.kind, VerdictKind::RateLimited | VerdictKind::Billing)
            && case.now().as_second() - said.at.as_second() < FRESH
    });
    evidence.extend(limited.map(|said| format!("asked on {}: {}", moment(said.at), said.kind.clause())));
    evidence
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::{StoreId, UsageView};
    use std::collections::BTreeMap;

    #[test]
    fn a_shared_key_at_its_limits_is_found() {
        let world = World::new().with(|world| {
            let cooldown = Some((at(NOW + 600), "rate_limit".to_owned()));
            let failures = BTreeMap::from([("rate_limit".to_owned(), 41)]);
            let usage = UsageView { cooldown, failures, ..UsageView::default() };
            world.store(&StoreId::Base).usage.insert(P.into(), usage);
        });
        let found = finds(&CHECK, &world, &["share", "41 failures", "Attention"]);
        assert_eq!(found.agents.len(), 3);
        let world = World::new().with(|world| world.said(2, VerdictKind::RateLimited));
        finds(&CHECK, &world, &["its provider takes no more requests for the moment"]);
    }

    #[test]
    fn a_shared_key_within_its_limits_is_fine() {
        is_clean(&CHECK, &World::new());
        let world = World::new().with(|world| {
            let usage =
                UsageView { cooldown: Some((at(NOW - 1), "rate_limit".into())), ..UsageView::default() };
            world.store(&StoreId::Base).usage.insert(P.into(), usage);
        });
        is_clean(&CHECK, &world);
    }
}
