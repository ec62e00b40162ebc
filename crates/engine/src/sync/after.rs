//! What should be, and what is, after a run's writes.

use crate::look::{Look, LookError, LookOptions, look_at};
use crate::ports::Ports;
use crate::progress::Progress;
use keyshoal_core::{Desired, Observation, ProfileId, SourceOf, SourceValue, StoreId};

/// Looks again, with the same source and without asking anybody.
pub(super) fn look_after<P: Ports + ?Sized>(
    ports: &P,
    before: &Look,
    progress: &mut dyn FnMut(Progress),
) -> Result<Look, LookError> {
    let observed = ports.observe()?;
    let desired = desired_after(&observed, before);
    look_at(ports, observed, desired, &LookOptions::default(), progress)
}

/// Returns what should be after a run: the same as before, with the source's values as they stand now.
pub(super) fn desired_after(observed: &Observation, before: &Look) -> Desired {
    let mut desired = before.desired.clone();
    let only = &before.desired.scope.agents;
    let holds = |store: &StoreId, profile: &ProfileId, value: &SourceValue| {
        let held = observed.profile(store, profile).and_then(|view| view.material.fingerprint());
        held == Some(value.fingerprint)
    };
    let arrived = |(profile, value): (&ProfileId, &SourceValue)| match only.is_empty() {
        true => holds(&StoreId::Base, profile, value),
        // An agent's own value is no source of the others'.
        false => {
            let mut named = observed.agents.iter().filter(|agent| only.contains(&agent.id));
            named.all(|agent| holds(&agent.store, profile, value))
        }
    };
    if desired.source == SourceOf::Given
        && desired.values.iter().all(arrived)
        && let Ok(whole) = crate::source::desired_of(observed, None, &desired.scope)
    {
        // What was given is where it belongs. Everything else is judged by the base store again, as ever.
        let (approved, include_foreign) = (desired.approved, desired.include_foreign);
        let in_base = desired.values.into_iter().filter(|(id, value)| holds(&StoreId::Base, id, value));
        let confirmed = in_base.map(|(id, _)| id).collect();
        desired = Desired { approved, include_foreign, confirmed, ..whole };
    }
    desired.values.retain(|profile, value| {
        let Some(store) = &value.store else { return true };
        let now = observed.profile(store, profile).and_then(|view| crate::source::source_value(view, store));
        now.is_some_and(|now| {
            *value = now;
            true
        })
    });
    desired
}
