//! Planning: how to bring what was seen to what should be.
//!
//! [`plan`] decides nothing about right and wrong; that is [`judge()`]'s. It chooses the action that suits the layout, in an order
//! in which every step can rely on those before it: the base store first.

mod actions;
mod cooldowns;
mod inserts;
mod questions;
mod releases;

use crate::judge::{Sight, held_back, not_activated};
use crate::{
    ActivationNeed, Desired, Judgement, Knowledge, Observation, Plan, Timestamp, instance::ActivationWay,
    judge,
};
pub(crate) use cooldowns::{mark_of, would_reset};
pub use releases::releases;

/// Plans what would be written and what a person must decide first. Pure: the same arguments give the same plan.
pub fn plan(observed: &Observation, desired: &Desired, knowledge: &Knowledge, now: Timestamp) -> Plan {
    plan_judged(observed, desired, knowledge, now, &judge(observed, desired, knowledge, now))
}

/// The same, for a judgement that was already made of the same arguments.
pub fn plan_judged(
    observed: &Observation,
    desired: &Desired,
    knowledge: &Knowledge,
    now: Timestamp,
    judgement: &Judgement,
) -> Plan {
    if observed.is_vault_unheard() {
        // Whatever the stores say, the vault may want something else.
        return Plan::default();
    }
    let sight = Sight::new(observed, desired, knowledge, now);
    let mut all = actions::actions(&sight, judgement);
    all.extend(cooldowns::resets(&sight, judgement, &all));
    all.sort_by_key(|action| *action.store() != crate::StoreId::Base);
    let activation = activation(&sight, !all.is_empty());
    Plan { questions: questions::questions(&sight, judgement), activation, actions: all, ..Plan::default() }
}

fn activation(sight: &Sight<'_>, writes: bool) -> ActivationNeed {
    let may_run = sight.observed.instance.gateway.running != Some(false);
    if !((writes && may_run) || not_activated(sight)) {
        return ActivationNeed::None;
    }
    if !held_back(sight).is_empty() {
        return ActivationNeed::Restart;
    }
    activation_need(sight.observed)
}

/// Returns what makes a running gateway of this release read its stores again.
pub fn activation_need(observed: &Observation) -> ActivationNeed {
    let reloads = observed
        .capabilities
        .activation
        .iter()
        .any(|way| !matches!(way, ActivationWay::RestartRpc | ActivationWay::RestartCommand));
    if reloads { ActivationNeed::Reload } else { ActivationNeed::Restart }
}
