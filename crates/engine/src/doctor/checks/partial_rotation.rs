//! Rotations that reached some of the providers only.

use super::super::case::moment;
use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::{AgentId, AgentView, FindingKind, ProfileId, SourceState};
use std::collections::BTreeSet;

/// So recent, a rotation makes one wonder about the others.
const RECENT: i64 = 30 * 24 * 60 * 60;

pub(super) const CHECK: Check = Check {
    id: "partial_rotation",
    question: "Was a rotation done for every provider that needed it?",
    looks_at: "When each profile got its present value, which of the present values their providers reject, and whether an agent has \
               the new value of one profile and the old one of another.",
    matters: "Agents use several providers. After one was updated, failures at another look as if the update had not worked.",
    way_out: "keyshoal set PROVIDER gives the one that was left out a new value; keyshoal sync brings it to every agent.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    let Some(base) = case.base() else { return told };
    let rotated = |profile: &ProfileId| {
        case.rotated(profile).filter(|at| case.now().as_second() - at.as_second() < RECENT)
    };
    let renewed: Vec<&ProfileId> = base.profiles.keys().filter(|id| rotated(id).is_some()).collect();
    told.seen.extend(base.profiles.keys().map(|id| match case.rotated(id) {
        Some(at) => format!("{id} was renewed {}", moment(at)),
        None => format!("{id} was never seen to be renewed"),
    }));
    for profile in base.profiles.keys() {
        let rejected = case.look.judgement.sources.get(profile) == Some(&SourceState::Rejected);
        let other = renewed.iter().find(|other| **other != profile);
        // One that was renewed as well, and is rejected, is told of by `last_update`.
        if let (true, false, Some(other)) = (rejected, renewed.contains(&profile), other) {
            let symptom = Symptom::attention(format!(
                "{other} was renewed, and {profile}, which its provider rejects, was not"
            ));
            told.symptoms.push(symptom.fix(format!("keyshoal set {profile}")));
        }
    }
    let stale: BTreeSet<(&AgentId, &ProfileId)> = (case.look.judgement.findings.iter())
        .filter(|one| one.finding == FindingKind::Stale)
        .filter_map(|one| one.agent.as_ref().zip(one.profile.as_ref()))
        .collect();
    for agent in &case.observed().agents {
        told.symptoms.extend(half(case, agent, &renewed, &stale));
    }
    told
}

/// An agent with copies of its own, some of which were renewed.
fn half(
    case: &Case<'_>,
    agent: &AgentView,
    renewed: &[&ProfileId],
    stale: &BTreeSet<(&AgentId, &ProfileId)>,
) -> Option<Symptom> {
    let own = case.observed().store(&agent.store)?;
    let value = |id: &ProfileId| own.profiles.get(id).and_then(|view| view.material.fingerprint());
    let new = renewed.iter().find(|id| value(id).is_some() && value(id) == case.base_value(id))?;
    let old = own.profiles.keys().find(|id| stale.contains(&(&agent.id, *id)))?;
    (agent.store != keyshoal_core::StoreId::Base).then(|| {
        Symptom::attention(format!("has the newest {new}, and an earlier {old}"))
            .agents([agent.id.clone()])
            .by_sync()
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::{ProfileView, StoreId, VerdictKind};

    const Q: &str = "other:default";

    fn two() -> World {
        World::new().with(|world| {
            let view = ProfileView { provider: "other".into(), ..api_key(12) };
            world.store(&StoreId::Base).profiles.insert(Q.into(), view);
            world.generations(Q, &[(11, NOW - 90_000), (12, NOW - 50_000)]);
        })
    }

    #[test]
    fn a_provider_that_was_left_out_is_found() {
        let world = two().with(|world| {
            world.generations(P, &[(2, NOW - 50_000)]);
            world.said(2, VerdictKind::Revoked);
        });
        finds(&CHECK, &world, &["other:default was renewed, and acme:default", "keyshoal set acme:default"]);
    }

    #[test]
    fn an_agent_with_one_new_and_one_old_copy_is_found() {
        let world = two().copy("stocks", 2).with(|world| {
            let view = ProfileView { provider: "other".into(), ..api_key(11) };
            world.store(&own("stocks")).profiles.insert(Q.into(), view);
        });
        finds(&CHECK, &world, &["stocks", "the newest acme:default, and an earlier other:default"]);
    }

    #[test]
    fn one_that_was_renewed_and_is_rejected_was_not_left_out() {
        let world = two().with(|world| world.said(2, VerdictKind::Revoked));
        assert!(world.told(&CHECK).seen.iter().any(|line| line.starts_with("acme:default was renewed")));
        is_clean(&CHECK, &world);
    }

    #[test]
    fn a_whole_rotation_is_fine() {
        is_clean(&CHECK, &two());
    }
}
