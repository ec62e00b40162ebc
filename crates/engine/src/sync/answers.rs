//! What answers change: what is known, what should be, and so the plan.

use crate::decide::Answer;
use crate::look::Look;
use crate::ports::Ports;
use crate::source::source_value;
use keyshoal_core::judge::Remedy;
use keyshoal_core::knowledge::{GenerationOrigin, KeptBy};
use keyshoal_core::plan::Proposal;
use keyshoal_core::{Action, AgentId, Fact, Fingerprint, Plan, ProfileId, StoreId};
use std::collections::BTreeSet;

/// Holds what a person wants left alone in this run, although the plan would change it.
#[derive(Clone, Debug, Default)]
pub(super) struct Left {
    values: BTreeSet<(ProfileId, Fingerprint)>,
    places: BTreeSet<(StoreId, ProfileId)>,
}

impl Left {
    /// Returns the plan without what is to be left. When that is the base store's own value, all that relies on it goes too.
    pub fn without(&self, mut plan: Plan) -> Plan {
        let is_left = |action: &Action| {
            let value = match action {
                Action::Replace { expect, profile, .. }
                | Action::Remove { expect, profile, .. }
                | Action::RemoveShadow { expect, profile, .. } => {
                    self.values.contains(&(profile.clone(), *expect))
                }
                _ => false,
            };
            value || self.places.contains(&super::place(action))
        };
        let base_left: BTreeSet<ProfileId> = plan
            .actions
            .iter()
            .filter(|action| !matches!(action, Action::ResetCooldown { .. }))
            .filter(|action| *action.store() == StoreId::Base && is_left(action))
            .map(|action| action.profile().clone())
            .collect();
        plan.actions.retain(|action| !is_left(action) && !base_left.contains(action.profile()));
        if plan.actions.is_empty() {
            // Whatever the gateway may not know is asked again where nothing is written.
            plan.activation = keyshoal_core::ActivationNeed::None;
        }
        plan
    }
}

/// Takes answers in. Returns whether they made a plan that the person has not seen.
pub(super) fn take<P: Ports + ?Sized>(
    ports: &P,
    look: &mut Look,
    left: &mut Left,
    plan: &Plan,
    answers: &[Answer],
) -> bool {
    let mut facts = Vec::new();
    let mut another_plan = false;
    for answer in answers {
        match answer {
            Answer::Value { profile, fingerprint, proposal } => {
                let owners = owners_of(look, profile, *fingerprint);
                match proposal {
                    Proposal::Keep => facts.extend(owners.into_iter().map(|(_, agent)| Fact::Kept {
                        agent,
                        profile: profile.clone(),
                        fingerprint: *fingerprint,
                        by: KeptBy::Person,
                    })),
                    Proposal::Replace => {
                        for (store, agent) in owners {
                            if is_planned(plan, &store, profile, *fingerprint) {
                                // What is replaced anyway needs no permission that would outlive the run.
                                continue;
                            }
                            look.desired.approved.insert((agent.clone(), profile.clone(), *fingerprint));
                            facts.push(Fact::MayReplace {
                                agent,
                                profile: profile.clone(),
                                fingerprint: *fingerprint,
                            });
                        }
                    }
                    Proposal::Leave => {
                        left.values.insert((profile.clone(), *fingerprint));
                    }
                }
            }
            Answer::Skip { store, profile } => {
                left.places.insert((store.clone(), profile.clone()));
            }
            Answer::Source { profile, store } => {
                let view = look.observed.profile(store, profile);
                if let Some(value) = view.and_then(|view| source_value(view, store)) {
                    look.desired.values.insert(profile.clone(), value);
                    another_plan |= look.desired.confirmed.insert(profile.clone());
                }
            }
            Answer::ConfirmSource { profile } => {
                another_plan |= look.desired.confirmed.insert(profile.clone());
                if let Some(value) = look.desired.values.get(profile) {
                    let (profile, fingerprint) = (profile.clone(), value.fingerprint);
                    facts.push(Fact::Generation { profile, fingerprint, origin: GenerationOrigin::Written });
                }
            }
        }
    }
    look.learn(ports, &facts);
    look.judge_again();
    another_plan
}

fn is_planned(plan: &Plan, place: &StoreId, wanted: &ProfileId, value: Fingerprint) -> bool {
    plan.actions.iter().any(|action| match action {
        Action::Replace { store, profile, expect, .. }
        | Action::Remove { store, profile, expect, .. }
        | Action::RemoveShadow { store, profile, expect, .. } => {
            store == place && profile == wanted && *expect == value
        }
        _ => false,
    })
}

/// Returns whose copies hold a value: the stores in which it stands with their owners, within the run's scope.
///
/// Only those that the question was about. Another agent may hold the same value on purpose, and was neither shown nor asked for.
fn owners_of(look: &Look, profile: &ProfileId, fingerprint: Fingerprint) -> Vec<(StoreId, AgentId)> {
    let copies = look.judgement.copies.iter();
    copies
        .filter(|((store, id), judged)| {
            let source = look.desired.values.get(profile).and_then(|value| value.store.as_ref());
            let provider = look.observed.profile(store, id).map(|view| &view.provider);
            let asked = matches!(
                judged.remedy,
                Remedy::Replace(_) | Remedy::Remove(_) | Remedy::Withdraw | Remedy::Ask
            );
            id == profile
                && (asked || judged.newly_kept)
                && judged.fingerprint == Some(fingerprint)
                && source != Some(store)
                && provider.is_some_and(|provider| look.desired.scope.includes(&judged.owner, id, provider))
        })
        .map(|((store, _), judged)| (store.clone(), judged.owner.clone()))
        .collect()
}
