//! The action that suits each judged copy and its layout.

use crate::judge::{Judged, Remedy, Sight, is_static};
use crate::{
    Action, CredentialKind, Desired, Fingerprint, Judgement, ProfileId, ProfileView, SourceOf, SourceValue,
    StoreId,
};
use std::collections::BTreeMap;

/// What the base store will hold when its own actions are done: the type and value per profile.
type BaseAfter = BTreeMap<ProfileId, (CredentialKind, Fingerprint)>;

/// Returns every write of profiles, base store first.
pub(super) fn actions(sight: &Sight<'_>, judgement: &Judgement) -> Vec<Action> {
    let mut all = Vec::new();
    let inserts = inserts(sight, judgement);
    let mut after = base_now(sight);
    for insert in &inserts {
        if let Action::Insert { profile, kind, value, .. } = insert {
            after.insert(profile.clone(), (kind.clone(), *value));
        }
    }
    // `StoreId::Base` sorts first, so what the base store will hold is known before any other store is planned.
    for ((store, profile), judged) in &judgement.copies {
        let Some(view) = sight.observed.profile(store, profile) else { continue };
        let in_scope = sight.desired.scope.includes(&judged.owner, profile, &view.provider);
        if !in_scope || sight.not_writable(store).is_some() {
            continue;
        }
        let Some(action) = action(sight, &after, store, profile, view, judged) else { continue };
        if *store == StoreId::Base {
            match &action {
                Action::Replace { value, kind, .. } => {
                    after.insert(profile.clone(), (kind.clone(), *value));
                }
                Action::FixType { expect, kind, .. } => {
                    after.insert(profile.clone(), (kind.clone(), *expect));
                }
                _ => {}
            }
        }
        all.push(action);
    }
    let base = all.iter().take_while(|action| *action.store() == StoreId::Base).count();
    all.splice(base..base, inserts);
    all
}

fn base_now(sight: &Sight<'_>) -> BaseAfter {
    let base = sight.base().into_iter().flat_map(|base| &base.profiles);
    base.filter_map(|(id, view)| Some((id.clone(), (view.kind.clone(), view.material.fingerprint()?))))
        .collect()
}

fn action(
    sight: &Sight<'_>,
    after: &BaseAfter,
    store: &StoreId,
    profile: &ProfileId,
    view: &ProfileView,
    judged: &Judged,
) -> Option<Action> {
    let expect = view.material.fingerprint()?;
    let source = sight.desired.values.get(profile)?;
    let agent = sight.user(store);
    let (store, profile, provider) = (store.clone(), profile.clone(), view.provider.clone());
    match &judged.remedy {
        Remedy::None | Remedy::Ask => None,
        Remedy::FixType(kind) => {
            Some(Action::FixType { store, agent, profile, provider, expect, kind: kind.clone() })
        }
        Remedy::Remove(why) => {
            let why = why.clone();
            inherits(sight, after, &store, &profile, source).then_some(Action::RemoveShadow {
                store,
                agent,
                profile,
                provider,
                expect,
                inherits: source.fingerprint,
                why,
            })
        }
        Remedy::Replace(why) => {
            let why = why.clone();
            let by_removal = sight.observed.capabilities.prefers_inheritance
                && inherits(sight, after, &store, &profile, source);
            if by_removal {
                return Some(Action::RemoveShadow {
                    store,
                    agent,
                    profile,
                    provider,
                    expect,
                    inherits: source.fingerprint,
                    why,
                });
            }
            (is_static(&source.kind) && is_static(&view.kind)).then(|| Action::Replace {
                kind: demanded_kind(sight, &profile, source),
                store,
                agent,
                profile,
                provider,
                expect,
                value: source.fingerprint,
                reset_cooldown: true,
                why,
            })
        }
    }
}

/// Tells whether an agent of this store will use the source's value through the base store once its own copy is gone.
fn inherits(
    sight: &Sight<'_>,
    after: &BaseAfter,
    store: &StoreId,
    profile: &ProfileId,
    source: &SourceValue,
) -> bool {
    let leftover = sight.observed.store(store).is_none_or(|view| view.leftover.is_some());
    let Some((kind, value)) = after.get(profile) else { return false };
    let fits = sight.observed.modes.get(profile).is_none_or(|mode| kind.allowed_by_mode(mode));
    *store != StoreId::Base
        && !leftover
        && fits
        && *value == source.fingerprint
        && sight.base().is_some()
        && sight.reads_through(kind)
}

/// Returns the type that a written value shall have: what the config's mode demands, else the source's.
fn demanded_kind(sight: &Sight<'_>, profile: &ProfileId, source: &SourceValue) -> CredentialKind {
    match sight.observed.modes.get(profile) {
        Some(mode) if is_static(mode) => mode.clone(),
        _ => source.kind.clone(),
    }
}

/// Returns the profiles that were given and that no store has of which they are: the base store gets them.
fn inserts(sight: &Sight<'_>, judgement: &Judgement) -> Vec<Action> {
    let Desired { source, values, scope, .. } = sight.desired;
    if *source != SourceOf::Given || !scope.agents.is_empty() || sight.not_writable(&StoreId::Base).is_some()
    {
        return Vec::new();
    }
    let missing = |profile: &ProfileId| {
        sight.observed.profile(&StoreId::Base, profile).is_none() && sight.given_targets(profile).is_empty()
    };
    let owner = sight.owner(&StoreId::Base);
    let usable = |profile: &ProfileId| {
        judgement.sources.get(profile) == Some(&crate::SourceState::Usable)
            && !sight.source_verdict(&owner, profile).is_dead()
    };
    values
        .iter()
        .filter(|(profile, value)| {
            value.store.is_none() && is_static(&value.kind) && missing(profile) && usable(profile)
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
