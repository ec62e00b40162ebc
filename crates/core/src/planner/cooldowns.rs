//! Authentication cooldowns that outlive the value that earned them.

use crate::judge::{Sight, is_readable, is_static};
use crate::{
    Action, AgentId, FindingKind, Judgement, Observation, ProfileId, SourceState, SourceValue, StoreId,
    UsageView,
};

/// Returns the mark that counts for a store's agents: the store's own, else the base store's. And where it stands.
pub(crate) fn mark_of<'a>(
    observed: &'a Observation,
    store: &StoreId,
    profile: &ProfileId,
) -> Option<(StoreId, &'a UsageView)> {
    let own = observed.store(store)?.usage.get(profile);
    let base = || observed.store(&StoreId::Base)?.usage.get(profile).map(|mark| (StoreId::Base, mark));
    own.map(|mark| (store.clone(), mark)).or_else(base)
}

/// Tells whether a plan without any other action would reset the mark that holds this profile of a store's agents back.
pub(crate) fn would_reset(
    sight: &Sight<'_>,
    judgement: &Judgement,
    store: &StoreId,
    profile: &ProfileId,
) -> bool {
    mark_of(sight.observed, store, profile)
        .is_some_and(|(place, _)| reset(sight, judgement, &[], &place, profile).is_some())
}

/// Returns the resets that no other action of the plan brings along.
pub(super) fn resets(sight: &Sight<'_>, judgement: &Judgement, planned: &[Action]) -> Vec<Action> {
    let mut all = Vec::new();
    for (id, store) in sight.observed.used() {
        if !is_readable(store) {
            continue;
        }
        all.extend(store.usage.keys().filter_map(|profile| reset(sight, judgement, planned, id, profile)));
    }
    all
}

fn reset(
    sight: &Sight<'_>,
    judgement: &Judgement,
    planned: &[Action],
    store: &StoreId,
    profile: &ProfileId,
) -> Option<Action> {
    let usage = sight.observed.store(store)?.usage.get(profile)?;
    if !usage.auth_block_at(sight.now) || sight.not_writable(store).is_some() {
        return None;
    }
    let of = |place: &StoreId| planned.iter().find(|one| one.store() == place && one.profile() == profile);
    if matches!(of(store), Some(Action::Replace { .. } | Action::RemoveShadow { .. } | Action::Remove { .. }))
    {
        return None;
    }
    let source = sight.wanted(store, profile)?;
    let own = sight.desired.values.get(profile) != Some(source);
    let owner = sight.owner(store);
    let usable = own || judgement.sources.get(profile) == Some(&SourceState::Usable);
    if !usable || !is_static(&source.kind) || !sight.desired.scope.includes(&owner, profile, &source.provider)
    {
        return None;
    }
    // A new profile may find a mark that an old one of its id has left behind.
    let place = if own { store } else { &StoreId::Base };
    let comes = |place| matches!(of(place), Some(Action::Insert { .. }));
    let inserted = (comes(place) || comes(store)) && sight.observed.profile(store, profile).is_none();
    let undeserved = inserted || is_undeserved(sight, judgement, &of, &owner, store, profile, usage);
    undeserved.then(|| Action::ResetCooldown {
        store: store.clone(),
        agent: sight.user(store),
        profile: profile.clone(),
        provider: source.provider.clone(),
        expect: source.fingerprint,
    })
}

/// Tells whether a mark holds the source's value back although that has not earned it: because it has only just come there, or
/// because its provider accepts it since.
fn is_undeserved<'p>(
    sight: &Sight<'_>,
    judgement: &Judgement,
    planned: &impl Fn(&StoreId) -> Option<&'p Action>,
    owner: &AgentId,
    store: &StoreId,
    profile: &ProfileId,
    usage: &UsageView,
) -> bool {
    let Some((place, view)) = sight.effective(store, profile) else { return false };
    let Some(source) = sight.wanted(store, profile) else { return false };
    // A profile that is kept is in no plan, whatever it holds; nor is one that we do not understand.
    let kept = judgement
        .copies
        .get(&(place.clone(), profile.clone()))
        .is_some_and(|judged| matches!(judged.finding, FindingKind::Kept | FindingKind::Overwritten));
    if kept || !is_static(&view.kind) || view.provider != source.provider {
        return false;
    }
    let renewed = matches!(planned(&place), Some(Action::Replace { .. }));
    let holds = view.material.fingerprint() == Some(source.fingerprint);
    renewed || (holds && accepted_since(sight, owner, source, usage))
}

/// Tells whether the provider accepted the source's value after the failure that set the mark.
fn accepted_since(sight: &Sight<'_>, owner: &AgentId, source: &SourceValue, usage: &UsageView) -> bool {
    sight.verdict(owner, &source.provider, source.fingerprint).is_some_and(|verdict| {
        verdict.kind.is_accepted() && usage.last_failure.is_none_or(|failed| failed < verdict.at)
    })
}
