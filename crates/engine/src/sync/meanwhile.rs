//! What happened while a person thought about a question, or a provider about its answer.
//!
//! Every write compares what stands where it writes. What it relies on elsewhere is looked at here once more: the source's value, the
//! marks that a person may have set in another terminal, cooldowns that have begun since.

use super::after::desired_after;
use super::{SyncOptions, place, planned};
use crate::look::{Look, LookError, LookOptions, look_at};
use crate::ports::Ports;
use crate::progress::Progress;
use keyshoal_core::{Action, ActivationOutcome, Joining, Observation, Plan, Receipt, StepState};

/// What was seen less than so many seconds ago is not looked at again.
const FRESH: i64 = 2;

/// Tells whether the installation may have changed since it was looked at.
pub(super) fn is_long_ago<P: Ports + ?Sized>(ports: &P, look: &Look) -> bool {
    !is_fresh(ports, &look.observed)
}

/// Tells whether an observation is so new that it need not be made again: every write compares what stands there in any case.
pub(crate) fn is_fresh<P: Ports + ?Sized>(ports: &P, observed: &Observation) -> bool {
    ports.now().duration_since(observed.at).as_secs() < FRESH
}

/// Looks again and leaves in the plan what was agreed to and is still right. Returns the rest, not done.
pub(super) fn look_again<P: Ports + ?Sized>(
    ports: &P,
    look: &mut Look,
    plan: &mut Plan,
    options: &SyncOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Receipt>, LookError> {
    let observed = ports.observe()?;
    let desired = desired_after(&observed, look);
    let mut fresh = look_at(ports, observed, desired, &LookOptions::default(), progress)?;
    fresh.not_remembered = fresh.not_remembered.or(look.not_remembered.take());
    let mut now = planned(&fresh, options);
    let agreed = std::mem::take(&mut plan.actions);
    now.actions.retain(|action| agreed.iter().any(|one| covers(one, action)));
    now.config = now.config.filter(|edit| plan.config.as_ref() == Some(edit));
    if now.config.is_none() {
        now.joining = Joining::default();
    }
    let overtaken = agreed
        .iter()
        .filter(|one| !matches!(one, Action::ResetCooldown { .. }))
        .filter(|one| !now.actions.iter().any(|action| deed(action) == deed(one)));
    let at = ports.now();
    let receipts = overtaken.map(|action| Receipt {
        action: action.clone(),
        durable: StepState::Skipped { reason: "what it was planned by has changed meanwhile".to_owned() },
        merged_writes: 0,
        at,
        activated: ActivationOutcome::NotNeeded,
        accepted: None,
        answered: StepState::NotAsked,
    });
    let receipts = receipts.collect();
    *plan = now;
    *look = fresh;
    Ok(receipts)
}

/// Tells whether a person who agreed to one action has agreed to the other: to the same write, or to a reset that goes with it.
fn covers(agreed: &Action, action: &Action) -> bool {
    let goes_with = matches!(action, Action::ResetCooldown { .. }) && agreed.profile() == action.profile();
    goes_with || deed(agreed) == deed(action)
}

/// Returns what an action does, apart from why and for whom.
fn deed(action: &Action) -> impl PartialEq + use<> {
    let rest = match action {
        Action::Replace { expect, value, kind, .. } => {
            ("replace", Some(*expect), Some(*value), Some(kind.clone()))
        }
        Action::RemoveShadow { expect, inherits, .. } => ("remove", Some(*expect), Some(*inherits), None),
        Action::Remove { expect, .. } => ("withdraw", Some(*expect), None, None),
        Action::Insert { value, kind, .. } => ("insert", None, Some(*value), Some(kind.clone())),
        Action::FixType { expect, kind, .. } => ("fix_type", Some(*expect), None, Some(kind.clone())),
        Action::ResetCooldown { expect, .. } => ("reset", Some(*expect), None, None),
    };
    (place(action), rest)
}
