//! Reading back: what every store holds after a run, whatever was reported before.

use keyshoal_core::{Action, Observation, Receipt, StepState, StoreHealth, StoreId};

/// Takes back every `Done` whose effect is not there any more.
pub(super) fn read_back(observed: &Observation, receipts: &mut [Receipt]) {
    for receipt in receipts.iter_mut().filter(|receipt| super::is_done(receipt)) {
        if let Some(found) = contradiction(observed, &receipt.action) {
            receipt.durable = match unreadable(observed, &receipt.action) {
                Some((store, reason)) => StepState::Failed {
                    reason: format!("written, but the store of {store} cannot be read back: {reason}"),
                },
                None => StepState::Conflict { found },
            };
        }
    }
}

/// Returns which of the stores that an action's result rests on cannot be read, and why: what stands there is then not known.
fn unreadable<'a>(observed: &'a Observation, action: &'a Action) -> Option<(&'a StoreId, &'a str)> {
    let base = matches!(action, Action::RemoveShadow { .. }).then_some(&StoreId::Base);
    [Some(action.store()), base].into_iter().flatten().find_map(|store| {
        match &observed.stores.get(store)?.health {
            StoreHealth::Unreadable(reason) => Some((store, reason.as_str())),
            _ => None,
        }
    })
}

/// Tells whether the store already holds what the action was to bring about.
pub(super) fn is_fulfilled(observed: &Observation, action: &Action) -> bool {
    contradiction(observed, action).is_none()
}

/// Returns what stands there instead of the action's result, in words.
fn contradiction(observed: &Observation, action: &Action) -> Option<String> {
    let held = |store: &StoreId| observed.profile(store, action.profile());
    let value = |store: &StoreId| held(store).and_then(|view| view.material.fingerprint());
    let show = |store: &StoreId| value(store).map_or_else(|| "nothing".to_owned(), |print| print.short());
    let wrong = match action {
        Action::Replace { store, value: wanted, kind, .. }
        | Action::Insert { store, value: wanted, kind, .. } => {
            value(store) != Some(*wanted) || held(store).is_none_or(|view| view.kind != *kind)
        }
        Action::FixType { store, kind, .. } => held(store).is_none_or(|view| view.kind != *kind),
        Action::Remove { store, .. } => held(store).is_some(),
        Action::RemoveShadow { store, .. } if held(store).is_some() => true,
        Action::RemoveShadow { inherits, .. } => {
            let base = value(&StoreId::Base);
            if base == Some(*inherits) {
                return None;
            }
            return Some(format!(
                "the base store, from which it inherits, holds {} now",
                show(&StoreId::Base)
            ));
        }
        // Marks come and go with use: a new one is a new failure, not a lost write.
        Action::ResetCooldown { .. } => false,
    };
    wrong.then(|| {
        format!("{} ({})", show(action.store()), held(action.store()).map_or("-", |view| view.kind.as_str()))
    })
}
