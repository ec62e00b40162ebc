//! Values that their providers reject and that agents keep or send all the same.

use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::{AgentView, Finding, FindingKind, Place, ProviderId, Severity};

pub(super) const CHECK: Check = Check {
    id: "rejected",
    question: "Does any agent keep or send what its provider rejects?",
    looks_at: "What each provider last said of the values that agents keep for themselves, inherit, and send first, as far as it is \
               remembered; --online asks now.",
    matters: "Such an agent fails at every message. A value that somebody kept on purpose is never replaced unasked, so no sync mends it.",
    way_out: "keyshoal replace AGENT PROFILE gives the agent the value that all share; keyshoal set PROFILE --agent AGENT gives it a \
              new one of its own; keyshoal set PROFILE gives all a new one.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told { seen: Vec::new(), symptoms: case.findings_that(is_rejected) };
    for agent in &case.observed().agents {
        for provider in agent.candidates.keys() {
            told.seen.extend(said(case, agent, provider));
            let Some(symptom) = sent_first(case, agent, provider) else { continue };
            match told.symptoms.iter_mut().find(|one| one.message == symptom.message) {
                Some(same) => same.agents.push(agent.id.clone()),
                None => told.symptoms.push(symptom),
            }
        }
    }
    told.seen.truncate(40);
    told
}

/// What nothing but a person's word or a new value mends.
fn is_rejected(finding: &Finding) -> bool {
    let dead = finding.verdict.as_ref().is_some_and(|verdict| verdict.kind.is_dead());
    match finding.finding {
        FindingKind::SourceRejected => true,
        FindingKind::Kept | FindingKind::Inherited => dead,
        _ => false,
    }
}

/// What an agent sends first and its provider rejects, where no finding of its own says so.
fn sent_first(case: &Case<'_>, agent: &AgentView, provider: &ProviderId) -> Option<Symptom> {
    let first = agent.first(provider)?;
    let profile =
        first.profile.as_ref().filter(|_| matches!(first.place, Place::Local | Place::Inherited))?;
    let value = first.material.fingerprint()?;
    let said = case.known().verdict(value, agent.endpoints.get(provider)?)?;
    let told = case
        .look
        .judgement
        .of_agent(&agent.id)
        .any(|one| one.severity == Severity::Attention && one.profile.as_ref() == Some(profile));
    (said.kind.is_dead() && !told && agent.may_need(provider)).then(|| {
        let clause = said.clause(case.now());
        let text = format!("{profile} ({}) is sent first to {provider}, and {clause}", value.short());
        Symptom::attention(text).agents([agent.id.clone()]).fix(format!("keyshoal set {profile}"))
    })
}

fn said(case: &Case<'_>, agent: &AgentView, provider: &ProviderId) -> Option<String> {
    let first = agent.first(provider)?;
    let value = first.material.fingerprint()?;
    let verdict = case.known().verdict_kind(value, agent.endpoints.get(provider)?);
    Some(format!("{} sends {} first to {provider}: {}", agent.id, value.short(), verdict.short()))
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::VerdictKind;
    use keyshoal_core::knowledge::{KeptBy, KeptMark};

    /// ops keeps value 9, marked by this hand, and its provider says this of it.
    fn kept(by: KeptBy, said: VerdictKind) -> World {
        World::new().copy("ops", 9).with(|world| {
            let mark = KeptMark { fingerprint: print(9), by, since: at(NOW - 7200) };
            world.known.kept.insert(("ops".into(), P.into()), mark);
            world.said(9, said);
        })
    }

    #[test]
    fn an_override_that_its_provider_rejects_is_found() {
        for by in [KeptBy::Person, KeptBy::Acceptance] {
            let found = finds(
                &CHECK,
                &kept(by, VerdictKind::Revoked),
                &["ops", "keeps its own value", "replace ops"],
            );
            assert_eq!((found.severity, found.remedy), (Severity::Attention, None), "{by:?}");
            is_clean(&CHECK, &kept(by, VerdictKind::Ok));
            is_clean(&CHECK, &kept(by, VerdictKind::RateLimited));
        }
    }

    #[test]
    fn everybody_who_sends_a_rejected_value_is_named() {
        let world = World::new().copy("ops", 2).with(|world| world.said(2, VerdictKind::InvalidKey));
        let told = world.told(&CHECK);
        for id in ["main", "stocks", "ops"] {
            let named = |one: &Symptom| one.agents.iter().any(|agent| agent.as_str() == id);
            assert!(told.symptoms.iter().any(named), "{id}: {told:#?}");
        }
        assert!(told.symptoms.iter().all(|one| one.fix.as_deref() == Some("keyshoal set acme:default")));
    }

    #[test]
    fn what_a_sync_mends_is_told_by_other_checks() {
        let world = World::new().copy("ops", 1).with(|world| world.said(1, VerdictKind::Revoked));
        is_clean(&CHECK, &world);
        is_clean(&CHECK, &World::new());
    }
}
