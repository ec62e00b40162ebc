//! What a change of the roster brings along: values for those who join, and a gateway that has to read other stores.

use crate::look::Look;
use keyshoal_core::{
    ActivationNeed, AgentId, FindingKind, Joining, Observation, Severity, StoreId, judge, planner,
};
use std::collections::BTreeSet;

/// Plans for the roster that the config of a look would bring, as far as the present one says nothing of it.
pub(crate) fn joining(look: &Look) -> Joining {
    let Ok(Some(then)) = &look.then else { return Joining::default() };
    let judgement = judge(then, &look.desired, &look.knowledge, look.now);
    let plan = planner::plan_judged(then, &look.desired, &look.knowledge, look.now, &judgement);
    let stores = arrived(&look.observed, then);
    let (mut actions, mut waits) = (plan.actions, judgement.findings.clone());
    actions.retain(|action| stores.contains(action.store()));
    waits.retain(|one| {
        let is_new = one.store.as_ref().is_some_and(|store| stores.contains(store));
        is_new && one.finding == FindingKind::Pending && one.severity == Severity::Info
    });
    let is_told = !actions.is_empty() || judgement.is_not_activated();
    let activation = if is_told { plan.activation } else { ActivationNeed::None };
    Joining { actions, waits, activation }
}

/// Returns the stores of agents that another config brings in: nobody who sees the present one can plan for them.
pub(crate) fn arrived(before: &Observation, after: &Observation) -> BTreeSet<StoreId> {
    let known = |id: &AgentId| before.agents.iter().any(|agent| agent.id == *id);
    let new = after.agents.iter().filter(|agent| !known(&agent.id));
    new.map(|agent| agent.store.clone()).filter(|store| *store != StoreId::Base).collect()
}
