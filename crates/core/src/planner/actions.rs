//! The action that suits each judged copy and its layout.

use super::inserts;
use crate::judge::{Judged, Remedy, Sight, is_static};
use crate::plan::Why;
use crate::{Action, CredentialKind, Fingerprint, Judgement, ProfileId, ProfileView, SourceValue, StoreId};
use std::collections::BTreeMap;

/// What the base store will hold when its own actions are done: the type and value per profile.
type BaseAfter = BTreeMap<ProfileId, (CredentialKind, Fingerprint)>;

/// Returns every write of profiles, base store first.
pub(super) fn actions(sight: &Sight<'_>, judgement: &Judgement) -> Vec<Action> {
    let mut all = Vec::new();
    let inserts = inserts::into_base(sight, judgement);
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
                Action::Replace { value, kind, .. } | Action::Insert { value, kind, .. } => {
                    after.insert(profile.clone(), (kind.clone(), *value));
                }
                Action::FixType { expect, kind, .. } => {
                    after.insert(profile.clone(), (kind.clone(), *expect));
                }
                Action::Remove { .. } => {
                    after.remove(profile);
                }
                _ => {}
            }
        }
        all.push(action);
    }
    let base = all.iter().take_while(|action| *action.store() == StoreId::Base).count();
    all.splice(base..base, inserts);
    all.extend(inserts::of_their_own(sight));
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
    let agent = sight.user(store);
    let wanted = sight.wanted(store, profile);
    if judged.remedy == Remedy::Fill {
        // In every layout the value itself: the journal could not tell the removal of nothing from nothing done.
        let source = wanted.filter(|source| is_static(&source.kind) && source.provider == view.provider)?;
        return Some(Action::Insert {
            store: store.clone(),
            profile: profile.clone(),
            provider: source.provider.clone(),
            value: source.fingerprint,
            kind: demanded_kind(sight, profile, source),
        });
    }
    let expect = view.material.fingerprint()?;
    let (store, profile, provider) = (store.clone(), profile.clone(), view.provider.clone());
    if judged.remedy == Remedy::Withdraw {
        let renamed = sight.desired.wish.as_ref().map(|wish| &wish.renamed);
        let to = agent.as_ref().and_then(|id| renamed?.get(id)).cloned();
        let why = to.map_or(Why::Withdrawn, |to| Why::Renamed { to });
        return Some(Action::Remove { store, agent, profile, provider, expect, why });
    }
    let source = wanted?;
    match &judged.remedy {
        Remedy::None | Remedy::Ask | Remedy::Withdraw | Remedy::Fill => None,
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
    let shared = sight.own_line(store, profile).is_none_or(|line| line.value.is_none());
    *store != StoreId::Base
        && shared
        && !leftover
        && fits
        && *value == source.fingerprint
        && sight.base().is_some()
        && sight.reads_through(kind)
}

/// Returns the type that a written value shall have: what the config's mode demands, else the source's.
pub(super) fn demanded_kind(sight: &Sight<'_>, profile: &ProfileId, source: &SourceValue) -> CredentialKind {
    match sight.observed.modes.get(profile) {
        Some(mode) if is_static(mode) => mode.clone(),
        _ => source.kind.clone(),
    }
}
