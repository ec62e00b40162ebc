//! Profiles that a store does not have and shall have: given by a person, or wanted by a vault.

use super::actions::demanded_kind;
use crate::judge::{Sight, can_hold, is_static, why_no_override};
use crate::{Action, Desired, Judgement, ProfileId, SourceOf, SourceState, SourceValue, StoreId};

/// Returns what the base store gets: what was given and no store has of which it is, and what the vault wants all agents to share.
pub(super) fn into_base(sight: &Sight<'_>, judgement: &Judgement) -> Vec<Action> {
    let Desired { source, values, scope, .. } = sight.desired;
    let owner = sight.owner(&StoreId::Base);
    let everybody = scope.agents.is_empty();
    let wants = match source {
        SourceOf::Given => everybody,
        SourceOf::Vault => {
            (everybody || scope.agents.contains(&owner)) && can_hold(sight.observed, &StoreId::Base)
        }
        SourceOf::Store(_) => false,
    };
    if !wants || sight.not_writable(&StoreId::Base).is_some() {
        return Vec::new();
    }
    let missing = |profile: &ProfileId| {
        sight.observed.profile(&StoreId::Base, profile).is_none() && sight.given_targets(profile).is_empty()
    };
    let usable = |profile: &ProfileId| {
        judgement.sources.get(profile) == Some(&SourceState::Usable)
            && !sight.source_verdict(&owner, profile).is_dead()
    };
    let meant = |profile: &ProfileId, value: &SourceValue| {
        *source == SourceOf::Given || scope.includes_profile(profile, &value.provider)
    };
    values
        .iter()
        .filter(|(profile, value)| {
            meant(profile, value)
                && value.store.is_none()
                && is_static(&value.kind)
                && missing(profile)
                && usable(profile)
        })
        .map(|(profile, value)| Action::Insert {
            store: StoreId::Base,
            profile: profile.clone(),
            provider: value.provider.clone(),
            value: value.fingerprint,
            kind: demanded_kind(sight, profile, value),
        })
        .collect()
}

/// Returns what agents get of their own and their stores do not have yet: the vault's overrides, or what was given for them alone.
pub(super) fn of_their_own(sight: &Sight<'_>) -> Vec<Action> {
    let own = sight.desired.wish.iter().flat_map(|wish| &wish.own);
    let own = own.filter_map(|((id, profile), line)| Some((id, profile, line.value.as_ref()?)));
    let given = sight.desired.scope.agents.iter().flat_map(|id| {
        let values = sight.desired.values.iter().filter(|_| sight.desired.source == SourceOf::Given);
        values.map(move |(profile, value)| (id, profile, value))
    });
    // An override is the agent's, even where it is refused: without it the agent would send what all share, and nobody has said so.
    let given = given.filter(|(id, _, value)| !sight.verdict_of(id, value).is_dead());
    let mut all = Vec::new();
    for (id, profile, value) in own.chain(given) {
        let Some(agent) = sight.observed.agent(id) else { continue };
        let store = &agent.store;
        let wanted = sight.desired.scope.includes(id, profile, &value.provider)
            && is_static(&value.kind)
            && why_no_override(sight, agent).is_none();
        let possible = sight.observed.profile(store, profile).is_none()
            && can_hold(sight.observed, store)
            && sight.not_writable(store).is_none();
        if wanted && possible {
            all.push(Action::Insert {
                store: store.clone(),
                profile: profile.clone(),
                provider: value.provider.clone(),
                value: value.fingerprint,
                kind: demanded_kind(sight, profile, value),
            });
        }
    }
    all
}
