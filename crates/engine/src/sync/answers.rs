//! What answers change: what is known, what should be, and so the plan.

use crate::decide::Answer;
use crate::look::Look;
use crate::ports::Ports;
use crate::source::source_value;
use keyshoal_core::knowledge::{GenerationOrigin, KeptBy};
use keyshoal_core::plan::Proposal;
use keyshoal_core::{Action, AgentId, Fact, Fingerprint, Plan, ProfileId, StoreId};
use std::collections::BTreeSet;

/// Holds the values that a person wants left alone in this run, although the plan would replace them.
#[derive(Clone, Debug, Default)]
pub(super) struct Left(BTreeSet<(ProfileId, Fingerprint)>);

impl Left {
    /// Returns the plan without what is to be left. When that is the base store's own value, all that relies on it goes too.
    pub fn without(&self, mut plan: Plan) -> Plan {
        let is_left = |action: &Action| match action {
            Action::Replace { expect, profile, .. } | Action::RemoveShadow { expect, profile, .. } => {
                self.0.contains(&(profile.clone(), *expect))
            }
            _ => false,
        };
        let base_left: BTreeSet<ProfileId> = plan
            .actions
            .iter()
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
                    Proposal::Keep => facts.extend(owners.into_iter().map(|agent| Fact::Kept {
                        agent,
                        profile: profile.clone(),
                        fingerprint: *fingerprint,
                        by: KeptBy::Person,
                    })),
                    // What is replaced anyway needs no permission that would outlive the run.
                    Proposal::Replace if is_planned(plan, profile, *fingerprint) => {}
                    Proposal::Replace => {
                        for agent in owners {
                            look.desired.approved.insert((agent.clone(), profile.clone(), *fingerprint));
                            facts.push(Fact::MayReplace {
                                agent,
                                profile: profile.clone(),
                                fingerprint: *fingerprint,
                            });
                        }
                    }
                    Proposal::Leave => {
                        left.0.insert((profile.clone(), *fingerprint));
                    }
                }
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

fn is_planned(plan: &Plan, wanted: &ProfileId, value: Fingerprint) -> bool {
    plan.actions.iter().any(|action| match action {
        Action::Replace { profile, expect, .. } | Action::RemoveShadow { profile, expect, .. } => {
            profile == wanted && *expect == value
        }
        _ => false,
    })
}

/// Returns whose copies hold a value: the owners of the stores in which it stands, within the run's scope.
fn owners_of(look: &Look, profile: &ProfileId, fingerprint: Fingerprint) -> Vec<AgentId> {
    let copies = look.judgement.copies.iter();
    copies
        .filter(|((store, id), judged)| {
            let source = look.desired.values.get(profile).and_then(|value| value.store.as_ref());
            let provider = look.observed.profile(store, id).map(|view| &view.provider);
            id == profile
                && judged.fingerprint == Some(fingerprint)
                && source != Some(store)
                && provider.is_some_and(|provider| look.desired.scope.includes(&judged.owner, id, provider))
        })
        .map(|(_, judged)| judged.owner.clone())
        .collect()
}
